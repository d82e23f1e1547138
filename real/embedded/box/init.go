//go:build linux

package box

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"

	"golang.org/x/sys/unix"
)

// Init is the first stage of a container; it does not return.
func Init() {
	runtime.LockOSThread()
	conn := os.NewFile(3, "engine")
	unix.CloseOnExec(3)
	setgroupsDenied()
	var spec Spec
	err := gob.NewDecoder(conn).Decode(&spec)
	if err == nil {
		err = spec.become()
	}
	gob.NewEncoder(conn).Encode(failureOf(err))
	os.Exit(1)
}

// become builds the container around the calling process and executes the
// program. The order matters: what needs power comes before it is given up.
func (s *Spec) become() error {
	unix.Umask(0)
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil { // after the cgroup was entered
		return fmt.Errorf("making a cgroup namespace: %w", err)
	}
	if err := s.enterRoot(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("setting the hostname %q: %w", s.Hostname, err)
	}
	if err := s.network(); err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	if err := freeze(s.ReadOnly); err != nil {
		return err
	}
	who, err := s.identity()
	if err != nil {
		return err
	}
	if err := s.restrict(); err != nil {
		return err
	}
	if err := who.assume(); err != nil {
		return err
	}
	unix.Umask(0o022)
	return s.exec()
}

// makeDir creates the working directory where the image lacks it, as docker
// does, and goes there.
func (p *Process) makeDir() error {
	dir := path.Clean("/" + p.Dir)
	switch err := os.MkdirAll(dir, 0o755); {
	case errors.Is(err, unix.ENOTDIR):
		return daemonFailure("Cannot mkdir: %s is not a directory", dir)
	case err != nil:
		return daemonFailure("mkdir %s: %v", dir, errors.Unwrap(err))
	}
	if err := unix.Chdir(dir); err != nil {
		return runtimeFailure("chdir to cwd (%q) set in config.json failed: %v", dir, err)
	}
	return nil
}

// exec becomes the program. A file that was found but is no program fails
// late: docker has started the container by then, and the container says so.
func (p *Process) exec() error {
	file, err := lookPath(p.Args[0], p.Env)
	if err != nil {
		return err
	}
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing inherited files: %w", err)
	}
	err = unix.Exec(file, p.Args, p.Env)
	if errors.Is(err, unix.EACCES) {
		return runtimeFailure("exec %s: %v", file, err)
	}
	fmt.Fprintf(os.Stderr, "exec %s: %v\n", file, err)
	os.Exit(255)
	return nil
}

// network makes the container's own network ready.
func (s *Spec) network() error {
	if s.HostNetwork {
		return nil
	}
	return loopbackUp()
}

// freeze makes a root that is to be read-only so, now that all is in place.
func freeze(readOnlyRoot bool) error {
	if !readOnlyRoot {
		return nil
	}
	err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: readOnly})
	if err != nil {
		return fmt.Errorf("making the root read-only: %w", err)
	}
	return nil
}

// loopbackUp switches on the only network that the container has.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switching on the loopback: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("switching on the loopback: %w", err)
	}
	return nil
}
