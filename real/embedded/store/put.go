//go:build linux

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Put writes the entries of a tree below the directory dir. Directories that
// are there keep their attributes, all else is replaced. Every path is
// resolved by the kernel: the caller must have a root that none should leave.
func Put(dir string, entries []Entry, contents io.ReaderAt) error {
	p := putting{dir: dir, contents: contents}
	for _, e := range entries {
		if err := p.entry(&e); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, e.Path), err)
		}
	}
	for i := len(p.made) - 1; i >= 0; i-- {
		if err := setTime(filepath.Join(dir, p.made[i].Path), p.made[i].Mtime); err != nil {
			return err
		}
	}
	return nil
}

type putting struct {
	dir      string
	contents io.ReaderAt
	made     []Entry // directories, whose times come last
}

func (p *putting) entry(e *Entry) error {
	if e.Path == "/" {
		return nil
	}
	name := filepath.Join(p.dir, e.Path)
	var st unix.Stat_t
	switch err := unix.Lstat(name, &st); {
	case err == nil && e.dir() && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil
	case err == nil:
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	case !errors.Is(err, unix.ENOENT):
		return err
	}
	if e.Link != "" {
		return os.Link(filepath.Join(p.dir, e.Link), name)
	}
	if err := p.make(e, name); err != nil {
		return err
	}
	if err := e.dress(name); err != nil {
		return err
	}
	if e.dir() {
		p.made = append(p.made, *e)
		return nil
	}
	return setTime(name, e.Mtime)
}

// make makes the file itself. A user namespace cannot make devices: then what
// would be one is noted, as [Unpack] does.
func (p *putting) make(e *Entry, name string) error {
	switch e.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return os.Mkdir(name, 0o700)
	case unix.S_IFLNK:
		return os.Symlink(e.Target, name)
	case unix.S_IFREG:
		return p.content(e, name)
	}
	err := unix.Mknod(name, e.Mode&unix.S_IFMT|0o600, int(e.Rdev))
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	if err := p.content(&Entry{}, name); err != nil {
		return err
	}
	kind := map[uint32]string{unix.S_IFCHR: "c", unix.S_IFBLK: "b"}[e.Mode&unix.S_IFMT]
	return unix.Lsetxattr(name, deviceAttr, fmt.Appendf(nil, "%s %d:%d", kind, unix.Major(e.Rdev), unix.Minor(e.Rdev)), 0)
}

func (p *putting) content(e *Entry, name string) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if e.Len == 0 {
		return nil
	}
	if _, err := io.Copy(f, io.NewSectionReader(p.contents, e.Offset, e.Len)); err != nil {
		return err
	}
	return f.Truncate(e.Len)
}

// dress sets owner, permissions and attributes, in the order that keeps them.
func (e *Entry) dress(name string) error {
	err := os.Lchown(name, int(e.UID), int(e.GID))
	if errors.Is(err, unix.EINVAL) { // an id that the user namespace lacks
		err = ignore(unix.Lsetxattr(name, ownerAttr, fmt.Appendf(nil, "%d:%d", e.UID, e.GID), 0), unix.EPERM)
	}
	if err != nil || e.Mode&unix.S_IFMT == unix.S_IFLNK {
		return err
	}
	if err := unix.Chmod(name, e.Mode&0o7777); err != nil {
		return err
	}
	for _, x := range e.Xattrs {
		if strings.HasPrefix(x.Name, "user.twinlayer.") {
			continue
		}
		err := unix.Lsetxattr(name, x.Name, []byte(x.Value), 0)
		if err := ignore(err, unix.EPERM, unix.EOPNOTSUPP, unix.EINVAL); err != nil {
			return err
		}
	}
	return nil
}

func setTime(name string, mtime int64) error {
	t := unix.NsecToTimespec(time.Unix(0, mtime).UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
}

// PutRoot is [Put] that gives dir itself the attributes of the tree's root.
func PutRoot(dir string, entries []Entry, contents io.ReaderAt) error {
	if err := Put(dir, entries, contents); err != nil {
		return err
	}
	return errors.Join(entries[0].dress(dir), setTime(dir, entries[0].Mtime))
}

// ReadPath reads the file or directory name, and what is below it, as the one
// entry of a tree's root, or the whole tree where name is "/". What it reads
// is no layer but what a mount shows. The caller's root is the tree's.
func ReadPath(name string, contents *os.File) ([]Entry, error) {
	if name = filepath.Clean("/" + name); name == "/" {
		return ReadDir("/", contents)
	}
	if s, err := lstat(name); err != nil || s == nil {
		return nil, errors.Join(err, &os.PathError{Op: "reading", Path: name, Err: os.ErrNotExist})
	}
	r := reader{seen: map[uint64]string{}, contents: contents}
	r.entries = append(r.entries, Entry{Path: "/", Mode: unix.S_IFDIR | 0o755})
	return r.shown(r.entry("/"+filepath.Base(name), name))
}

// ReadDir is ReadPath with the directory dir as the tree's root.
func ReadDir(dir string, contents *os.File) ([]Entry, error) {
	r := reader{seen: map[uint64]string{}, contents: contents}
	return r.shown(r.all(dir))
}

// shown are the entries as those of a mount, where nothing is opaque.
func (r *reader) shown(err error) ([]Entry, error) {
	if err != nil {
		return nil, err
	}
	for i := range r.entries {
		r.entries[i].Opaque = false
	}
	return r.entries, r.contents.Truncate(r.end)
}
