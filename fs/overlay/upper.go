//go:build linux

package overlay

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// ReadUpper reads an overlayfs upper directory as a layer: whiteouts and
// opaque directories are what they mean, attributes of overlayfs's own are
// left out, and hard links are found by their inode. The contents of regular
// files are copied into an empty file, holes as holes. It ends with ctx.
func ReadUpper(ctx context.Context, dir string, contents *os.File) ([]Entry, error) {
	s, err := Look(ctx, dir)
	if err == nil {
		err = s.Copy(ctx, contents, nil)
	}
	return s.Entries, err
}

func (r *reader) all(top *folder) error {
	root, err := top.stat(".")
	if err != nil || root == nil {
		return errors.Join(err, unix.ENOENT)
	}
	if err := r.add("/", root); err != nil {
		return err
	}
	return r.dir("/", top)
}

type reader struct {
	entries  []Entry
	seen     map[inode]string // first path of inodes with several
	contents *os.File         // nil: contents stay where they are
	end      int64
	Room
}

// dir reads what is in the directory f.
func (r *reader) dir(name string, f *folder) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, e := range names {
		if err := r.entry(path.Join(name, e.name), f, e.name); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(name string, in *folder, base string) error {
	s, err := in.stat(base)
	if err != nil || s == nil {
		return err
	}
	linked := s.Nlink > 1 && !s.IsDir() && !s.IsWhiteout()
	if first, ok := r.seen[inodeOf(&s.Stat_t)]; ok && linked {
		r.entries = append(r.entries, Entry{Path: name, Link: first})
		return r.Takes(name)
	}
	before := len(r.entries)
	if err := r.add(name, s); err != nil {
		return err
	}
	if linked && len(r.entries) > before {
		r.seen[inodeOf(&s.Stat_t)] = name
	}
	if !s.IsDir() {
		return nil
	}
	sub := in.sub(base)
	defer sub.shut()
	return r.dir(name, sub)
}

// add adds an entry, but for a symlink that is gone before it can be read.
func (r *reader) add(name string, s *Stat) error {
	if err := errors.Join(r.Takes(name), s.translate()); err != nil {
		return err
	}
	e := Entry{
		Path: name, Mode: s.Mode, UID: s.Uid, GID: s.Gid, Rdev: s.Rdev,
		Ino: s.Ino, Mtime: s.Mtim.Nano(), Ctime: s.Ctim.Nano(), Xattrs: s.shownAttrs(),
	}
	var err error
	switch s.Type() {
	case unix.S_IFDIR:
		e.Opaque = s.isOpaque()
	case unix.S_IFREG:
		e.Offset, e.Len = r.end, s.Size
		err = r.copy(s.in, s.name, s.Size)
	case unix.S_IFLNK:
		if e.Target, err = s.in.target(s.name); e.Target == "" {
			return err
		}
	}
	r.entries = append(r.entries, e)
	return err
}

// copy puts a file's content at the end of the contents. What a container that
// runs has taken away meanwhile is read as zeros.
func (r *reader) copy(in *folder, name string, size int64) error {
	if size == 0 || r.contents == nil {
		return nil
	}
	if r.end+size < 0 || r.end+size > MostBytes {
		return tooMuch("%s and the files before it have more than %d bytes", in.path(name), int64(MostBytes))
	}
	f, err := in.File(name)
	if f == nil {
		r.end += size
		return err
	}
	defer f.Close()
	for at := int64(0); at < size; {
		from, to, err := data(f, at, size)
		if err != nil {
			return err
		}
		to = min(to, from+mostAtOnce)
		if err := errors.Join(in.Ctx.Err(), r.piece(f, from, to)); err != nil {
			return err
		}
		at = to
	}
	r.end += size
	return nil
}

// mostAtOnce is how much of a file is copied before one looks whether to go on.
const mostAtOnce = 64 << 20

// piece copies the bytes [from, to) to their place.
func (r *reader) piece(f *os.File, from, to int64) error {
	if from == to {
		return nil
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err
	}
	if _, err := r.contents.Seek(r.end+from, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(r.contents, f, to-from)
	if err == io.EOF {
		err = nil
	}
	return err
}

// data is the next stretch of f, from at on, that is no hole; both ends are
// size where there is none (lseek(2), SEEK_DATA).
func data(f *os.File, at, size int64) (from, to int64, err error) {
	from, err = f.Seek(at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return size, size, nil
	}
	if err != nil {
		return 0, 0, err
	}
	to, err = f.Seek(from, unix.SEEK_HOLE)
	if errors.Is(err, unix.ENXIO) {
		return size, size, nil
	}
	return min(from, size), min(to, size), err
}

// escaped is how overlayfs keeps attributes of its own kind that a container
// set: "user.overlay.x" is "user.overlay.overlay.x" (kernel document, "Nested
// overlayfs mounts").
const escaped = "user.overlay.overlay."

// shownAttrs are the extended attributes that a container gave a file.
func (s *Stat) shownAttrs() (x []fs.Xattr) {
	for _, attr := range s.attrs {
		switch name, ok := strings.CutPrefix(attr.Name, escaped); {
		case ok:
			x = append(x, fs.Xattr{Name: "user.overlay." + name, Value: attr.Value})
		case !ours(attr.Name):
			x = append(x, attr)
		}
	}
	slices.SortFunc(x, func(a, b fs.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return x
}
