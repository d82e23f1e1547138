//go:build linux

package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/stage1"
)

// Exec starts one more process in the container whose first process p is. It
// returns when the program runs, or ctx is done; a *[Failure] if it cannot run.
func (p *Proc) Exec(ctx context.Context, what Process, interactive bool) (*Proc, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, errStopped
	}
	streams, err := newPipes(interactive)
	if err != nil {
		return nil, err
	}
	e := entry{container: p}
	if err = what.visit(p, streams, &e.todo); err == nil {
		err = e.run(ctx, streams)
	}
	if err != nil {
		streams.close()
		return nil, err
	}
	return streams.proc(e.last, -1), nil
}

// visit looks up in the container what the process needs, on a thread that
// sees its files, and returns what the process has to do.
//
// All that takes power is done before the second fork, which is into the pid
// namespace: only then does the container see the process, which can do no
// more than those that are there.
func (p *Process) visit(first *Proc, streams *pipes, todo *calls) error {
	setgroupsDenied()
	return aside(func() error {
		if err := join(first.pidfd, unix.CLONE_NEWNS); err != nil {
			return err
		}
		who, file, err := p.resolve(streams)
		if err != nil {
			return err
		}
		todo.block() // of the Go runtime only this thread is left then
		todo.add(doing("parting from the engine"), stage1.Fork)
		todo.add(doing("waiting for the container's limits"), stage1.Await)
		todo.add(doing("hiding the memory"), unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		todo.enterContainer(first.namespaces)
		dir := path.Clean("/" + p.Dir)
		todo.enterDir(dir, false)
		if err := todo.restrict(&p.Privileges); err != nil {
			return err
		}
		todo.assume(who, p.Caps)
		todo.add(notEntered, stage1.Fork)
		todo.add(doing("beginning a session"), unix.SYS_SETSID)
		todo.enterDir(dir, true)
		todo.exec(file, p.Args, p.Env, notExecuted(file))
		return nil
	})
}

// join enters namespaces of the process behind pidfd. A thread may enter a
// mount namespace once it shares its root and working directories with no
// other (setns(2)).
func join(pidfd, namespaces int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("parting a thread's directories: %w", err)
	}
	if err := unix.Setns(pidfd, namespaces); err != nil {
		return notEntered(err)
	}
	return nil
}

// notEntered is the failure to enter a container, which may have ended
// meanwhile (setns(2), pid_namespaces(7)).
func notEntered(err error) error {
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOMEM) {
		return errStopped
	}
	return fmt.Errorf("entering the container's namespaces: %w", err)
}

var errStopped = runtimeFailure("cannot exec in a stopped container")

// entry is a process on its way into a container: a stage, then the child that
// it leaves, which enters the container's limits and namespaces, then that
// one's, which is in the container.
type entry struct {
	container *Proc
	todo      calls
	near      *os.File
	last      *os.Process // nil: not begun
	forks     int
}

func (e *entry) run(ctx context.Context, streams *pipes) error {
	near, far, err := socketpair()
	if err != nil {
		return err
	}
	defer near.Close()
	e.near = near
	err = e.begin(streams, far)
	far.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { near.SetDeadline(time.Unix(1, 0)) })()
	err = said(e.todo.handOver(near, e.last.Pid, 2, e.forked), streams)
	if err != nil {
		e.kill()
	}
	return errors.Join(ctx.Err(), err)
}

// begin starts the stage.
func (e *entry) begin(streams *pipes, conn *os.File) error {
	fd, err := unix.FcntlInt(uintptr(e.container.pidfd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	pidfd := os.NewFile(uintptr(fd), "container")
	defer pidfd.Close()
	e.last, err = os.StartProcess("/proc/self/exe", []string{stage1.Stage}, &os.ProcAttr{
		Env: []string{}, Files: append(slices.Clone(streams.theirs[:]), conn, pidfd), // pidfd is the handed one
	})
	return err
}

// forked takes the next process for the one before it, which ends.
func (e *entry) forked(pid int) error {
	e.last.Wait()
	next, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	e.last = next
	if e.forks++; e.forks == 2 {
		return nil
	}
	if err = e.container.limits.enter(pid); err == nil {
		_, err = e.near.Write([]byte{0})
	}
	return err
}

// kill ends what is on its way, and the child that it may have just made. A
// container ends only when all its processes are waited for.
func (e *entry) kill() {
	e.last.Kill()
	e.last.Wait()
	conn, err := e.near.SyscallConn()
	if err != nil || e.forks != 1 {
		return
	}
	conn.Control(func(fd uintptr) {
		m, from, err := receiveNow(int(fd))
		if err == nil && from == e.last.Pid && m.PID != 0 && e.forked(int(m.PID)) == nil {
			e.last.Kill()
			e.last.Wait()
		}
	})
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
