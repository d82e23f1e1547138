//go:build linux

package runtime

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/stage1"
)

// calls are what a container's first process does before it is the user's
// program, each with what its failure means.
type calls struct {
	stage1.Calls
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

// handed is the descriptor that a stage is given beside the one that its calls
// come from: of its root directory where it is a container's first process, of
// that process where it is to enter a container. It is closed before anything
// is looked up that the container or its image names.
const handed = stage1.Conn + 1

// closeHanded leaves no descriptor but the standard streams and that of the
// calls, which execve closes.
func (c *calls) closeHanded() {
	c.add(doing("closing inherited files"), unix.SYS_CLOSE_RANGE, handed, int(^uint32(0)), 0)
}

// enterRoot makes dir the root, with a /proc, and detaches the old one. Both
// are "." for a moment: the old root then lies on top of the new one
// (pivot_root(2)). A user namespace may mount a proc only as long as it sees
// one, hence before, but with names that are the container's already.
func (c *calls) enterRoot(dir string) {
	c.add(doing("making a cgroup namespace"), unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP) // after the cgroup was entered
	c.add(doing("entering %s", dir), unix.SYS_CHDIR, dir)
	c.add(doing("entering %s", dir), unix.SYS_CHROOT, ".")
	c.proc()
	c.add(doing("leaving %s", dir), unix.SYS_FCHDIR, handed)
	c.add(doing("leaving %s", dir), unix.SYS_CHROOT, ".")
	c.add(doing("entering %s", dir), unix.SYS_CHDIR, dir)
	c.add(doing("making %s the root", dir), unix.SYS_PIVOT_ROOT, ".", ".")
	c.add(doing("detaching the old root"), unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	c.add(doing("entering the root"), unix.SYS_CHDIR, "/")
	c.closeHanded()
}

// enterContainer enters the namespaces, and the root directory, of the process
// that the handed descriptor is of. The pid namespace is that of children only
// (setns(2)).
func (c *calls) enterContainer(namespaces int) {
	c.add(doing("parting from the engine's directories"), unix.SYS_UNSHARE, unix.CLONE_FS)
	c.add(notEntered, unix.SYS_SETNS, handed, namespaces)
	c.closeHanded()
}

// enterDir makes dir the working directory: with all power if counts is false,
// when a failure does not count yet, or else with what the user has, as runc
// does.
func (c *calls) enterDir(dir string, counts bool) {
	failure := func(err error) error {
		return runtimeFailure("chdir to cwd (%q) set in config.json failed: %v", dir, err)
	}
	if !counts {
		c.add(failure, stage1.Enter, dir, 0)
		return
	}
	c.add(failure, stage1.Enter, dir, 1)
	c.add(func(err error) error {
		if errors.Is(err, unix.EXDEV) {
			return runtimeFailure("current working directory is outside of container mount namespace root -- possible container breakout detected")
		}
		return failure(err)
	}, stage1.Inside)
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

// restrict gives up every capability that a container does not have, and the
// chance to gain any through a suid program. The bounding set limits what
// execve leaves (capabilities(7)).
func (c *calls) restrict(p *Privileges) error {
	if len(p.Filter) == 0 {
		return errNoFilter
	}
	for n := range lastCap() + 1 {
		if p.Caps&(1<<n) == 0 {
			c.add(doing("dropping capability %d", n), unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, n, 0, 0, 0)
		}
	}
	c.add(doing("setting no_new_privs"), unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	c.add(doing("setting the seccomp filter"), unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, stage1.Program(pack(p.Filter)))
	return nil
}

// keep leaves the process itself, which is root, no more than it will have as
// the program.
func (c *calls) keep(caps uint64) {
	low, high := uint32(caps), uint32(caps>>32)
	c.add(doing("setting the capabilities"), unix.SYS_CAPSET,
		pack(unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}),
		pack([2]unix.CapUserData{{Effective: low, Permitted: low}, {Effective: high, Permitted: high}}))
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

// assume makes the process run as who, with these capabilities if that is root.
func (c *calls) assume(who *identity, caps uint64) {
	if !setgroupsDenied() {
		c.add(who.unmapped, unix.SYS_SETGROUPS, len(who.groups), pack(who.groups))
	}
	c.add(who.unmapped, unix.SYS_SETGID, int(who.gid))
	c.add(who.unmapped, unix.SYS_SETUID, int(who.uid))
	if who.uid == 0 { // anybody else has none left
		c.keep(caps)
	}
}

// block has every signal wait.
func (c *calls) block() {
	c.add(doing("blocking the signals"), unix.SYS_RT_SIGPROCMASK, sigSetMask, pack(^uint64(0)), 0, 8)
}

const sigSetMask = 2 // SIG_SETMASK of <asm-generic/signal-defs.h>

// exec becomes the program.
func (c *calls) exec(file string, args, env []string, failure func(error) error) {
	c.add(doing("setting the umask"), unix.SYS_UMASK, 0o022)
	c.add(doing("setting the signals"), stage1.Signals)
	c.add(failure, unix.SYS_EXECVE, file, args, env)
}

// notProgram is the failure of a file that was found but is no program. It
// comes late: docker has started the container by then, and the container says
// so.
type notProgram string

func (n notProgram) Error() string { return string(n) }

// said has the process say a notProgram, with which it ends by itself; any
// other failure stays.
func said(err error, streams *pipes) error {
	if text, ok := err.(notProgram); ok {
		_, err = streams.theirs[2].WriteString(string(text))
	}
	return err
}

// handOver gives a stage its calls and follows it until it is the user's
// program, at which the socket closes, or tells why it cannot be. forked is
// told of each of the forks that the calls make.
//
// The last of these processes is where the container's others may make it say
// anything, so only the one before it is believed, which the kernel tells apart.
func (c *calls) handOver(stage *os.File, first, forks int, forked func(pid int) error) error {
	if _, err := stage.Write(c.Bytes()); err != nil {
		return fmt.Errorf("handing the container to its first process: %w", err)
	}
	var failure error
	for sender := first; ; {
		m, from, err := receive(stage)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("hearing from the container's first process: %w", err)
		case err != nil && forks > 0:
			return cmp.Or(failure, errGone)
		case err != nil:
			return failure
		case m.PID != 0 && from == sender && forks > 0:
			forks, sender = forks-1, int(m.PID)
			err = forked(sender)
		case m.Errno != 0 && int(m.Call) < len(c.failures):
			failure = cmp.Or(failure, c.failures[m.Call](unix.Errno(m.Errno)))
		default:
			failure = cmp.Or(failure, errGone)
		}
		if err != nil {
			return err
		}
		if failure != nil && forks == 0 {
			return failure
		}
	}
}

// errGone is of a process that a container has ended, or made say nonsense,
// before it was the user's program.
var errGone = runtimeFailure("the process was ended before it could run its program")

// receive waits for the next message of a stage, and tells which process it is
// from (unix(7), SO_PASSCRED).
func receive(stage *os.File) (m stage1.Message, from int, err error) {
	conn, err := stage.SyscallConn()
	if err != nil {
		return m, 0, err
	}
	waited := conn.Read(func(fd uintptr) bool {
		m, from, err = receiveNow(int(fd))
		return !errors.Is(err, unix.EAGAIN)
	})
	return m, from, errors.Join(waited, err)
}

// receiveNow is receive where nothing blocks.
func receiveNow(fd int) (m stage1.Message, from int, err error) {
	answer, oob := make([]byte, stage1.MessageSize), make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, noob, _, _, err := unix.Recvmsg(fd, answer, oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return m, 0, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:noob])
	if err != nil {
		return m, 0, err
	}
	for _, each := range messages {
		if cred, err := unix.ParseUnixCredentials(&each); err == nil {
			from = int(cred.Pid)
		}
	}
	if n == len(answer) {
		m = *(*stage1.Message)(unsafe.Pointer(&answer[0]))
	}
	return m, from, nil
}
