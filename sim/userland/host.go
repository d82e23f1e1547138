package userland

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"twinlayer/fs"
)

// Mark stands at the end of the executable in the bundled images, so that it
// knows there that it is the tools, whatever it is called.
const Mark = "\ntwinlayer's userland\n"

// Marked says whether this process's executable has the Mark.
func Marked() bool {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return false
	}
	defer f.Close()
	end, err := f.Seek(-int64(len(Mark)), io.SeekEnd)
	if err != nil {
		return false
	}
	tail := make([]byte, len(Mark))
	n, _ := f.ReadAt(tail, end)
	return string(tail[:n]) == Mark
}

// Main is the multi-call program on the real system: the base of args[0] is
// the tool, or args are "busybox APPLET …". run finds the tool, as [Run] does.
// Main returns the exit status. In the bundled images Go's runtime handles no
// signal, so they do what they do to a program in C.
func Main(args []string, run func(context.Context, *Process) int) int {
	debug.SetTraceback("none")
	defer crash(args)
	p := hostProcess(args)
	p.Go = func(f func()) {
		go func() {
			defer crash(args)
			f()
		}()
	}
	hostPipeSignal(isShell(args))
	if p.Terminal && takesLines(args) {
		p.Interrupt = new(atomic.Bool)
		outlive(p.Interrupt)
	}
	return run(context.Background(), p)
}

// crash ends a tool that has a fault as abort(3) ends one in C.
func crash(args []string) {
	if fault := recover(); fault != nil {
		fmt.Fprintf(os.Stderr, "%s: a fault of twinlayer's: %v; please report it\n", args[0], fault)
		abort()
	}
}

// takesLines says whether args start a shell that reads its commands.
func takesLines(args []string) bool {
	return isShell(args) && !slices.ContainsFunc(args[1:], func(arg string) bool {
		return !strings.HasPrefix(arg, "-") || strings.Contains(arg, "c")
	})
}

// isShell says whether args start a shell.
func isShell(args []string) bool {
	name := strings.TrimPrefix(filepath.Base(args[0]), "-")
	if name == "busybox" && len(args) > 1 {
		name = args[1]
	}
	return name == "sh" || name == "ash" || name == "bash"
}

// outlive survives the signals that spare a shell at its terminal. Children do
// not inherit that.
func outlive(interrupt *atomic.Bool) {
	caught := make(chan os.Signal, 1)
	notify(caught, hostSignals...)
	go func() {
		for s := range caught {
			if s == os.Interrupt {
				interrupt.Store(true)
			}
		}
	}()
}

// notify is [signal.Notify], whose thread blocks all signals. This must not be
// the process's first one, or the kernel would not keep signals from the first
// process of a container any more.
func notify(c chan<- os.Signal, signals ...os.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signal.Notify(c, signals...)
}

// began is the directory that this process is in. Children are left there
// without a look: they may be in it though they may not go there.
var began string

// hostProcess is this process of the real system.
func hostProcess(args []string) *Process {
	dir, err := os.Getwd()
	if err != nil {
		dir = cmp.Or(os.Getenv("PWD"), "/") // it was removed
	}
	began = dir
	p := &Process{
		Args: args, Env: os.Environ(), Dir: filepath.ToSlash(dir),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Terminal: isTerminal(os.Stdin),
		FS: fs.Host(), Kernel: hostKernel{},
		UID: os.Geteuid(), GID: os.Getegid(), PID: os.Getpid(), PPID: os.Getppid(),
		Umask: hostUmask(), SetUmask: setHostUmask, Pipe: hostPipe, Exec: hostExec, Replace: hostReplace,
	}
	p.Groups, _ = os.Getgroups()
	return p
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && hostTerminal(f)
}

func hostPipe() (io.ReadCloser, io.WriteCloser, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return r, w, nil
}

// hostExec runs a child as a real process.
func hostExec(ctx context.Context, child *Process) int {
	cmd := exec.CommandContext(ctx, child.Path)
	cmd.Args, cmd.Env, cmd.Dir = child.Args, child.Env, child.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = hostReader(child.Stdin), hostWriter(child.Stdout), hostWriter(child.Stderr)
	if err := children.start(cmd); err != nil {
		fmt.Fprintf(child.Stderr, "%s: %s\n", child.Args[0], reason(err))
		return cannotStatus(err)
	}
	defer children.waited(cmd.Process.Pid)
	if child.Started != nil {
		child.Started(cmd.Process.Pid)
	}
	err := cmd.Wait()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		return exitStatus(failed)
	case err != nil:
		return 126
	}
	return 0
}

// children are the processes that this one has started and waits for.
var children = nursery{own: map[int]bool{}}

type nursery struct {
	mu  sync.Mutex
	own map[int]bool
}

// start starts cmd. The first process of a container inherits the orphans of
// all others, and is the only one to wait for them: here it does.
func (n *nursery) start(cmd *exec.Cmd) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if os.Getpid() == 1 {
		hostReap(func(pid int) bool { return n.own[pid] })
	}
	err := start(cmd)
	if err == nil {
		n.own[cmd.Process.Pid] = true
	}
	return err
}

func (n *nursery) waited(pid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.own, pid)
}

// start starts cmd. A directory that was removed remains the working directory
// of those in it; since this shell is not itself in it, they get another one.
func start(cmd *exec.Cmd) error {
	if cmd.Dir == began {
		cmd.Dir = ""
		return cmd.Start()
	}
	if _, err := os.Stat(cmd.Dir); !errors.Is(err, os.ErrNotExist) {
		return cmd.Start()
	}
	dir, err := os.MkdirTemp("/dev/shm", "")
	if err != nil {
		return cmd.Start()
	}
	defer os.Remove(dir)
	cmd.Dir = dir
	return cmd.Start()
}

// hostReader and hostWriter find the system's file behind a stream, so that
// the child inherits it.
func hostReader(r io.Reader) io.Reader {
	switch r := r.(type) {
	case fs.HostFile:
		return r.File
	case badFD:
		return nil
	}
	return r
}

func hostWriter(w io.Writer) io.Writer {
	switch w := w.(type) {
	case fs.HostFile:
		return w.File
	case badFD:
		return nil
	}
	return w
}
