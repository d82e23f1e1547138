package fs

import (
	"bytes"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// Diff is what must change in a to make b, sorted by path: every path whose
// node differs, whole subtrees where they are new. A deleted directory is one
// change. Trees that were made from one another are compared in time
// proportional to what differs.
func Diff(a, b *Tree) []Change {
	d := differ{a, b, map[string]Change{}}
	a.nodes.diff(b.nodes, func(i Ino, x, y *Node) {
		for _, t := range []*Tree{a, b} {
			if t.Node(i) != nil {
				d.inode(t.pathsOf(i), x, y)
			}
		}
	})
	return d.sorted()
}

type differ struct {
	a, b *Tree
	out  map[string]Change
}

func (d *differ) sorted() []Change {
	return slices.SortedFunc(maps.Values(d.out), func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
}

// inode compares the paths of one changed inode, and what its directory
// gained or lost.
func (d *differ) inode(paths []string, x, y *Node) {
	for _, p := range paths {
		d.compare(p)
		if x != nil && y != nil && x.IsDir() && y.IsDir() {
			for name := range y.Dir.since(x.Dir) {
				d.subtree(path.Join(p, name))
			}
		}
	}
}

// subtree compares a path and everything below it.
func (d *differ) subtree(p string) {
	d.compare(p)
	names := map[string]bool{}
	for _, t := range []*Tree{d.a, d.b} {
		if n := t.Lookup(p); n != nil {
			for e := range n.Dir.All() {
				names[e.Name] = true
			}
		}
	}
	if n := d.b.Lookup(p); n == nil || !n.IsDir() {
		return
	}
	for name := range names {
		d.subtree(path.Join(p, name))
	}
}

// compare holds one path of a against b.
func (d *differ) compare(p string) {
	x, y := d.a.Lookup(p), d.b.Lookup(p)
	switch {
	case x == nil && y == nil:
	case y == nil:
		d.deleted(p)
	case x == nil:
		d.out[p] = Change{Kind: Add, Path: p, Node: y, Link: d.b.firstLink(p, y)}
	case !x.equal(y) || !d.sameLinks(p, x, y):
		d.out[p] = Change{Kind: Modify, Path: p, Node: y, Link: d.b.firstLink(p, y)}
	}
}

// deleted notes the topmost path that is gone.
func (d *differ) deleted(p string) {
	for up := path.Dir(p); up != "/"; up = path.Dir(up) {
		if n := d.b.Lookup(up); n == nil {
			p = up
		} else if !n.IsDir() {
			return // something else stands there; its change says so
		}
	}
	d.out[p] = Change{Kind: Delete, Path: p}
}

func (d *differ) sameLinks(p string, x, y *Node) bool {
	return x.Nlink == 1 && y.Nlink == 1 || x.IsDir() ||
		slices.Equal(d.a.pathsOf(d.a.Find(p)), d.b.pathsOf(d.b.Find(p)))
}

// firstLink is the first name of a hard-linked inode, "" if that is p.
func (t *Tree) firstLink(p string, n *Node) string {
	if n.Nlink == 1 || n.IsDir() {
		return ""
	}
	if first := t.pathsOf(t.Find(p))[0]; first != p {
		return first
	}
	return ""
}

// equal compares everything but names, link counts and ctime.
func (n *Node) equal(o *Node) bool {
	return n == o || n.Mode == o.Mode && n.UID == o.UID && n.GID == o.GID && n.Rdev == o.Rdev &&
		n.Mtime == o.Mtime && n.Target == o.Target && n.Opaque == o.Opaque &&
		slices.Equal(n.Xattrs, o.Xattrs) && n.Data.Equal(o.Data)
}

// Equal compares contents; shared ones without reading them.
func (d *Data) Equal(o *Data) bool {
	return d.Shares(o) || d.Size() == o.Size() && sameBytes(d.Reader(), o.Reader())
}

func sameBytes(a, b io.Reader) bool {
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return errA == errB
		}
	}
}

// Apply makes the changes to t.
func Apply(t *Tree, changes []Change) (*Tree, error) {
	b := &Builder{t: t.Fork()}
	for _, c := range changes {
		if c.Kind == Delete {
			b.delete(c.Path)
		}
	}
	for _, c := range changes {
		if c.Kind != Delete && c.Link == "" {
			if err := b.Put(c.Path, *c.Node); err != nil {
				return nil, Wrap("apply", c.Path, err)
			}
		}
	}
	for _, c := range changes {
		if c.Link != "" {
			if err := b.Link(c.Path, c.Link); err != nil {
				return nil, Wrap("apply", c.Path, err)
			}
		}
	}
	return b.Tree(), nil
}

func (b *Builder) delete(name string) {
	d, base, err := b.parent(name)
	if err == nil && base != "" && b.t.Child(d, base) != 0 {
		b.t.drop(d, base)
	}
}

// Differs says whether docker diff takes o for a change of n.
func (n *Node) Differs(o *Node) bool {
	a, _ := n.Xattrs.Get("security.capability")
	b, _ := o.Xattrs.Get("security.capability")
	return n.Mode != o.Mode || n.UID != o.UID || n.GID != o.GID || n.Rdev != o.Rdev || a != b ||
		!n.IsDir() && (n.Size() != o.Size() || !sameTime(n.Mtime, o.Mtime))
}

// sameTime compares as docker does: a time without nanoseconds came from a
// tar that kept none.
func sameTime(a, b int64) bool {
	const second = 1e9
	return a == b || a/second == b/second && (a%second == 0 || b%second == 0)
}
