//go:build linux

package overlay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Put writes the entries of a tree, parents first, below the directory dir.
// Directories that are there keep their attributes, all else is replaced. No
// symlink below dir is followed. It ends with ctx.
func Put(ctx context.Context, dir string, entries []Entry, contents io.ReaderAt) error {
	top, err := OpenFolder(ctx, dir)
	if err != nil {
		return err
	}
	defer top.Close()
	return put(top, entries, contents)
}

// PutRoot is [Put] that gives dir itself the attributes of the tree's root.
func PutRoot(ctx context.Context, dir string, entries []Entry, contents io.ReaderAt) error {
	top, err := OpenFolder(ctx, dir)
	if err != nil {
		return err
	}
	defer top.Close()
	if err := put(top, entries, contents); err != nil {
		return err
	}
	return errors.Join(entries[0].dress(top.fd), setTimeAt(top.fd, ".", entries[0].Mtime))
}

func put(top *folder, entries []Entry, contents io.ReaderAt) error {
	p := putter{to: Cursor{At: top}, links: Cursor{At: top}, contents: contents}
	for _, e := range entries {
		if err := p.entry(&e); err != nil {
			return fmt.Errorf("writing %s: %w", path.Join(top.name, e.Path), err)
		}
	}
	for i := len(p.made) - 1; i >= 0; i-- {
		f, name := p.to.In(p.made[i].Path)
		if err := f.setTime(name, p.made[i].Mtime); err != nil {
			return err
		}
	}
	return nil
}

type putter struct {
	to, links Cursor
	contents  io.ReaderAt
	made      []Entry // directories, whose times come last
}

func (p *putter) entry(e *Entry) error {
	if e.Path == "/" {
		return nil
	}
	f, name := p.to.In(e.Path)
	switch s, err := f.stat(name); {
	case err != nil:
		return err
	case s != nil && e.IsDir() && s.IsDir():
		return nil
	case s != nil:
		if err := f.remove(name); err != nil {
			return err
		}
	}
	if e.Link != "" {
		return p.link(e.Link, f, name)
	}
	at, err := f.at()
	if err != nil {
		return err
	}
	if e.IsDir() {
		p.made = append(p.made, *e)
		return e.mkdir(at, name)
	}
	if err := p.make(e, f.Ctx, at, name); err != nil {
		return err
	}
	return f.setTime(name, e.Mtime)
}

func (p *putter) link(target string, to *folder, name string) error {
	f, old := p.links.In(target)
	from, err := f.at()
	if err == nil {
		from, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0) // to open another folder may close it
	}
	if err != nil {
		return err
	}
	defer unix.Close(from)
	at, err := to.at()
	if err != nil {
		return err
	}
	return unix.Linkat(from, old, at, name, 0)
}

// make makes what is no directory. A user namespace cannot make devices: then
// what would be one is noted, as [Unpack] does.
func (p *putter) make(e *Entry, ctx context.Context, at int, name string) error {
	switch e.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return errors.Join(unix.Symlinkat(e.Target, at, name), e.chownAt(at, name))
	case unix.S_IFREG:
		return e.create(at, name, func(f *os.File) error { return p.content(ctx, e, f) })
	}
	err := unix.Mknodat(at, name, e.Mode, int(e.Rdev))
	if !errors.Is(err, unix.EPERM) {
		return errors.Join(err, e.chownAt(at, name))
	}
	return e.create(at, name, func(f *os.File) error {
		kind := map[uint32]string{unix.S_IFCHR: "c", unix.S_IFBLK: "b"}[e.Mode&unix.S_IFMT]
		return unix.Fsetxattr(int(f.Fd()), DeviceAttr, fmt.Appendf(nil, "%s %d:%d", kind, unix.Major(e.Rdev), unix.Minor(e.Rdev)), 0)
	})
}

// create makes a regular file; what it is and has is set through its
// descriptor, whatever becomes of its name meanwhile.
func (e *Entry) create(at int, name string, fill func(*os.File) error) error {
	f, err := CreateAt(at, name)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), e.dress(int(f.Fd())), f.Close())
}

func (p *putter) content(ctx context.Context, e *Entry, f *os.File) error {
	if e.Len == 0 {
		return nil
	}
	for off := int64(0); off < e.Len; off += mostAtOnce {
		n := min(e.Len-off, mostAtOnce)
		if _, err := io.Copy(f, io.NewSectionReader(p.contents, e.Offset+off, n)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return f.Truncate(e.Len)
}

func (e *Entry) mkdir(at int, name string) error {
	if err := unix.Mkdirat(at, name, 0o700); err != nil {
		return err
	}
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return e.dress(fd)
}

// chownAt sets the owner of what can have no attribute to note it in.
func (e *Entry) chownAt(at int, name string) error {
	return Ignore(unix.Fchownat(at, name, int(e.UID), int(e.GID), unix.AT_SYMLINK_NOFOLLOW), unix.EINVAL)
}

// dress sets owner, permissions and attributes of a file or directory that is
// open, in the order that keeps them.
func (e *Entry) dress(fd int) error {
	err := unix.Fchown(fd, int(e.UID), int(e.GID))
	if errors.Is(err, unix.EINVAL) { // an id that the user namespace lacks
		err = Ignore(unix.Fsetxattr(fd, ownerAttr, fmt.Appendf(nil, "%d:%d", e.UID, e.GID), 0), unix.EPERM)
	}
	if err := errors.Join(err, unix.Fchmod(fd, e.Mode&0o7777)); err != nil {
		return err
	}
	for _, x := range e.Xattrs {
		if strings.HasPrefix(x.Name, "user.twinlayer.") {
			continue
		}
		err := unix.Fsetxattr(fd, x.Name, []byte(x.Value), 0)
		if err := Ignore(err, unix.EPERM, unix.EOPNOTSUPP, unix.EINVAL); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) setTime(name string, mtime int64) error {
	at, err := f.at()
	if err != nil {
		return err
	}
	return gone(setTimeAt(at, name, mtime))
}

func setTimeAt(dir int, name string, mtime int64) error {
	t := unix.NsecToTimespec(time.Unix(0, mtime).UnixNano())
	return unix.UtimesNanoAt(dir, name, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
}

// setTime sets the time of what nobody else changes.
func SetTime(path string, mtime int64) error {
	return reach(path, func(name string) error { return setTimeAt(unix.AT_FDCWD, name, mtime) })
}

// ReadPath reads the file or directory name, and what is below it, as the one
// entry of a tree's root, or the whole tree where name is "/". What it reads
// is no layer but what a mount shows. Symlinks on the way to name lead where
// they do for the caller, whose thread must have a working directory of its
// own. It ends with ctx.
func ReadPath(ctx context.Context, name string, contents *os.File) ([]Entry, error) {
	if name = filepath.Clean("/" + name); name == "/" {
		return ReadDir(ctx, "/", contents)
	}
	top, err := OpenFolder(ctx, filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer top.Close()
	base := filepath.Base(name)
	if s, err := top.stat(base); err != nil || s == nil {
		return nil, errors.Join(err, &os.PathError{Op: "reading", Path: name, Err: os.ErrNotExist})
	}
	r := reader{seen: map[inode]string{}, contents: contents}
	r.entries = append(r.entries, Entry{Path: "/", Mode: unix.S_IFDIR | 0o755})
	return r.shown(r.entry("/"+base, top, base))
}

// ReadDir is ReadPath with the directory dir as the tree's root.
func ReadDir(ctx context.Context, dir string, contents *os.File) ([]Entry, error) {
	top, err := OpenFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	r := reader{seen: map[inode]string{}, contents: contents}
	return r.shown(r.all(top))
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
