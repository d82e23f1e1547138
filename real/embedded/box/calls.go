//go:build linux

package box

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/early"
)

// calls are what a container's first process does before it is the user's
// program, each with what its failure means.
type calls struct {
	early.Calls
	failures []func(error) error
}

func (c *calls) add(failure func(error) error, call uintptr, args ...any) {
	c.Add(call, args...)
	c.failures = append(c.failures, failure)
}

// doing is the failure of what twinlayer itself does.
func doing(format string, args ...any) func(error) error {
	return func(err error) error { return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err) }
}

// oldRoot is the first process's descriptor of its root directory.
const oldRoot = 4

// enterRoot makes dir the root, with a /proc, and detaches the old one. Both
// are "." for a moment: the old root then lies on top of the new one
// (pivot_root(2)). A user namespace may mount a proc only as long as it sees
// one, hence before, but with names that are the container's already.
func (c *calls) enterRoot(dir string) {
	c.add(doing("making a cgroup namespace"), unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP) // after the cgroup was entered
	c.add(doing("entering %s", dir), unix.SYS_CHDIR, dir)
	c.add(doing("entering %s", dir), unix.SYS_CHROOT, ".")
	c.proc()
	c.add(doing("leaving %s", dir), unix.SYS_FCHDIR, oldRoot)
	c.add(doing("leaving %s", dir), unix.SYS_CHROOT, ".")
	c.add(doing("entering %s", dir), unix.SYS_CHDIR, dir)
	c.add(doing("making %s the root", dir), unix.SYS_PIVOT_ROOT, ".", ".")
	c.add(doing("detaching the old root"), unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	c.add(doing("entering the root"), unix.SYS_CHDIR, "/")
}

const quietOld = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// proc mounts /proc, which shows the processes of the namespace that its
// mounter is in, and hides and freezes parts of it.
func (c *calls) proc() {
	c.mount("proc", "/proc", "proc", quietOld, "")
	for _, name := range existing("/proc/", masked) {
		if isDir(name) {
			c.mount("tmpfs", name, "tmpfs", quietOld|unix.MS_RDONLY, "size=0k")
		} else {
			c.mount("/dev/null", name, "", unix.MS_BIND, "")
		}
	}
	for _, name := range existing("/proc/", frozen) {
		c.mount(name, name, "", unix.MS_BIND|unix.MS_REC, "")
		c.mount("", name, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|quietOld, "")
	}
}

func (c *calls) mount(source, target, fstype string, flags int, options string) {
	c.add(doing("mounting on %s", target), unix.SYS_MOUNT, source, target, fstype, flags, options)
}

// lastCap is the highest capability that the kernel knows.
var lastCap = sync.OnceValue(func() (last int) {
	for c := 0; unix.Prctl(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0) == nil; c++ {
		last = c
	}
	return last
})

// restrict gives up what [Power.restrict] does.
func (c *calls) restrict(p *Power) error {
	if len(p.Filter) == 0 {
		return errNoFilter
	}
	for n := range lastCap() + 1 {
		if p.Caps&(1<<n) == 0 {
			c.add(doing("dropping capability %d", n), unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, n, 0, 0, 0)
		}
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var own [2]unix.CapUserData
	if err := unix.Capget(&hdr, &own[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	own[0].Inheritable, own[1].Inheritable = 0, 0
	c.add(doing("clearing the inheritable capabilities"), unix.SYS_CAPSET,
		pack(unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}), pack(own))
	c.add(doing("setting no_new_privs"), unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	c.add(doing("setting the seccomp filter"), unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, early.Program(pack(p.Filter)))
	return nil
}

var errNoFilter = errors.New("a container without a seccomp filter is not started")

// pack is a value as the kernel reads it.
func pack(v any) []byte {
	b, err := binary.Append(nil, binary.NativeEndian, v)
	if err != nil {
		panic(err)
	}
	return b
}

// assume makes the process run as who.
func (c *calls) assume(who *identity) {
	if !setgroupsDenied() {
		c.add(who.unmapped, unix.SYS_SETGROUPS, len(who.groups), pack(who.groups))
	}
	c.add(who.unmapped, unix.SYS_SETGID, int(who.gid))
	c.add(who.unmapped, unix.SYS_SETUID, int(who.uid))
}

// exec becomes the program.
func (c *calls) exec(file string, args, env []string) {
	c.add(doing("setting the umask"), unix.SYS_UMASK, 0o022)
	c.add(doing("closing inherited files"), unix.SYS_CLOSE_RANGE, 3, int(^uint32(0)), unix.CLOSE_RANGE_CLOEXEC)
	c.add(func(err error) error {
		if errors.Is(err, unix.EACCES) {
			return runtimeFailure("exec %s: %v", file, err)
		}
		return notProgram(fmt.Sprintf("exec %s: %v\n", file, err))
	}, unix.SYS_EXECVE, file, args, env)
}

// notProgram is the failure of a file that was found but is no program. It
// comes late: docker has started the container by then, and the container says
// so.
type notProgram string

func (n notProgram) Error() string { return string(n) }

// handOver gives the first process its work and waits until it is the user's
// program, at which the socket closes, or tells why it cannot be. The process
// ends when the socket is closed then.
func (c *calls) handOver(stage io.ReadWriter, stderr io.Writer) error {
	if _, err := stage.Write(c.Bytes()); err != nil {
		return fmt.Errorf("handing the container to its first process: %w", err)
	}
	var answer [early.FailedSize]byte
	switch _, err := io.ReadFull(stage, answer[:]); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("hearing from the container's first process: %w", err)
	}
	f := *(*early.Failed)(unsafe.Pointer(&answer))
	err := c.failures[f.Call](unix.Errno(f.Errno))
	if text, ok := err.(notProgram); ok {
		_, err = io.WriteString(stderr, string(text))
	}
	return err
}
