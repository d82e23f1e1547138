//go:build linux

package box

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// identity is who a process runs as.
type identity struct {
	uid, gid uint32
	groups   []uint32
	home     string
}

// identity resolves the process's User in the container's own passwd and
// group files, as docker does, and sets HOME where the environment has none.
func (p *Process) identity() (*identity, error) {
	user, group, _ := strings.Cut(p.User, ":")
	who := &identity{home: "/"}
	if err := who.user(user); err != nil {
		return nil, err
	}
	if err := who.group(group); err != nil {
		return nil, err
	}
	if getenv(p.Env, "HOME") == "" {
		p.Env = sim.Setenv(p.Env, "HOME="+who.home)
	}
	return who, nil
}

// user finds a user by name, by number if there is no such name.
func (i *identity) user(user string) error {
	if user == "" {
		user = "0"
	}
	number, isNumber := parseID(user)
	// name:password:uid:gid:comment:home:shell, passwd(5)
	entry := find("/etc/passwd", 7, func(f []string) bool { return f[0] == user })
	if entry == nil && isNumber {
		entry = find("/etc/passwd", 7, func(f []string) bool { return f[2] == user })
	}
	switch {
	case entry != nil:
		i.uid, _ = parseID(entry[2])
		i.gid, _ = parseID(entry[3])
		i.home = entry[5]
		i.groups = supplementary(entry[0])
	case isNumber:
		i.uid = number
	default:
		return daemonFailure("unable to find user %s: no matching entries in passwd file", user)
	}
	return nil
}

// group overrides the user's groups with the one that was asked for.
func (i *identity) group(group string) error {
	if group == "" {
		return nil
	}
	number, isNumber := parseID(group)
	entry := find("/etc/group", 4, func(f []string) bool { return f[0] == group })
	switch {
	case entry != nil:
		i.gid, _ = parseID(entry[2])
	case isNumber:
		i.gid = number
	default:
		return daemonFailure("unable to find group %s: no matching entries in group file", group)
	}
	i.groups = nil
	return nil
}

// supplementary are the groups that list the user (group(5)).
func supplementary(user string) (groups []uint32) {
	find("/etc/group", 4, func(f []string) bool {
		if gid, ok := parseID(f[2]); ok && slices.Contains(strings.Split(f[3], ","), user) {
			groups = append(groups, gid)
		}
		return false
	})
	return groups
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return uint32(n), err == nil
}

// find is the first line of a colon-separated file that matches. The file is
// the container's: it may be anything, so no more than 10 MB of a regular
// file are read.
func find(name string, fields int, match func([]string) bool) []string {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	lines := bufio.NewScanner(io.LimitReader(f, 10<<20))
	for lines.Scan() {
		entry := strings.Split(lines.Text(), ":")
		if len(entry) >= fields && match(entry) {
			return entry
		}
	}
	return nil
}

// assume makes the calling process run as i. Its three streams go along.
func (i *identity) assume() error {
	if i.uid != 0 || i.gid != 0 {
		for fd := range 3 {
			ownPipe(fd, i.uid, i.gid)
		}
	}
	if !setgroupsDenied() {
		if err := syscall.Setgroups(ints(i.groups)); err != nil {
			return i.unmapped(err)
		}
	}
	if err := syscall.Setgid(int(i.gid)); err != nil {
		return i.unmapped(err)
	}
	if err := syscall.Setuid(int(i.uid)); err != nil {
		return i.unmapped(err)
	}
	return nil
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

func ints(ids []uint32) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out
}
