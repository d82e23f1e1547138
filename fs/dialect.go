package fs

import (
	"archive/tar"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Dialect is the way in which an engine makes a layer of what happened in a
// container. The two dialects are different layers with the same meaning:
// they have different canonical digests wherever an entry was copied up
// without being changed, or a directory was made anew.
type Dialect string

const (
	// DockerNative is what docker commit and the classic builder write: the
	// writable layer as it is, opaque directories marked as such.
	DockerNative Dialect = "docker-native"
	// Containerd is what containerd and BuildKit write: what docker diff
	// names, deletions one by one, never an opaque directory.
	Containerd Dialect = "containerd"
)

// Layer is the layer that an engine speaking d makes of the union's changes.
// Neither dialect keeps sockets, or attributes other than
// security.capability. A file whose name says that it is a whiteout cannot be
// written by DockerNative (image-spec, layer.md, "Whiteouts").
func (u *Union) Layer(d Dialect) (*Tree, error) {
	if d == Containerd {
		return u.changedLayer()
	}
	return u.upperLayer()
}

// upperLayer is the writable layer without what tar does not keep.
func (u *Union) upperLayer() (*Tree, error) {
	l := layering{b: NewBuilder(), names: map[*Node]string{}}
	for p := range u.Upper().All() {
		if base := p.Path[strings.LastIndexByte(p.Path, '/')+1:]; strings.HasPrefix(base, WhiteoutPrefix) {
			return nil, fmt.Errorf("%s cannot be part of a layer: a name that begins with %q says there that a file is deleted; rename it and commit again", p.Path, WhiteoutPrefix)
		}
		if err := l.put(p.Path, p.Node, *p.Node); err != nil {
			return nil, err
		}
	}
	return l.b.Tree(), nil
}

// changedLayer is what docker diff names, with whiteouts for what it calls
// deleted.
func (u *Union) changedLayer() (*Tree, error) {
	l := layering{b: NewBuilder(), names: map[*Node]string{}}
	for _, c := range u.Changes() {
		n := Whiteout(0)
		if c.Kind != Delete {
			n = *c.Node
			n.Opaque = false
		}
		if err := l.put(c.Path, c.Node, n); err != nil {
			return nil, err
		}
	}
	return l.b.Tree(), nil
}

// layering builds a layer of nodes that may have several names.
type layering struct {
	b     *Builder
	names map[*Node]string
}

// put adds n, which was made of the union's node from.
func (l layering) put(path string, from *Node, n Node) error {
	if n.Type() == S_IFSOCK {
		return nil
	}
	if first, again := l.names[from]; again {
		return wrap("layer", path, l.b.Link(path, first))
	}
	if !n.IsDir() && !n.IsWhiteout() {
		l.names[from] = path
	}
	capability, ok := n.Xattrs.Get("security.capability")
	n.Xattrs = nil
	if ok {
		n.Xattrs = Xattrs{{"security.capability", capability}}
	}
	return wrap("layer", path, l.b.Put(path, n))
}

// tarStyle is how the entries of a layer tar are written.
type tarStyle struct {
	order    func(*Tree, *Node) []Entry
	mtime    func(*Node) time.Time
	types    uint32 // of the mode, the type bits that its field holds
	whiteout func(*tar.Header)
	opaque   func(*tar.Header, *Node)
}

// WriteTar writes a layer as engines that speak d do: names in their order,
// whole seconds, and in Docker 20.10's tars type bits in the mode field. For
// what OCI asks for see [Tree.WriteTar].
func (d Dialect) WriteTar(w io.Writer, t *Tree) error {
	s := tarStyle{
		order:    func(t *Tree, d *Node) []Entry { return slices.Collect(d.dir.all()) },
		mtime:    func(n *Node) time.Time { return time.Unix(n.Mtime/1e9, 0) },
		whiteout: func(*tar.Header) {},
		opaque:   func(*tar.Header, *Node) {},
	}
	if d == DockerNative {
		s.types = S_IFMT
		s.whiteout = func(h *tar.Header) { h.Mode = 0o600 }
		s.opaque = func(h *tar.Header, n *Node) { h.Mode, h.ModTime = int64(n.Mode&0o7777), time.Unix(0, 0) }
	}
	return t.writeTar(w, s)
}
