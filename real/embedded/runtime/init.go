//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// build makes, around the calling thread, all of the container that can be
// made from outside, and returns what its first process has to do then. The
// thread ends with nothing of it but the namespaces.
func (s *Spec) build(streams *pipes) (todo calls, err error) {
	if err := unix.Unshare(unix.CLONE_FS | s.namespaces()); err != nil {
		return todo, fmt.Errorf("making the container's namespaces: %w", err)
	}
	unix.Umask(0)
	mounts, err := s.mounts()
	if err != nil {
		return todo, err
	}
	if err := s.Root.mount(); err != nil {
		return todo, err
	}
	todo.enterRoot(s.Root.Merged)
	err = within(s.Root.Merged, func() error {
		err := s.furnish(mounts)
		if err == nil {
			err = s.become(&todo, streams)
		}
		return err
	})
	return todo, err
}

// within calls f with the root directory dir, for the calling thread alone.
func within(dir string, f func() error) error {
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(old)
	if err := errors.Join(unix.Chdir(dir), unix.Chroot(".")); err != nil {
		return fmt.Errorf("entering %s: %w", dir, err)
	}
	err = f()
	return errors.Join(err, unix.Fchdir(old), unix.Chroot("."))
}

// furnish puts into the root directory, which is the calling thread's, what
// the container sees there.
func (s *Spec) furnish(mounts []mount) error {
	if err := makeTarget("/proc", true); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	if st, err := os.Stat("/proc"); err == nil && !st.IsDir() {
		return runtimeFailure("%s", sim.MountProblem("/proc"))
	}
	if err := attachAll(mounts); err != nil {
		return err
	}
	if err := links(); err != nil {
		return err
	}
	if err := maskSys(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("setting the hostname %q: %w", s.Hostname, err)
	}
	if err := s.network(); err != nil {
		return err
	}
	if err := MakeDir(s.Dir); err != nil {
		return err
	}
	return freeze(s.ReadOnly)
}

// become adds what makes the first process the user's program. The order
// matters: what needs power comes before it is given up.
func (p *Process) become(todo *calls, streams *pipes) error {
	who, file, err := p.resolve(streams)
	if err != nil {
		return err
	}
	dir := path.Clean("/" + p.Dir)
	todo.enterDir(dir, false)
	if err := todo.restrict(&p.Privileges); err != nil {
		return err
	}
	todo.assume(who, p.Caps)
	todo.enterDir(dir, true)
	todo.exec(file, p.Args, p.Env, notExecuted(file))
	return nil
}

// notExecuted is the failure of execve.
func notExecuted(file string) func(error) error {
	return func(err error) error {
		if errors.Is(err, unix.EACCES) {
			return runtimeFailure("exec %s: %v", file, err)
		}
		return notProgram(fmt.Sprintf("exec %s: %v\n", file, err))
	}
}

// resolve looks up, in the root directory of the calling thread, which is the
// container's, who the process runs as and what its program is, and makes its
// streams the user's.
func (p *Process) resolve(streams *pipes) (who *identity, file string, err error) {
	if who, err = p.identity(); err != nil {
		return nil, "", err
	}
	if err := streams.openNull(); err != nil {
		return nil, "", err
	}
	for _, f := range streams.theirs {
		who.own(f)
	}
	file, err = who.lookPath(p.Args[0], p.Env)
	return who, file, err
}

// inProc says whether a name lies in /proc, which only the container's own
// processes see.
func inProc(name string) bool { return strings.HasPrefix(path.Clean(name), "/proc/") }

// MakeDir creates a working directory where the image lacks it, as docker
// does.
func MakeDir(dir string) error {
	dir = path.Clean("/" + dir)
	if inProc(dir) {
		return nil
	}
	switch err := os.MkdirAll(dir, 0o755); {
	case errors.Is(err, unix.ENOTDIR):
		return daemonFailure("Cannot mkdir: %s is not a directory", dir)
	case err != nil:
		return daemonFailure("mkdir %s: %v", dir, errors.Unwrap(err))
	}
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
