package fs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// The names that stand for deletions in a layer tar (image-spec, layer.md,
// "Whiteouts").
const (
	WhiteoutPrefix = ".wh."
	OpaqueMarker   = ".wh..wh..opq"
)

// ReadTar reads an uncompressed layer tar (image-spec, layer.md) into a tree.
// Whiteouts become [Whiteout] nodes and opaque markers set Opaque, wherever
// they stand in the tar. File contents are kept in memory, unless r is also
// an io.ReaderAt: then they stay there.
func ReadTar(r io.Reader) (*Tree, error) {
	src, _ := r.(io.ReaderAt)
	return readTar(r, src)
}

// readTar reads a tar whose bytes, if src is not nil, are found there as well.
func readTar(r io.Reader, src io.ReaderAt) (*Tree, error) {
	t := tarReader{b: NewBuilder(), at: &counted{r: r}, src: src}
	in := tar.NewReader(t.at)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return t.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("reading layer tar: %w", err)
		}
		if err := t.entry(h, in); err != nil {
			return nil, fmt.Errorf("layer tar entry %q: %w", h.Name, err)
		}
	}
}

// tarReader gathers entries. Links and whiteouts wait for the end, because
// they may come before what they speak of.
type tarReader struct {
	b     *Builder
	at    *counted
	src   io.ReaderAt
	links [][2]string // name, target
	gone  []Path      // whiteouts
	opq   []string    // opaque directories
}

func (t *tarReader) entry(h *tar.Header, in io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // comments for what follows, as git archive writes them
	}
	name, err := entryName(h.Name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	switch {
	case base == OpaqueMarker:
		t.opq = append(t.opq, path.Dir(name))
		return nil
	case strings.HasPrefix(base, WhiteoutPrefix+WhiteoutPrefix):
		return nil // aufs's own bookkeeping
	case strings.HasPrefix(base, WhiteoutPrefix):
		hidden := path.Join(path.Dir(name), strings.TrimPrefix(base, WhiteoutPrefix))
		w := Whiteout(h.ModTime.UnixNano())
		t.gone = append(t.gone, Path{Path: hidden, Node: &w})
		return nil
	case h.Typeflag == tar.TypeLink:
		target, err := entryName(h.Linkname)
		t.links = append(t.links, [2]string{name, target})
		return err
	}
	n, err := t.node(h, in)
	if err != nil {
		return err
	}
	return t.b.Put(name, n)
}

// entryName is the absolute path that a tar's name means inside the layer.
func entryName(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("the name holds a NUL byte")
	}
	if len(name) >= pathMax {
		return "", fmt.Errorf("the name is longer than the %d bytes that Linux knows", pathMax)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "..":
			return "", fmt.Errorf("the name leads out of the layer")
		case len(part) > nameMax:
			return "", fmt.Errorf("a part of the name is longer than the %d bytes that Linux knows", nameMax)
		}
	}
	return path.Clean("/" + name), nil
}

var tarTypes = map[byte]uint32{
	tar.TypeReg: S_IFREG, '\x00': S_IFREG, tar.TypeGNUSparse: S_IFREG, tar.TypeDir: S_IFDIR, tar.TypeSymlink: S_IFLNK,
	tar.TypeFifo: S_IFIFO, tar.TypeChar: S_IFCHR, tar.TypeBlock: S_IFBLK,
}

func (t *tarReader) node(h *tar.Header, in io.Reader) (Node, error) {
	typ, ok := tarTypes[h.Typeflag]
	if !ok {
		return Node{}, fmt.Errorf("unknown entry type %q", h.Typeflag)
	}
	n := Node{
		Mode: typ | uint32(h.Mode)&0o7777, UID: uint32(h.Uid), GID: uint32(h.Gid),
		Mtime: h.ModTime.UnixNano(), Ctime: h.ModTime.UnixNano(), Xattrs: tarXattrs(h),
	}
	switch typ {
	case S_IFLNK:
		n.Target = h.Linkname
		n.Mode = S_IFLNK | 0o777
	case S_IFCHR, S_IFBLK:
		n.Rdev = Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	case S_IFREG:
		data, err := t.content(h, in)
		n.Data = data
		return n, err
	}
	return n, nil
}

const xattrRecord = "SCHILY.xattr."

func tarXattrs(h *tar.Header) (x Xattrs) {
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, xattrRecord); ok {
			x = x.With(name, value)
		}
	}
	return x
}

func (t *tarReader) content(h *tar.Header, in io.Reader) (*Data, error) {
	if isSparse(h) {
		return readSparse(h.Size, in)
	}
	if t.src != nil {
		return FileData(t.src, t.at.n, h.Size), nil
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, in); err != nil {
		return nil, err
	}
	return DataOf(b.Bytes()), nil
}

func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// sparseMax is the longest sparse file that is read: a few bytes of header
// can claim terabytes.
const sparseMax = 16 << 30

// sparsePiece is the least that is left out: a block of most file systems.
const sparsePiece = 4 << 10

// readSparse reads a content and leaves its zeros out.
func readSparse(size int64, in io.Reader) (*Data, error) {
	if size > sparseMax {
		return nil, fmt.Errorf("it claims to be a sparse file of %d bytes, and %d is the most that is read", size, sparseMax)
	}
	d := (*Data)(nil).Truncate(size)
	piece, zeros := make([]byte, sparsePiece), make([]byte, sparsePiece)
	for at := int64(0); ; {
		n, err := io.ReadFull(in, piece)
		if !bytes.Equal(piece[:n], zeros[:n]) {
			d = d.WriteAt(piece[:n], at)
		}
		at += int64(n)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return d, nil
		default:
			return nil, err
		}
	}
}

func (t *tarReader) finish() (*Tree, error) {
	for _, l := range t.links {
		if err := t.b.Link(l[0], l[1]); err != nil {
			return nil, fmt.Errorf("layer tar entry %q: hard link to %q: %w", l[0], l[1], err)
		}
	}
	for _, w := range t.gone {
		if err := t.hide(w); err != nil {
			return nil, fmt.Errorf("layer tar whiteout of %q: %w", w.Path, err)
		}
	}
	for _, d := range t.opq {
		if err := t.opaque(d); err != nil {
			return nil, fmt.Errorf("layer tar opaque directory %q: %w", d, err)
		}
	}
	return t.b.Tree(), nil
}

// hide puts a whiteout; beside an entry of the same name it only cuts off
// what is below, since whiteouts speak of lower layers.
func (t *tarReader) hide(w Path) error {
	switch n := t.b.Lookup(w.Path); {
	case n == nil:
		return t.b.Put(w.Path, *w.Node)
	case n.IsDir():
		return t.opaque(w.Path)
	}
	return nil
}

func (t *tarReader) opaque(name string) error {
	n := Node{Mode: S_IFDIR | 0o755}
	if old := t.b.Lookup(name); old != nil {
		n = *old
	}
	n.Opaque = true
	return t.b.Put(name, n)
}

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
	if err := out.dir(rootIno, ""); err != nil {
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
	buf []byte // to copy contents with
}

func newPlainTar(w io.Writer) *plainTar { return &plainTar{tar.NewWriter(w), make([]byte, chunkSize)} }

func (p *plainTar) put(h *tar.Header, content *Data) error {
	if err := p.w.WriteHeader(h); err != nil || content == nil {
		return err
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
	n := t.tree.node(d)
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
	n, name := t.tree.node(e.Ino), prefix+e.Name
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
		h.Typeflag, h.Linkname, h.Size, h.PAXRecords = tar.TypeLink, first, 0, nil
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
