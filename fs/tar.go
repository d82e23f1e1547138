package fs

import (
	"archive/tar"
	"fmt"
	"io"
	"time"
)

// The names that stand for deletions in a layer tar (image-spec, layer.md,
// "Whiteouts").
const (
	WhiteoutPrefix = ".wh."
	OpaqueMarker   = ".wh..wh..opq"
)

const xattrRecord = "SCHILY.xattr."

// WriteTar writes the tree as an OCI layer tar: entries in path order,
// whiteouts as ".wh." files, hard links to the first path of their inode, no
// root entry, sockets left out (tar has none).
func (t *Tree) WriteTar(w io.Writer) error {
	return t.writeTar(w, ociStyle(func(n *Node) time.Time { return time.Unix(0, n.Mtime) }))
}

// ociStyle has whiteouts in the order of their names in the tar, and no mode.
func ociStyle(mtime func(*Node) time.Time) tarStyle {
	return tarStyle{
		order: tarOrder, mtime: mtime,
		whiteout: func(*tar.Header) {}, opaque: func(*tar.Header, *Node) {},
	}
}

func (t *Tree) writeTar(w io.Writer, style tarStyle) error {
	return t.writeEntries(newPlainTar(w), style)
}

func (t *Tree) writeEntries(to tarEntries, style tarStyle) error {
	out := tarWriter{to: to, tree: t, style: style, first: map[Ino]string{}}
	if err := out.dir(RootIno, ""); err != nil {
		return err
	}
	return to.close()
}

// tarEntries is where the entries of a tar go, one after the other.
type tarEntries interface {
	put(h *tar.Header, content *Data) error
	close() error
}

// plainTar writes entries as they come.
type plainTar struct {
	w   *tar.Writer
	buf []byte // to copy contents with, as long as the longest needs it
}

func newPlainTar(w io.Writer) *plainTar { return &plainTar{w: tar.NewWriter(w)} }

func (p *plainTar) put(h *tar.Header, content *Data) error {
	if err := p.w.WriteHeader(h); err != nil || content == nil {
		return err
	}
	if n := min(content.Size(), chunkSize); int64(len(p.buf)) < n {
		p.buf = make([]byte, n)
	}
	_, err := io.CopyBuffer(p.w, content.Reader(), p.buf)
	return err
}

func (p *plainTar) close() error { return p.w.Close() }

type tarWriter struct {
	to    tarEntries
	tree  *Tree
	style tarStyle
	first map[Ino]string // of inodes with several names
}

// dir writes the entries of directory d, whose path in the tar is prefix.
func (t *tarWriter) dir(d Ino, prefix string) error {
	n := t.tree.Node(d)
	if n.Opaque {
		h := t.marker(prefix+OpaqueMarker, n)
		t.style.opaque(h, n)
		if err := t.to.put(h, nil); err != nil {
			return err
		}
	}
	for _, e := range t.style.order(t.tree, n) {
		if err := t.entry(prefix, e); err != nil {
			return fmt.Errorf("writing layer tar entry %q: %w", prefix+e.Name, err)
		}
	}
	return nil
}

func (t *tarWriter) entry(prefix string, e Entry) error {
	n, name := t.tree.Node(e.Ino), prefix+e.Name
	switch {
	case n.IsWhiteout():
		h := t.marker(prefix+WhiteoutPrefix+e.Name, n)
		t.style.whiteout(h)
		return t.to.put(h, nil)
	case n.Type() == S_IFSOCK:
		return nil
	case n.IsDir():
		if err := t.to.put(t.header(name+"/", n), nil); err != nil {
			return err
		}
		return t.dir(e.Ino, name+"/")
	}
	h := t.header(name, n)
	if first, again := t.first[e.Ino]; again {
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
		return t.to.put(h, nil)
	}
	if n.Nlink > 1 {
		t.first[e.Ino] = name
	}
	return t.to.put(h, n.Data)
}

func (t *tarWriter) marker(name string, n *Node) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, ModTime: t.style.mtime(n)}
}

var tarFlags = map[uint32]byte{
	S_IFREG: tar.TypeReg, S_IFDIR: tar.TypeDir, S_IFLNK: tar.TypeSymlink,
	S_IFIFO: tar.TypeFifo, S_IFCHR: tar.TypeChar, S_IFBLK: tar.TypeBlock,
}

func (t *tarWriter) header(name string, n *Node) *tar.Header {
	h := &tar.Header{
		Typeflag: tarFlags[n.Type()], Name: name, Linkname: n.Target, Mode: int64(n.Mode & (0o7777 | t.style.types)),
		Uid: int(n.UID), Gid: int(n.GID), ModTime: t.style.mtime(n),
		Devmajor: int64(Major(n.Rdev)), Devminor: int64(Minor(n.Rdev)),
	}
	if n.IsRegular() {
		h.Size = n.Size()
	}
	for _, x := range n.Xattrs {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords[xattrRecord+x.Name] = x.Value
	}
	return h
}
