package real

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"twinlayer/fs"
	"twinlayer/sim"
)

// Host is this machine's file system, as docker commands reach it.
type Host struct{}

var _ sim.Host = Host{}

// Abs is name as seen from the root.
func (Host) Abs(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// Open opens a file to read.
func (Host) Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, &iofs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return f, nil
}

// Create writes a file under a name of its own, and gives it its name when it
// is whole. What is there and is no file, as /dev/null, is written to.
func (Host) Create(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".twinlayer-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// Kind tells what name is.
func (Host) Kind(name string) (sim.HostKind, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return sim.HostNothing, nil
	case err != nil:
		return sim.HostNothing, err
	case info.IsDir():
		return sim.HostDir, nil
	}
	return sim.HostFile, nil
}

// Tree reads a file or a directory. Contents are copied to a file of our own,
// because the host's may change later.
func (h Host) Tree(name string) (*fs.Tree, error) {
	top := h.Abs(name)
	if strings.HasSuffix(name, "/.") || strings.HasSuffix(name, "/") || name == "." {
		if real, err := filepath.EvalSymlinks(top); err == nil {
			top = real
		}
	}
	spool, err := spool()
	if err != nil {
		return nil, err
	}
	r := reading{top: top, base: "/" + filepath.Base(top), b: fs.NewBuilder(), spool: spool, names: map[[2]uint64]string{}}
	if r.base == "//" {
		r.base = "/root"
	}
	err = filepath.WalkDir(top, func(name string, _ iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return r.add(name)
	})
	return r.b.Tree(), err
}

// spool is a file without a name.
func spool() (*os.File, error) {
	f, err := os.CreateTemp("", "twinlayer")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	os.Remove(f.Name()) // where the system forbids that, it stays until its directory is cleaned
	return f, nil
}

// Spool is a place for the contents of files, for [sim.ModelConfig].
func Spool() (fs.Spool, error) { return spool() }

// reading is a tree of the host that is being read.
type reading struct {
	top, base string
	b         *fs.Builder
	spool     *os.File
	end       int64
	names     map[[2]uint64]string // of inodes with several names: the first
}

// add adds one name of the host. Sockets are left out: no archive has them.
func (r *reading) add(name string) error {
	info, _, err := fs.Host().LstatIfPossible(name)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*fs.Stat)
	if !ok || st.Mode&fs.S_IFMT == fs.S_IFSOCK {
		return nil
	}
	at := r.base + filepath.ToSlash(strings.TrimPrefix(name, r.top))
	inode := [2]uint64{st.Ino, uint64(st.Mtime.UnixNano())}
	if first, ok := r.names[inode]; ok && st.Nlink > 1 && !info.IsDir() {
		return r.b.Link(at, first)
	}
	r.names[inode] = at
	n := fs.Node{Mode: st.Mode, UID: st.UID, GID: st.GID, Rdev: st.Rdev, Mtime: st.Mtime.UnixNano()}
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFLNK:
		n.Target, err = os.Readlink(name)
	case fs.S_IFREG:
		n.Data, err = r.content(name)
	}
	if err != nil {
		return err
	}
	return r.b.Put(at, n)
}

func (r *reading) content(name string) (*fs.Data, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n, err := io.Copy(r.spool, f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r.end += n
	return fs.FileData(r.spool, r.end-n, n), nil
}

// Put writes a tree's entries below dir, and nowhere else, whatever symlinks
// are there or in the tree. They belong to whoever runs this program.
func (Host) Put(dir string, t *fs.Tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	w := writing{root: root, names: map[fs.Ino]string{}}
	for p := range t.All() {
		if err := w.put(strings.TrimPrefix(p.Path, "/"), p); err != nil {
			return err
		}
	}
	return w.finish()
}

type writing struct {
	root  *os.Root
	names map[fs.Ino]string
	dirs  []fs.Path // made here; they get their permissions last
}

func (w *writing) put(name string, p fs.Path) error {
	if have, err := w.root.Lstat(name); err == nil {
		if have.IsDir() && p.IsDir() {
			return nil
		}
		if err := w.root.RemoveAll(name); err != nil {
			return err
		}
	}
	if first, ok := w.names[p.Ino]; ok && !p.IsDir() {
		return w.root.Link(first, name)
	}
	w.names[p.Ino] = name
	switch p.Type() {
	case fs.S_IFDIR:
		w.dirs = append(w.dirs, p)
		return w.root.Mkdir(name, 0o700)
	case fs.S_IFLNK:
		return w.root.Symlink(p.Target, name)
	case fs.S_IFREG:
		return w.file(name, p)
	}
	return &iofs.PathError{Op: "create", Path: path.Join(w.root.Name(), name), Err: errors.New("devices, pipes and sockets are not copied to the host")}
}

func (w *writing) file(name string, p fs.Path) error {
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, p.Data.Reader())
	return errors.Join(err, f.Close(), w.dress(name, p))
}

func (w *writing) dress(name string, p fs.Path) error {
	t := time.Unix(0, p.Mtime)
	return errors.Join(w.root.Chmod(name, fs.FileMode(p.Mode).Perm()), w.root.Chtimes(name, t, t))
}

func (w *writing) finish() (err error) {
	for i := len(w.dirs) - 1; i >= 0; i-- {
		err = errors.Join(err, w.dress(strings.TrimPrefix(w.dirs[i].Path, "/"), w.dirs[i]))
	}
	return err
}
