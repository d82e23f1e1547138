//go:build linux

package runtime

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/stage1"
)

// namespaces are the ones that a container has for itself when it starts; a
// cgroup namespace follows. The user namespace is the caller's.
func (s *Spec) namespaces() int {
	all := unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if s.HostNetwork {
		return all
	}
	return all | unix.CLONE_NEWNET
}

// Start starts a container, within limits if they are not nil. It returns when
// the program runs; a *[Failure] if it cannot.
func Start(spec Spec, limits *Limits, interactive bool) (*Proc, error) {
	streams, err := newPipes(interactive)
	if err != nil {
		return nil, err
	}
	near, far, err := socketpair()
	if err != nil {
		streams.close()
		return nil, err
	}
	defer near.Close()
	var first *first
	setgroupsDenied()
	tryPidfds()
	err = aside(func() (err error) {
		first, err = spec.begin(streams, far)
		return err
	})
	far.Close()
	if err != nil {
		streams.close()
		return nil, err
	}
	err = limits.enter(first.process.Pid)
	if err == nil {
		err = first.todo.handOver(near, first.process.Pid, 0, nil)
	}
	err = said(err, streams)
	near.Close()
	proc := streams.proc(first.process, first.pidfd)
	proc.namespaces, proc.limits = spec.namespaces()|unix.CLONE_NEWCGROUP, limits
	if err != nil {
		proc.Kill()
		proc.Close()
		return nil, err
	}
	return proc, nil
}

// first is the first process of a container, which waits for what it has to
// do.
type first struct {
	process *os.Process
	pidfd   int
	todo    calls
}

// begin makes a container around the calling thread and starts the first
// process. The thread leaves the container's mounts then, so that they go with
// the last process.
func (s *Spec) begin(streams *pipes, conn *os.File) (*first, error) {
	home, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(home)
	f := &first{pidfd: -1}
	f.todo, err = s.build(streams)
	var root *os.File
	if err == nil {
		root, err = os.OpenFile("/", unix.O_PATH, 0)
	}
	if err == nil {
		defer root.Close()
		f.process, err = os.StartProcess("/proc/self/exe", []string{stage1.Stage}, &os.ProcAttr{
			Env: []string{}, Files: append(slices.Clone(streams.theirs[:]), conn, root), // root is the handed one
			Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &f.pidfd},
		})
	}
	if err != nil {
		unix.Unmount(s.Root.Merged, unix.MNT_DETACH)
	}
	return f, errors.Join(err, unix.Setns(home, unix.CLONE_NEWNS))
}

// tryPidfds lets the os package try pidfds in its own namespace.
var tryPidfds = sync.OnceFunc(func() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Release()
	}
})

func socketpair() (near, far *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	unix.SetNonblock(fds[0], true) // so that waiting for an answer can end
	unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	return os.NewFile(uintptr(fds[0]), "stage"), os.NewFile(uintptr(fds[1]), "stage"), nil
}
