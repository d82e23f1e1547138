package userland

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"twinlayer/fs"
)

// Process is a running program as its tool sees it: arguments, environment,
// directory, streams, who it is, its file system and its kernel.
type Process struct {
	Args []string // Args[0] is the applet's name
	Path string   // the file being executed, as [Resolve] found it
	Env  []string // KEY=value
	Dir  string   // absolute

	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer
	Terminal       bool // Stdin is a terminal

	FS     fs.FS
	Kernel Kernel

	UID, GID  int
	Groups    []int // supplementary
	PID, PPID int
	// Umask is inherited by children; SetUmask makes FS obey another one
	// (nil: it cannot).
	Umask    uint32
	SetUmask func(mask uint32)

	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error // nil: the real clock
	Rand  func() uint64                                    // nil: crypto/rand

	// Exec runs a child program to its end and returns its exit status. The
	// child's Path and Args are those of [Resolve]: no more lookup is needed.
	// If the child's Started is set, Exec calls it as soon as the child has
	// its process id.
	Exec    func(ctx context.Context, child *Process) int
	Started func(pid int)
	// Replace is Exec in this process's place, as execve(2). The real one does
	// not come back; ok is false where it could not be done. nil: Exec, then
	// exit.
	Replace func(ctx context.Context, child *Process) (status int, ok bool)
	// Go runs f beside the process, for a command in the background; nil: as
	// the go statement does.
	Go func(f func())
	// Interrupt says that ^C was typed; an interactive shell then goes back
	// to its prompt. nil: nobody types.
	Interrupt *atomic.Bool
	// Pipe makes the pipes of the shell; nil: pipes in memory.
	Pipe func() (io.ReadCloser, io.WriteCloser, error)
	// Jobs are what earlier lines of a [Shell] have left in the background.
	Jobs []Job
}

// Kernel is what a program asks the kernel besides files.
type Kernel interface {
	Uname() Uname
	// Processes are those of this pid namespace, by PID.
	Processes() []ProcessInfo
	Mounts() []Mount
	// Statfs tells of the file system that holds path.
	Statfs(path string) (Statfs, error)
	SetHostname(name string) error
	// Kill sends a signal; signal 0 only asks whether it could.
	Kill(pid, signal int) error
}

// Uname is what uname(2) tells.
type Uname struct{ Sysname, Nodename, Release, Version, Machine string }

// ProcessInfo is one process as ps shows it.
type ProcessInfo struct {
	PID, UID int
	Args     []string
}

// Mount is one line of /proc/mounts.
type Mount struct{ Source, Target, Type, Options string }

// Statfs is what statfs(2) tells of a file system.
type Statfs struct {
	BlockSize                 int64
	Blocks, Free, Available   int64 // of BlockSize bytes
	Files, FreeFiles          int64
	Type                      string
	ID                        uint64
	NameLen, FundamentalBlock int64
}

// child is a process that p starts: as p, with other arguments.
func (p *Process) child(args []string) *Process {
	c := *p
	c.Args, c.PPID, c.PID = args, p.PID, 0
	c.Started, c.Replace = nil, nil
	return &c
}

func (p *Process) copy() *Process {
	c := *p
	return &c
}

// beside runs f at the same time as p.
func (p *Process) beside(f func()) {
	if p.Go == nil {
		go f()
		return
	}
	p.Go(f)
}

// spawn finds the program that the child's arguments name and runs it. The
// error is of the finding.
func (p *Process) spawn(ctx context.Context, c *Process) (int, error) {
	path, argv, err := Resolve(c)
	if err != nil {
		return 0, err
	}
	if p.Exec == nil {
		return 0, fs.ENOSYS
	}
	c.Path, c.Args = path, argv
	return p.Exec(ctx, c), nil
}

// become runs a child that [Resolve] has found in p's place. What comes back
// is p's own exit status.
func (p *Process) become(ctx context.Context, c *Process) int {
	if p.Replace != nil {
		if status, ok := p.Replace(ctx, c); ok {
			return status
		}
	}
	return p.Exec(ctx, c)
}

// getenv is the value of an environment variable.
func (p *Process) getenv(name string) string {
	for i := len(p.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(p.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// abs is name as seen from p's directory. It is not cleaned: the way through
// a symlink and back by ".." is the file system's matter.
func (p *Process) abs(name string) string {
	switch {
	case name == "" || name[0] == '/':
		return name
	case p.Dir == "/":
		return "/" + name
	}
	return p.Dir + "/" + name
}
