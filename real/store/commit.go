//go:build linux

package store

import (
	"bufio"
	"context"
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
	"twinlayer/fs/overlay"
	"twinlayer/sim"
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
// It ends with ctx.
func (b *Batch) Upper(ctx context.Context, u Upper) (l Layer, ok, shared bool, err error) {
	now, err := overlay.Look(ctx, u.Dir)
	if err != nil {
		return l, false, false, err
	}
	c := committer{ctx: ctx, b: b, upper: u, share: u.Share, taken: u.Take}
	if err := c.prepare(now.Entries); err != nil || len(c.entries) == 1 {
		return l, false, false, err
	}
	stream, w := io.Pipe()
	defer stream.Close()
	go func() {
		buffered := bufio.NewWriterSize(w, 256<<10)
		w.CloseWithError(errors.Join(c.writeTar(buffered), buffered.Flush()))
	}()
	if c.share || c.taken {
		l, err = c.splitTar(stream)
	} else {
		l, err = b.Layer(stream)
	}
	return l, err == nil, c.share && !c.taken, b.s.Explain(err)
}

// committer makes a layer of one upper directory.
type committer struct {
	ctx     context.Context
	b       *Batch
	upper   Upper
	share   bool
	taken   bool
	late    []overlay.Entry // those whose times change
	entries []overlay.Entry
}

// prepare leaves out what a layer does not keep, as the fs package's layers
// in Docker's dialect do, and finds out whether the files can be the layer's:
// these must be what its tar says.
func (c *committer) prepare(entries []overlay.Entry) error {
	for _, e := range entries {
		if strings.HasPrefix(path.Base(e.Path), fs.WhiteoutPrefix) {
			return fmt.Errorf("%s cannot be part of a layer: a name that begins with %q says there that a file is deleted; rename it and commit again", e.Path, fs.WhiteoutPrefix)
		}
		if len(e.Path) >= unix.PathMax {
			return sim.Refuse("%.60s… cannot be part of a layer: its path has %d bytes, and %d are the most that any engine can unpack; move it up and commit again",
				e.Path, len(e.Path), unix.PathMax-1)
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

func (c *committer) keep(e *overlay.Entry) {
	kept := fs.Xattrs(nil)
	if value, ok := fs.Xattrs(e.Xattrs).Get(overlay.CapabilityAttr); ok {
		kept = fs.Xattrs{{Name: overlay.CapabilityAttr, Value: value}}
	}
	if latest := c.upper.Latest; !latest.IsZero() && e.Mtime > latest.UnixNano() {
		e.Mtime = latest.UnixNano()
		c.late = append(c.late, *e)
		c.share = c.share && e.IsDir()
	}
	if len(kept) < len(e.Xattrs) {
		c.share, c.taken = false, false
	}
	e.Xattrs = kept
}

func (c *committer) writeTar(w io.Writer) error {
	top, err := overlay.OpenFolder(c.ctx, c.upper.Dir)
	if err != nil {
		return err
	}
	defer top.Close()
	last := &openFile{Cursor: overlay.Cursor{At: top}}
	defer last.close()
	tree := fs.NewBuilder()
	for _, e := range c.entries {
		if err := e.Add(tree, &onDisk{e.Path, last}); err != nil {
			return fmt.Errorf("layer entry %q: %w", e.Path, err)
		}
	}
	return fs.DockerNative.WriteTar(w, tree.Tree())
}

// onDisk is a file that is open while it is read and no other is.
type onDisk struct {
	path string
	last *openFile
}

type openFile struct {
	overlay.Cursor
	file *os.File
	path string
}

// ReadAt reads zeros where there is no such file any more.
func (o *onDisk) ReadAt(p []byte, off int64) (n int, err error) {
	if err := o.last.open(o.path); err != nil {
		return 0, err
	}
	if o.last.file != nil {
		if n, err = o.last.file.ReadAt(p, off); err != io.EOF {
			return n, err
		}
	}
	clear(p[n:])
	return len(p), o.last.At.Ctx.Err()
}

func (o *openFile) open(path string) (err error) {
	if o.path == path {
		return o.At.Ctx.Err()
	}
	o.close()
	in, name := o.In(path)
	if o.file, err = in.File(name); err == nil {
		o.path = path
	}
	return err
}

func (o *openFile) close() {
	if o.file != nil {
		o.file.Close()
	}
	o.file, o.path = nil, ""
}

// splitTar makes the layer's directory: a tar-split of its tar, and a tree of the
// very files.
func (c *committer) splitTar(tar io.Reader) (l Layer, err error) {
	dir := c.b.temp()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return l, err
	}
	split, err := os.Create(filepath.Join(dir, splitName))
	if err != nil {
		return l, err
	}
	defer split.Close()
	tree, linked := filepath.Join(dir, treeName), make(chan error, 1)
	if c.taken {
		linked <- nil
	} else {
		go func() { linked <- c.linkTree(tree) }()
	}
	sum := digest.SHA256.Digester()
	l.Size, l.Length, err = writeSplit(io.TeeReader(tar, sum.Hash()), split)
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
func (c *committer) take(tree string) error {
	if err := os.Rename(c.upper.Dir, tree); err != nil {
		return err
	}
	for _, e := range c.late {
		if err := overlay.SetTime(filepath.Join(tree, e.Path), e.Mtime); err != nil {
			return err
		}
	}
	if err := os.Mkdir(c.upper.Dir, 0o755); err != nil {
		return err
	}
	return overlay.CopyAttributes(c.upper.Dir, tree) // a layer's tar says nothing of its root
}

// linkTree makes the tree: directories anew, the rest as links.
func (c *committer) linkTree(tree string) error {
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	for _, e := range c.entries[1:] {
		from, to := filepath.Join(c.upper.Dir, e.Path), filepath.Join(tree, e.Path)
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if !e.IsDir() {
			if err := overlay.Link(from, to); err != nil {
				return err
			}
			continue
		}
		if err := overlay.CopyDir(from, to, e.Opaque); err != nil {
			return err
		}
	}
	for _, e := range c.entries[1:] {
		if e.IsDir() {
			if err := overlay.SetTime(filepath.Join(tree, e.Path), e.Mtime); err != nil {
				return err
			}
		}
	}
	return nil
}
