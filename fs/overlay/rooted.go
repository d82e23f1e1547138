//go:build linux

package overlay

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// rootedDir makes and changes files below a root directory. Names are absolute
// there, and no part of them is a symlink; one that is one all the same is an
// error (openat2(2), RESOLVE_NO_SYMLINKS).
type RootedDir struct {
	Root   int    // O_PATH
	Parent int    // the directory used last, -1: none
	name   string // of parent
}

func (d *RootedDir) Close() {
	d.Forget()
	unix.Close(d.Root)
}

func (d *RootedDir) Forget() {
	if d.Parent >= 0 {
		unix.Close(d.Parent)
	}
	d.Parent = -1
}

// relative is an absolute name as the *at calls want it; of the root it is ".".
func Relative(name string) string { return path.Join(".", name) }

// at is the directory that holds name and name's last part, for the *at calls.
// The directory stays open until the next call. Of the root it is the root
// itself, and ".".
func (d *RootedDir) At(name string) (int, string, error) {
	dir, base := path.Split(name)
	switch {
	case base == "":
		return d.Root, ".", nil
	case d.Parent >= 0 && d.name == dir:
		return d.Parent, base, nil
	}
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(d.Root, Relative(dir), &how)
	if err != nil {
		return -1, "", fmt.Errorf("opening %s: %w", dir, err)
	}
	d.Forget()
	d.Parent, d.name = fd, dir
	return fd, base, nil
}

// create makes a new regular file.
func CreateAt(dir int, base string) (*os.File, error) {
	fd, err := unix.Openat(dir, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

// dress sets owner, permissions, extended attributes and times, in this order:
// chown(2) clears the suid bits and the file's capabilities.
func (d *RootedDir) Dress(name string, n *fs.Node) error {
	dir, base, err := d.At(name)
	if err != nil {
		return err
	}
	f := entryAt{dir, base}
	if !n.IsWhiteout() {
		if err := f.attributes(n); err != nil {
			return err
		}
	}
	t := unix.NsecToTimespec(n.Mtime)
	return unix.UtimesNanoAt(dir, base, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
}

// entryAt is a name in an open directory.
type entryAt struct {
	dir  int
	base string
}

func (f entryAt) attributes(n *fs.Node) error {
	if err := f.chown(n.UID, n.GID); err != nil {
		return err
	}
	if n.Type() != unix.S_IFLNK {
		if err := unix.Fchmodat(f.dir, f.base, n.Mode&0o7777, 0); err != nil {
			return err
		}
	}
	for _, x := range n.Xattrs {
		if !ours(x.Name) {
			if err := f.setAttr(x.Name, x.Value); err != nil {
				return err
			}
		}
	}
	if !n.Opaque {
		return nil
	}
	return f.setAttr(OpaqueAttr, "y")
}

// ours says whether an attribute speaks to overlayfs or to twinlayer, so that
// an image must not bring it.
func ours(attr string) bool {
	return ofOverlay(attr) || strings.HasPrefix(attr, "user.twinlayer.")
}

func ofOverlay(attr string) bool {
	return strings.HasPrefix(attr, "user.overlay.") || strings.HasPrefix(attr, "trusted.overlay.")
}

// chown sets the owner, or notes the one that the user namespace lacks.
func (f entryAt) chown(uid, gid uint32) error {
	if uid == 0 && gid == 0 {
		return nil
	}
	err := unix.Fchownat(f.dir, f.base, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	return f.setAttr(ownerAttr, fmt.Sprintf("%d:%d", uid, gid))
}

// setAttr sets an extended attribute. One that the user namespace or the disk
// does not allow is left out, but never ours.
func (f entryAt) setAttr(attr, value string) error {
	err := unix.Lsetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", f.dir, f.base), attr, []byte(value), 0)
	switch {
	case err == nil:
		return nil
	case attr == ownerAttr:
		return Ignore(err, unix.EPERM) // no room for it on this kind of file
	case ours(attr):
		return fmt.Errorf("setting %s: %w", attr, err)
	}
	return tooLong(f.dir, attr, value, Ignore(err, unix.EPERM, unix.EOPNOTSUPP, unix.EINVAL))
}

// tooLong tells an attribute that is longer than a file system takes, as ext4
// takes no more than 4 KB, from a disk that is full: the error is the same.
func tooLong(dir int, attr, value string, err error) error {
	var st unix.Statfs_t
	if !Full(err) || unix.Fstatfs(dir, &st) != nil || st.Bavail == 0 {
		return err
	}
	return &LongAttrError{fmt.Sprintf("this disk's file system takes no extended attribute as long as %s, of %d bytes", attr, len(value))}
}

func Ignore(err error, harmless ...unix.Errno) error {
	for _, e := range harmless {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

func Full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// LongAttrError says that a file system does not take an attribute of this
// length.
type LongAttrError struct{ text string }

func (e *LongAttrError) Error() string { return e.text }
