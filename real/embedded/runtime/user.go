//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// identity is who a process runs as.
type identity struct {
	uid, gid uint32
	groups   []uint32
}

// identity resolves the process's User in the container's own passwd and
// group files, and sets HOME where the environment has none.
func (p *Process) identity() (*identity, error) {
	user, refusal := sim.FindUser(p.User, read("/etc/passwd"), read("/etc/group"))
	if refusal != nil {
		return nil, daemonFailure("%s", refusal.Text)
	}
	if getenv(p.Env, "HOME") == "" {
		p.Env = sim.Setenv(slices.Clone(p.Env), "HOME="+user.Home)
	}
	who := &identity{uid: uint32(user.UID), gid: uint32(user.GID)}
	for _, group := range user.Groups {
		who.groups = append(who.groups, uint32(group))
	}
	return who, nil
}

// read is the text of a file of the container, which may be anything: no more
// than 10 MB of a regular file are read.
func read(name string) string {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	var text strings.Builder
	io.Copy(&text, io.LimitReader(f, 10<<20))
	return text.String()
}

// lookPath is [lookPath] with the eyes of i: on the calling thread, which must
// be root's. The groups stay.
func (i *identity) lookPath(name string, env []string) (string, error) {
	if i.uid != 0 || i.gid != 0 {
		if len(i.groups) > 0 && !setgroupsDenied() {
			unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(i.groups)), uintptr(unsafe.Pointer(&i.groups[0])), 0)
		}
		unix.Setfsgid(int(i.gid))
		unix.Setfsuid(int(i.uid))
		defer unix.Setfsgid(0)
		defer unix.Setfsuid(0)
		// An id that the user namespace lacks changes nothing, silently.
		gid, _ := unix.SetfsgidRetGid(-1)
		if uid, _ := unix.SetfsuidRetUid(-1); uid != int(i.uid) || gid != int(i.gid) {
			return "", i.unmapped(unix.EINVAL)
		}
	}
	return lookPath(name, env)
}

// unmapped is the failure where the user namespace lacks an id.
func (i *identity) unmapped(err error) error {
	if errors.Is(err, unix.EINVAL) {
		return daemonFailure("%s", sim.TooFewIDs(int(i.uid), int(i.gid)).Text)
	}
	return fmt.Errorf("becoming %d:%d: %w", i.uid, i.gid, err)
}

// ownPipe gives a pipe to the user, so that opening /dev/stdout works; any
// other kind of file is not the container's to own.
func ownPipe(fd int, uid, gid uint32) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
		unix.Fchown(fd, int(uid), int(gid))
	}
}
