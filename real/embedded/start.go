//go:build linux

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/helper"
	"twinlayer/real/embedded/rpc"
)

// The names (argv[0]) under which the program is started again.
const (
	openStage   = "twinlayer-engine-open" // a helper whose file can be written to
	helperStage = "twinlayer-engine"
	waiterStage = "twinlayer-engine-wait" // a helper without its id map yet
)

// Init turns a program that an engine started into what it was started as;
// then it does not return. Otherwise it does nothing.
func Init() {
	switch os.Args[0] {
	case openStage:
		fmt.Fprintln(os.Stderr, "twinlayer:", seal(helperStage))
		os.Exit(1)
	case helperStage:
		os.Exit(helper.Serve())
	case waiterStage:
		os.Exit(waitForMap())
	}
}

// Start starts an engine. The error is an *[Unavailable] where the machine or
// the data directory does not allow it.
func Start(cfg Config) (*Engine, error) {
	conn, process, err := spawn(cfg.As)
	if err != nil {
		return nil, helper.RefusedClone(err)
	}
	e := &Engine{client: rpc.NewClient(conn), pid: process.Pid, wait: func() error {
		_, err := process.Wait()
		return err
	}}
	no, err := rpc.Call[Unavailable](context.Background(), e.client, "open", cfg)
	if err == nil && no.Reason != "" {
		err = &no
	}
	if errors.Is(err, rpc.ErrGone) {
		err = &Unavailable{Reason: "its helper process ended at once", Remedy: "run twinlayer again with more memory free, and report this if it stays"}
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// spawn starts the helper and returns our end of its socket.
func spawn(as *User) (*os.File, *os.Process, error) {
	m := mapFor(as)
	conn, process, err := m.spawn()
	if err != nil && m.tool {
		return single().spawn()
	}
	return conn, process, err
}

// spawn starts a helper under the map. Its own session keeps the terminal's
// Ctrl-C from it.
func (m idMap) spawn() (*os.File, *os.Process, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	near, far := os.NewFile(uintptr(fds[0]), "engine"), os.NewFile(uintptr(fds[1]), "engine")
	defer far.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{openStage}, Env: os.Environ(), Stderr: os.Stderr,
		ExtraFiles: []*os.File{far},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Setsid: true,
		},
	}
	if err := m.start(cmd); err != nil {
		near.Close()
		return nil, nil, fmt.Errorf("starting the helper in a new user namespace: %w", err)
	}
	return near, cmd.Process, nil
}
