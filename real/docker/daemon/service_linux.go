package daemon

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// service is a "podman system service" of twinlayer's own.
type service struct {
	cmd   *exec.Cmd
	dir   string
	ended chan error
	errs  bytes.Buffer
}

// podmanService starts the API on a private socket, for as long as this
// process lives.
func podmanService(command string) (Target, error) {
	dir, err := os.MkdirTemp("", "twinlayer-podman-")
	if err != nil {
		return Target{Podman: true}, fmt.Errorf("making a place for podman's socket: %w", err)
	}
	socket := filepath.Join(dir, "podman.sock")
	s := &service{cmd: exec.Command(command, "system", "service", "--time=0", "unix://"+socket), dir: dir, ended: make(chan error, 1)}
	s.cmd.Stderr = &s.errs
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	s.cmd.WaitDelay = time.Second // a rootless Podman leaves a process that keeps its user namespace
	go s.run()
	if err := s.await(socket); err != nil {
		return Target{Podman: true, Host: "unix://" + socket}, err
	}
	t, err := podmanAt("unix://"+socket, "twinlayer, which started "+command)
	t.service = s
	return t, err
}

// run keeps to one thread: Pdeathsig watches the thread that started the
// service (prctl(2)).
func (s *service) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := s.cmd.Start()
	if err == nil {
		err = s.cmd.Wait()
	}
	s.ended <- err
}

func (s *service) await(socket string) error {
	for range 100 {
		select {
		case err := <-s.ended:
			os.RemoveAll(s.dir)
			return fmt.Errorf("podman system service ended at once (%v): %s", err, strings.TrimSpace(s.errs.String()))
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := os.Stat(socket); err == nil {
			return nil
		}
	}
	s.stop()
	return fmt.Errorf("podman system service did not open %s within 5 seconds: try it by hand", socket)
}

// stop ends all of the service: a rootless Podman is two processes, and the
// first one does not always pass a signal on.
func (s *service) stop() error {
	if s.cmd.Process != nil {
		group := -s.cmd.Process.Pid
		syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(10 * time.Second):
			syscall.Kill(group, syscall.SIGKILL)
			<-s.ended
		}
	}
	return os.RemoveAll(s.dir)
}
