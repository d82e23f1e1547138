//go:build linux

package box

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exec starts one more process in the container whose first process p is. It
// returns when the program runs; a *[Failure] if it cannot.
func (p *Proc) Exec(what Process, interactive bool) (*Proc, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, runtimeFailure("cannot exec in a stopped container")
	}
	streams, err := newPipes(interactive)
	if err != nil {
		return nil, err
	}
	type started struct {
		proc *Proc
		err  error
	}
	setgroupsDenied()
	result := make(chan started)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		proc, err := what.enter(p, streams)
		result <- started{proc, err}
	}()
	r := <-result
	if r.err != nil {
		streams.close()
	}
	return r.proc, r.err
}

// enter puts the calling thread into the container and forks the program.
func (p *Process) enter(first *Proc, streams *pipes) (*Proc, error) {
	if err := join(first.pidfd, first.namespaces); err != nil {
		return nil, err
	}
	who, err := p.identity()
	if err != nil {
		return nil, err
	}
	file, err := lookPath(p.Args[0], p.Env)
	if err != nil {
		return nil, err
	}
	for _, f := range streams.theirs {
		who.own(f)
	}
	if err := p.restrict(); err != nil {
		return nil, err
	}
	child := -1
	process, err := os.StartProcess(file, p.Args, &os.ProcAttr{
		Dir: path.Clean("/" + p.Dir), Env: p.Env, Files: streams.theirs[:],
		Sys: &syscall.SysProcAttr{Credential: who.credential(), Setsid: true, PidFD: &child, Ptrace: first.limits != nil},
	})
	if err == nil && first.limits != nil {
		if err = first.limits.enterStopped(process.Pid); err != nil {
			process.Wait() // or its pid namespace could not end
			return nil, err
		}
	}
	if errors.Is(err, unix.EINVAL) && (who.uid != 0 || who.gid != 0) {
		return nil, who.unmapped(err)
	}
	if err != nil {
		return nil, p.explain(file, err)
	}
	return streams.proc(process, child), nil
}

// join enters the namespaces, and the root directory, of the process behind
// pidfd. A thread may enter a mount namespace once it shares its root and
// working directories with no other (setns(2)).
func join(pidfd, namespaces int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("parting a thread's directories: %w", err)
	}
	if err := unix.Setns(pidfd, namespaces); err != nil {
		return fmt.Errorf("entering the container's namespaces: %w", err)
	}
	unix.Umask(0o022)
	return nil
}

func (i *identity) own(f *os.File) {
	if i.uid == 0 && i.gid == 0 {
		return
	}
	conn, err := f.SyscallConn()
	if err == nil {
		conn.Control(func(fd uintptr) { ownPipe(int(fd), i.uid, i.gid) })
	}
}

func (i *identity) credential() *syscall.Credential {
	return &syscall.Credential{Uid: i.uid, Gid: i.gid, Groups: i.groups, NoSetGroups: setgroupsDenied()}
}

// explain puts the error of a fork that did not become the program into
// runc's words. Which step failed cannot be seen from outside, so the working
// directory is looked at again.
func (p *Process) explain(file string, err error) error {
	dir := path.Clean("/" + p.Dir)
	if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
		cause := error(unix.ENOTDIR)
		if statErr != nil {
			cause = errors.Unwrap(statErr)
		}
		return runtimeFailure("chdir to cwd (%q) set in config.json failed: %v", dir, cause)
	}
	cause := err
	if unwrapped := errors.Unwrap(err); unwrapped != nil {
		cause = unwrapped
	}
	return runtimeFailure("exec %s: %v", file, cause)
}
