package fs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Dialect is the way in which an engine makes a layer of what happened in a
// container. The dialects are different layers with the same meaning: they
// have different canonical digests wherever an entry was copied up without
// being changed, or a directory was made anew.
type Dialect string

const (
	// DockerNative is what docker commit and the classic builder write: the
	// writable layer as it is, opaque directories marked as such.
	DockerNative Dialect = "docker-native"
	// BuildKit is what BuildKit writes, and docker commit where the storage
	// driver finds changes by comparing: what docker diff names, deletions one
	// by one, never an opaque directory.
	BuildKit Dialect = "buildkit"
	// Containerd is what containerd's differ writes: the same and, of a file
	// with a new link, the names that it had before.
	Containerd Dialect = "containerd"
)

// Layer is the layer that an engine speaking d makes of the union's changes.
// No dialect keeps sockets, or attributes other than
// security.capability. A file whose name says that it is a whiteout cannot be
// written by DockerNative (image-spec, layer.md, "Whiteouts").
func (u *Union) Layer(d Dialect) (*Tree, error) {
	switch d {
	case BuildKit:
		return u.changedLayer(false)
	case Containerd:
		return u.changedLayer(true)
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
// deleted, and with all links to what it names if they are asked for.
func (u *Union) changedLayer(links bool) (*Tree, error) {
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
	if links {
		if err := l.links(u); err != nil {
			return nil, err
		}
	}
	return l.b.Tree(), nil
}

// links adds the names in the writable layer of what has a name already.
func (l layering) links(u *Union) error {
	there := map[string]bool{"/": true}
	for p := range l.b.Tree().All() {
		there[p.Path] = true
	}
	for p := range u.upper.All() {
		if first, ok := l.names[p.Node]; !ok || there[p.Path] || first == p.Path {
			continue
		}
		if err := l.above(u, there, path.Dir(p.Path)); err != nil {
			return err
		}
		if err := l.put(p.Path, p.Node, *p.Node); err != nil {
			return err
		}
	}
	return nil
}

// above adds a directory and those above it.
func (l layering) above(u *Union, there map[string]bool, dir string) error {
	if there[dir] {
		return nil
	}
	there[dir] = true
	n := *u.upper.Lookup(dir)
	n.Opaque = false
	return errors.Join(l.above(u, there, path.Dir(dir)), l.put(dir, u.upper.Lookup(dir), n))
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
