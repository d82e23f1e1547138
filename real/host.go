package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

// Dir is a directory to read.
func (Host) Dir(name string) iofs.FS { return os.DirFS(name) }

// Open opens a file to read.
func (Host) Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	why := ""
	switch info, err := f.Stat(); {
	case err == nil && info.IsDir():
		why = "is a directory"
	case err == nil && info.Mode()&os.ModeDevice != 0 && name != os.DevNull:
		why = "is a device, which may have no end"
	default:
		return f, nil
	}
	f.Close()
	return nil, &iofs.PathError{Op: "read", Path: name, Err: errors.New(why)}
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
func (h Host) Tree(ctx context.Context, name string) (*fs.Tree, error) {
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
	in, err := os.OpenRoot(filepath.Dir(top))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := hostReader{ctx: ctx, b: fs.NewBuilder(), spool: spool, names: map[[2]uint64]string{}}
	name, at := filepath.Base(top), "/"+filepath.Base(top)
	if filepath.Dir(top) == top {
		name, at = ".", "/root"
	}
	err = r.add(in, name, at)
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

// Spool makes a file without a name.
func (Host) Spool() (fs.Spool, error) { return spool() }

// Spool is a place for the contents of files, for [sim.ModelConfig].
func Spool() (fs.Spool, error) { return spool() }

// hostReader reads a tree of the host. What is read may be in a
// container's hands, as a bound directory is: each name is looked up in the
// open directory that has it, and what was a file or a directory and is another
// now is passed over.
type hostReader struct {
	ctx   context.Context
	b     *fs.Builder
	spool *os.File
	end   int64
	names map[[2]uint64]string // of inodes with several names: the first
}

// add adds what has a name in the directory in, and what is below it. Sockets
// are left out: no archive has them.
func (r *hostReader) add(in *os.Root, name, at string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	info, err := in.Lstat(name)
	if err != nil {
		return err
	}
	st := fs.StatOf(info)
	if st.Mode&fs.S_IFMT == fs.S_IFSOCK {
		return nil
	}
	inode := [2]uint64{st.Ino, uint64(st.Mtime.UnixNano())}
	if first, ok := r.names[inode]; ok && st.Nlink > 1 && !info.IsDir() {
		return r.b.Link(at, first)
	}
	n := fs.Node{Mode: st.Mode, UID: st.UID, GID: st.GID, Rdev: st.Rdev, Mtime: st.Mtime.UnixNano()}
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFLNK:
		n.Target, err = in.Readlink(name)
	case fs.S_IFREG:
		n.Data, err = r.content(in, name, info)
	}
	if err == nil {
		err = r.b.Put(at, n)
	}
	if err != nil {
		return err
	}
	r.names[inode] = at
	if info.IsDir() {
		return r.dir(in, name, at, info)
	}
	return nil
}

// exchanged says whether what has a name is gone, or of another kind than it
// was a moment ago; os.Root has an error of its own for a symlink out.
func exchanged(err error) bool {
	return !errors.As(err, new(syscall.Errno)) || slices.ContainsFunc([]error{iofs.ErrNotExist, syscall.ENOTDIR, syscall.EINVAL, syscall.ELOOP},
		func(e error) bool { return errors.Is(err, e) })
}

// subdir opens a directory and nothing else: os.Root alone would wait for the
// other end of a fifo.
func subdir(in *os.Root, name string) (*os.Root, error) { return in.OpenRoot(name + "/.") }

// dir adds what is in a directory.
func (r *hostReader) dir(in *os.Root, name, at string, was os.FileInfo) error {
	sub, err := subdir(in, name)
	if err != nil {
		return err
	}
	defer sub.Close()
	d, err := sub.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if now, err := d.Stat(); err != nil || !os.SameFile(now, was) {
		return errors.Join(err, iofs.ErrNotExist)
	}
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	for _, name := range names {
		if err := r.add(sub, name, path.Join(at, name)); err != nil && (r.ctx.Err() != nil || !exchanged(err)) {
			return err
		}
	}
	return err
}

