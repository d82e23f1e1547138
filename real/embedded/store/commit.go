//go:build linux

package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// Upper says how an overlayfs upper directory becomes a layer.
type Upper struct {
	Dir string
	// Latest takes the place of every later time; zero: times stay.
	Latest time.Time
	// Share lets the layer have hard links to the directory's files, so that
	// no content is copied. Nothing may write to these files then before
	// [Unshare] has parted the two.
	Share bool
	// Take moves the directory's files into the layer where that can be, and
	// leaves an empty one.
	Take bool
}

// Upper adds the layer that docker commit makes of an upper directory (see
// [fs.DockerNative]). Where the layer is empty, it is not added, and ok is
// false. shared tells whether files are shared.
func (b *Batch) Upper(u Upper) (l Layer, ok, shared bool, err error) {
	r := reader{seen: map[uint64]string{}}
	if err := r.all(u.Dir); err != nil {
		return l, false, false, err
	}
	c := committing{b: b, upper: u, share: u.Share, taken: u.Take}
	if err := c.prepare(r.entries); err != nil || len(c.entries) == 1 {
		return l, false, false, err
	}
	stream, w := io.Pipe()
	defer stream.Close()
	go func() {
		buffered := bufio.NewWriterSize(w, 256<<10)
		w.CloseWithError(errors.Join(c.writeTar(buffered), buffered.Flush()))
	}()
	if c.share || c.taken {
		l, err = c.framed(stream)
	} else {
		l, err = b.Layer(stream)
	}
	return l, err == nil, c.share && !c.taken, b.s.Explain(err)
}

// committing is one upper directory on its way.
type committing struct {
	b       *Batch
	upper   Upper
	share   bool
	taken   bool
	late    []Entry // those whose times change
	entries []Entry
}

// prepare leaves out what a layer does not keep, as the fs package's layers
// in Docker's dialect do, and finds out whether the files can be the layer's:
// these must be what its tar says.
func (c *committing) prepare(entries []Entry) error {
	for _, e := range entries {
		if strings.HasPrefix(path.Base(e.Path), fs.WhiteoutPrefix) {
			return fmt.Errorf("%s cannot be part of a layer: a name that begins with %q says there that a file is deleted; rename it and commit again", e.Path, fs.WhiteoutPrefix)
		}
		if e.Mode&unix.S_IFMT == unix.S_IFSOCK {
			c.taken = false
			continue
		}
		c.keep(&e)
		c.entries = append(c.entries, e)
	}
	return nil
}

func (c *committing) keep(e *Entry) {
	kept := fs.Xattrs(nil)
	if value, ok := fs.Xattrs(e.Xattrs).Get(capabilityAttr); ok {
		kept = fs.Xattrs{{Name: capabilityAttr, Value: value}}
	}
	if latest := c.upper.Latest; !latest.IsZero() && e.Mtime > latest.UnixNano() {
		e.Mtime = latest.UnixNano()
		c.late = append(c.late, *e)
		c.share = c.share && e.dir()
	}
	if len(kept) < len(e.Xattrs) {
		c.share, c.taken = false, false
	}
	e.Xattrs = kept
}

const capabilityAttr = "security.capability"

func (e *Entry) dir() bool { return e.Link == "" && e.Mode&unix.S_IFMT == unix.S_IFDIR }

func (c *committing) writeTar(w io.Writer) error {
	var last openFile
	defer last.close()
	tree := fs.NewBuilder()
	for _, e := range c.entries {
		if err := e.add(tree, &onDisk{filepath.Join(c.upper.Dir, e.Path), &last}); err != nil {
			return fmt.Errorf("layer entry %q: %w", e.Path, err)
		}
	}
	return fs.DockerNative.WriteTar(w, tree.Tree())
}

// onDisk is a file that is open while it is read and no other is.
type onDisk struct {
	name string
	last *openFile
}

type openFile struct{ *os.File }

func (o *onDisk) ReadAt(p []byte, off int64) (n int, err error) {
	if o.last.File == nil || o.last.Name() != o.name {
		o.last.close()
		if o.last.File, err = os.OpenFile(o.name, os.O_RDONLY|unix.O_NOFOLLOW, 0); err != nil {
			return 0, err
		}
	}
	return o.last.ReadAt(p, off)
}

func (o *openFile) close() {
	if o.File != nil {
		o.File.Close()
	}
}

// framed makes the layer's directory: a frame of its tar, and a tree of the
// very files.
func (c *committing) framed(tar io.Reader) (l Layer, err error) {
	dir := c.b.temp()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return l, err
	}
	frame, err := os.Create(filepath.Join(dir, frameName))
	if err != nil {
		return l, err
	}
	defer frame.Close()
	tree, linked := filepath.Join(dir, treeName), make(chan error, 1)
	if c.taken {
		linked <- nil
	} else {
		go func() { linked <- c.linkTree(tree) }()
	}
	sum := digest.SHA256.Digester()
	l.Size, l.Length, err = writeFrame(io.TeeReader(tar, sum.Hash()), frame)
	if err := errors.Join(err, <-linked); err != nil {
		return l, err
	}
	if c.taken {
		if err := c.take(tree); err != nil {
			return l, err
		}
	}
	l.DiffID = sum.Digest()
	return l, c.b.add(dir, l)
}

// take makes the upper directory the tree.
func (c *committing) take(tree string) error {
	if err := os.Rename(c.upper.Dir, tree); err != nil {
		return err
	}
	for _, e := range c.late {
		if err := setTime(filepath.Join(tree, e.Path), e.Mtime); err != nil {
			return err
		}
	}
	if err := os.Mkdir(c.upper.Dir, 0o755); err != nil {
		return err
	}
	return CopyAttributes(c.upper.Dir, tree) // a layer's tar says nothing of its root
}

// linkTree makes the tree: directories anew, the rest as links.
func (c *committing) linkTree(tree string) error {
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	for _, e := range c.entries[1:] {
		from, to := filepath.Join(c.upper.Dir, e.Path), filepath.Join(tree, e.Path)
		if !e.dir() {
			if err := os.Link(from, to); err != nil {
				return err
			}
			continue
		}
		if err := copyDir(from, to, e.Opaque); err != nil {
			return err
		}
	}
	for _, e := range c.entries[1:] {
		if e.dir() {
			t := time.Unix(0, e.Mtime)
			if err := os.Chtimes(filepath.Join(tree, e.Path), t, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyDir(from, to string, opaque bool) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	if err := CopyAttributes(from, to); err != nil {
		return err
	}
	if !opaque {
		return nil
	}
	return unix.Setxattr(to, opaqueAttr, []byte("y"), 0)
}
