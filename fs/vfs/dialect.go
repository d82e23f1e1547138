package vfs

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"twinlayer/fs"
)

// Layer is the layer that an engine speaking d makes of the union's changes.
// No dialect keeps sockets, or attributes other than
// security.capability. A file whose name says that it is a whiteout cannot be
// written by DockerNative (image-spec, layer.md, "Whiteouts").
func (u *Union) Layer(d fs.Dialect) (*fs.Tree, error) {
	switch d {
	case fs.BuildKit:
		return u.changedLayer(false)
	case fs.Containerd:
		return u.changedLayer(true)
	}
	return u.upperLayer()
}

// upperLayer is the writable layer without what tar does not keep.
func (u *Union) upperLayer() (*fs.Tree, error) {
	l := layering{b: fs.NewBuilder(), names: map[*fs.Node]string{}}
	for p := range u.Upper().All() {
		if base := p.Path[strings.LastIndexByte(p.Path, '/')+1:]; strings.HasPrefix(base, fs.WhiteoutPrefix) {
			return nil, fmt.Errorf("%s cannot be part of a layer: a name that begins with %q says there that a file is deleted; rename it and commit again", p.Path, fs.WhiteoutPrefix)
		}
		if err := l.put(p.Path, p.Node, *p.Node); err != nil {
			return nil, err
		}
	}
	return l.b.Tree(), nil
}

// changedLayer is what docker diff names, with whiteouts for what it calls
// deleted, and with all links to what it names if they are asked for.
func (u *Union) changedLayer(links bool) (*fs.Tree, error) {
	l := layering{b: fs.NewBuilder(), names: map[*fs.Node]string{}}
	for _, c := range u.Changes() {
		n := fs.Whiteout(0)
		if c.Kind != fs.Delete {
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
	b     *fs.Builder
	names map[*fs.Node]string
}

// put adds n, which was made of the union's node from.
func (l layering) put(path string, from *fs.Node, n fs.Node) error {
	if n.Type() == fs.S_IFSOCK {
		return nil
	}
	if first, again := l.names[from]; again {
		return fs.Wrap("layer", path, l.b.Link(path, first))
	}
	if !n.IsDir() && !n.IsWhiteout() {
		l.names[from] = path
	}
	capability, ok := n.Xattrs.Get("security.capability")
	n.Xattrs = nil
	if ok {
		n.Xattrs = fs.Xattrs{{Name: "security.capability", Value: capability}}
	}
	return fs.Wrap("layer", path, l.b.Put(path, n))
}
