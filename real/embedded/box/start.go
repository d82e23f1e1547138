//go:build linux

package box

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stage is the argv[0] under which a program must call [Init].
const Stage = "twinlayer-init"

// namespaces are the ones that a container has for itself when it is cloned;
// a cgroup namespace follows. The user namespace is the caller's.
func (s *Spec) namespaces() int {
	all := unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if s.HostNetwork {
		return all
	}
	return all | unix.CLONE_NEWNET
}

// Start starts a container, within limits if they are not nil. It returns when the program runs; a *[Failure] if
// it cannot.
func Start(spec Spec, limits *Limits, interactive bool) (*Proc, error) {
	p, err := newPipes(interactive)
	if err != nil {
		return nil, err
	}
	near, far, err := socketpair()
	if err != nil {
		p.close()
		return nil, err
	}
	defer near.Close()
	pidfd := -1
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{Stage}, Env: []string{},
		Stdin: p.theirs[0], Stdout: p.theirs[1], Stderr: p.theirs[2], ExtraFiles: []*os.File{far},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: uintptr(spec.namespaces()), Setsid: true, PidFD: &pidfd},
	}
	err = cmd.Start()
	far.Close()
	if err != nil {
		p.close()
		return nil, fmt.Errorf("cloning a process into new namespaces: %w", err)
	}
	proc := p.proc(cmd.Process, pidfd)
	proc.namespaces, proc.limits = spec.namespaces()|unix.CLONE_NEWCGROUP, limits
	if err := spec.start(near, limits, cmd.Process.Pid); err != nil {
		proc.Kill()
		proc.Close()
		return nil, err
	}
	return proc, nil
}

func socketpair() (near, far *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "stage"), os.NewFile(uintptr(fds[1]), "stage"), nil
}

// start limits the first stage and lets it go on.
func (s *Spec) start(stage io.ReadWriter, limits *Limits, pid int) error {
	if limits != nil {
		if err := limits.enter(pid); err != nil {
			return err
		}
	}
	return handOver(stage, *s)
}

// handOver gives the first stage its work and waits until it became the
// user's program, at which the socket closes, or tells why it cannot.
func handOver(stage io.ReadWriter, spec Spec) error {
	if err := gob.NewEncoder(stage).Encode(spec); err != nil {
		return fmt.Errorf("handing the container to its first stage: %w", err)
	}
	var f Failure
	switch err := gob.NewDecoder(stage).Decode(&f); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("hearing from the container's first stage: %w", err)
	}
	return &f
}
