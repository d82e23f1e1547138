//go:build linux

package store

import (
	"archive/tar"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// place makes and changes files below a root directory. Names are relative
// and clean; symlinks in all but their last part are followed inside the
// root.
type place struct {
	root   int    // O_PATH
	parent int    // the directory used last, -1: none
	name   string // of parent, as it was asked for
	real   string // and without symlinks

	losing func(name string) error // is told of files before they are removed
}

func (p *place) close() {
	p.forget()
	unix.Close(p.root)
}

func (p *place) forget() {
	if p.parent >= 0 {
		unix.Close(p.parent)
	}
	p.parent = -1
}

// at is the directory that holds name, made where it is missing, and name's
// last part, for the *at calls. The directory stays open until the next call.
func (p *place) at(name string) (int, string, error) {
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if p.parent >= 0 && p.name == dir {
		return p.parent, base, nil
	}
	fd, real, err := p.open(dir)
	if errors.Is(err, unix.ENOENT) && dir != "." {
		if _, err := p.makeDir(dir); err != nil {
			return -1, "", err
		}
		fd, real, err = p.open(dir)
	}
	if err != nil {
		return -1, "", err
	}
	p.forget()
	p.parent, p.name, p.real = fd, dir, real
	return fd, base, nil
}

// open opens a directory and tells its name without symlinks.
func (p *place) open(dir string) (fd int, real string, err error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS}
	fd, err = unix.Openat2(p.root, dir, &how)
	if !errors.Is(err, unix.ELOOP) {
		return fd, dir, err
	}
	how.Resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	if fd, err = unix.Openat2(p.root, dir, &how); err != nil {
		return -1, "", err
	}
	if real, err = p.realName(fd); err != nil {
		unix.Close(fd)
	}
	return fd, real, err
}

// realName is the name of an open directory below the root.
func (p *place) realName(fd int) (string, error) {
	root, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", p.root))
	if err != nil {
		return "", err
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", err
	}
	return filepath.Rel(root, dir)
}

// makeDir sees to it that name is a directory. It tells whether that took the
// place of a whiteout of the same layer, so that it hides what is below it.
func (p *place) makeDir(name string) (hid bool, err error) {
	if name == "." {
		return false, nil
	}
	st, err := p.stat(name)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return false, nil
	}
	if err == nil {
		hid = st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
		if err := p.clear(name); err != nil {
			return false, err
		}
	}
	dir, base, err := p.at(name)
	if err != nil {
		return false, err
	}
	return hid, unix.Mkdirat(dir, base, 0o755)
}

func (p *place) stat(name string) (st unix.Stat_t, err error) {
	if name == "." {
		err = unix.Fstat(p.root, &st)
		return st, err
	}
	dir, base, err := p.at(name)
	if err != nil {
		return st, err
	}
	return st, unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW)
}

var errNoRoot = errors.New("the layer's root must be a directory")

// clear removes what stands at name, a whole tree if it is a directory.
func (p *place) clear(name string) error {
	if name == "." {
		return errNoRoot
	}
	dir, base, err := p.at(name)
	if err != nil {
		return err
	}
	if err := p.losing(path.Join(p.real, base)); err != nil {
		return err
	}
	err = unix.Unlinkat(dir, base, 0)
	if !errors.Is(err, unix.EISDIR) {
		return ignore(err, unix.ENOENT)
	}
	return p.clearDir(dir, base)
}

// clearDir removes a directory and all below it.
func (p *place) clearDir(dir int, base string) error {
	real := path.Join(p.real, base)
	defer p.forget()
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", dir))
	if err != nil {
		return err
	}
	defer root.Close()
	err = iofs.WalkDir(root.FS(), base, func(name string, e iofs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return p.losing(path.Join(path.Dir(real), name))
	})
	return errors.Join(err, root.RemoveAll(base))
}

// create makes a new regular file.
func create(dir int, base string) (*os.File, error) {
	fd, err := unix.Openat(dir, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

// attributes sets owner, permissions and extended attributes, in this order:
// chown(2) clears the suid bits and the file's capabilities.
func (p *place) attributes(name string, h *tar.Header) error {
	if err := p.chown(name, h.Uid, h.Gid); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeSymlink {
		return nil
	}
	if err := p.chmod(name, uint32(h.Mode)&0o7777); err != nil {
		return err
	}
	for key, value := range h.PAXRecords {
		attr, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if ok && !ours(attr) {
			if err := p.setAttr(name, attr, value); err != nil {
				return err
			}
		}
	}
	return nil
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
func (p *place) chown(name string, uid, gid int) error {
	if uid == 0 && gid == 0 {
		return nil
	}
	dir, base, err := p.atSelf(name)
	if err != nil {
		return err
	}
	err = unix.Fchownat(dir, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH)
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	return p.setAttr(name, ownerAttr, fmt.Sprintf("%d:%d", uid, gid))
}

func (p *place) chmod(name string, mode uint32) error {
	dir, base, err := p.atSelf(name)
	if err != nil {
		return err
	}
	if base == "" {
		base = "."
	}
	return unix.Fchmodat(dir, base, mode, 0)
}

func (p *place) setTime(name string, t time.Time) error {
	dir, base, err := p.atSelf(name)
	if err != nil {
		return err
	}
	if base == "" {
		base = "."
	}
	ts := unix.NsecToTimespec(t.UnixNano())
	return unix.UtimesNanoAt(dir, base, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// setAttr sets an extended attribute of a file or directory. One that the
// user namespace or the disk does not allow is left out, but never ours.
func (p *place) setAttr(name, attr, value string) error {
	dir, base, err := p.atSelf(name)
	if err != nil {
		return err
	}
	link := path.Join(fmt.Sprintf("/proc/self/fd/%d", dir), base)
	err = unix.Lsetxattr(link, attr, []byte(value), 0)
	if base == "" {
		err = unix.Setxattr(link, attr, []byte(value), 0)
	}
	switch {
	case err == nil:
		return nil
	case attr == ownerAttr:
		return ignore(err, unix.EPERM) // no room for it on this kind of file
	case ours(attr):
		return fmt.Errorf("setting %s: %w", attr, err)
	}
	return ignore(err, unix.EPERM, unix.EOPNOTSUPP, unix.EINVAL)
}

// atSelf is at, but gives the root itself the base "".
func (p *place) atSelf(name string) (int, string, error) {
	if name == "." {
		return p.root, "", nil
	}
	return p.at(name)
}

func ignore(err error, harmless ...unix.Errno) error {
	for _, e := range harmless {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}
