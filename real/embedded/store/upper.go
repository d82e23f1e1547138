//go:build linux

package store

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// ReadUpper reads an overlayfs upper directory as a layer: whiteouts and
// opaque directories are what they mean, attributes of overlayfs's own are
// left out, and hard links are found by their inode. The contents of regular
// files are copied into an empty file, holes as holes.
func ReadUpper(dir string, contents *os.File) ([]Entry, error) {
	s, err := Look(dir)
	if err == nil {
		err = s.Copy(contents, nil)
	}
	return s.Entries, err
}

func (r *reader) all(dir string) error {
	root, err := lstat(dir)
	if err != nil {
		return err
	}
	if err := r.add("/", root); err != nil {
		return err
	}
	return r.dir("/", dir)
}

type reader struct {
	entries  []Entry
	seen     map[uint64]string // first path of inodes with several
	contents *os.File          // nil: contents stay where they are
	end      int64
}

func (r *reader) dir(name, dir string) error {
	names, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range names {
		if err := r.entry(path.Join(name, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(name, file string) error {
	s, err := lstat(file)
	if err != nil || s == nil {
		return err
	}
	if s.Nlink > 1 && !s.IsDir() && !s.IsWhiteout() {
		if first, ok := r.seen[s.Ino]; ok {
			r.entries = append(r.entries, Entry{Path: name, Link: first})
			return nil
		}
		r.seen[s.Ino] = name
	}
	if err := r.add(name, s); err != nil || !s.IsDir() {
		return err
	}
	return r.dir(name, file)
}

func (r *reader) add(name string, s *Stat) error {
	if err := s.translate(); err != nil {
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
		err = r.copy(s.path, s.Size)
	case unix.S_IFLNK:
		e.Target, err = os.Readlink(s.path)
	}
	r.entries = append(r.entries, e)
	return err
}

// copy puts a file's content at the end of the contents. What a container that
// runs has taken away meanwhile is read as zeros.
func (r *reader) copy(name string, size int64) error {
	if size == 0 || r.contents == nil {
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
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
		if err := r.piece(f, from, to); err != nil {
			return err
		}
		at = to
	}
	r.end += size
	return nil
}

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