func (r *hostReader) content(in *os.Root, name string, was os.FileInfo) (*fs.Data, error) {
	f, err := in.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(now, was) {
		return nil, errors.Join(err, iofs.ErrNotExist)
	}
	n, err := io.Copy(r.spool, lastingReader{r.ctx, f})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(in.Name(), name), err)
	}
	r.end += n
	return fs.FileData(r.spool, r.end-n, n), nil
}

// lastingReader reads as long as ctx lasts.
type lastingReader struct {
	ctx context.Context
	io.Reader
}

func (r lastingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Put writes a tree's entries below dir, and nowhere else, whatever symlinks
// are there or in the tree. They belong to whoever runs this program.
func (Host) Put(dir string, t *fs.Tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	w := hostWriter{at: &openDir{root: root, path: ""}, names: map[fs.Ino]string{}}
	for p := range t.All() {
		if err := w.put(p); err != nil {
			return errors.Join(err, w.leave(""))
		}
	}
	return w.leave("")
}

// openDir is a directory that is written into; the way up from there is open,
// too, so that no name is looked up but in its own directory.
type openDir struct {
	up   *openDir
	root *os.Root
	path string
	made *fs.Path // here: it gets its permissions and time when it is left
}

type hostWriter struct {
	at    *openDir
	names map[fs.Ino]string
}

func (w *hostWriter) put(p fs.Path) error {
	dir, name := p.Path[:strings.LastIndexByte(p.Path, '/')], path.Base(p.Path)
	if err := w.leave(dir); err != nil {
		return err
	}
	made := &p
	if have, err := w.at.root.Lstat(name); err == nil {
		switch {
		case have.IsDir() && p.IsDir():
			made = nil
		default:
			if err := w.at.root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	if first, ok := w.names[p.Ino]; ok && !p.IsDir() {
		return w.link(first, p.Path)
	}
	w.names[p.Ino] = p.Path
	switch p.Type() {
	case fs.S_IFDIR:
		return w.enter(name, p.Path, made)
	case fs.S_IFLNK:
		return w.at.root.Symlink(p.Target, name)
	case fs.S_IFREG:
		return w.file(name, p)
	}
	return &iofs.PathError{Op: "create", Path: path.Join(w.at.root.Name(), name), Err: errors.New("devices, pipes and sockets are not copied to the host")}
}

// enter goes on in the directory name, which is made if that is told.
func (w *hostWriter) enter(name, at string, made *fs.Path) error {
	if made != nil {
		if err := w.at.root.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	root, err := subdir(w.at.root, name)
	if err == nil {
		w.at = &openDir{up: w.at, root: root, path: at, made: made}
	}
	return err
}

// leave goes up to the directory dir.
func (w *hostWriter) leave(dir string) (err error) {
	for w.at.path != dir && w.at.up != nil {
		at := w.at
		w.at = at.up
		at.root.Close()
		if at.made != nil {
			err = errors.Join(err, dress(w.at.root, path.Base(at.path), *at.made))
		}
	}
	return err
}

// link gives a file that was written one more name.
func (w *hostWriter) link(first, name string) error {
	top := w.at
	for top.up != nil {
		top = top.up
	}
	return top.root.Link(strings.TrimPrefix(first, "/"), strings.TrimPrefix(name, "/"))
}

func (w *hostWriter) file(name string, p fs.Path) error {
	f, err := w.at.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, p.Data.Reader())
	return errors.Join(err, f.Close(), dress(w.at.root, name, p))
}

func dress(in *os.Root, name string, p fs.Path) error {
	t := time.Unix(0, p.Mtime)
	return errors.Join(in.Chmod(name, fs.FileMode(p.Mode).Perm()), in.Chtimes(name, t, t))
}
