package fs

import "strings"

// Copy builds a tree of the nodes of another one, under the same names or
// others.
type Copy struct {
	*Builder
	names map[Ino]string
}

// NewCopy is a copy of nothing yet.
func NewCopy() *Copy { return CopyInto(NewBuilder()) }

// CopyInto is a copy of another tree's nodes beside what b has.
func CopyInto(b *Builder) *Copy { return &Copy{b, map[Ino]string{}} }

// Add puts n, the node of p, at name, as [Builder.MustPut] does; further names
// of an inode become links to the first.
func (c *Copy) Add(p Path, name string, n Node) {
	first, ok := c.names[p.Ino]
	if !ok || p.IsDir() {
		c.names[p.Ino] = name
		c.MustPut(name, n)
		return
	}
	if err := c.Link(name, first); err != nil {
		panic(err)
	}
}

// MustPut is [Builder.Put] for what cannot fail by construction: it panics if
// it does.
func (b *Builder) MustPut(name string, n Node) {
	if err := b.Put(name, n); err != nil {
		panic(err)
	}
}

// Subtree is the directory dir as a tree of its own, without whiteouts.
func (t *Tree) Subtree(dir string) *Tree {
	b := NewCopy()
	root := *t.Lookup(dir)
	root.Opaque = false
	b.MustPut("/", root)
	for p := range t.All() {
		if rest, ok := Below(dir, p.Path); ok && !p.IsWhiteout() {
			n := *p.Node
			n.Opaque = false
			b.Add(p, rest, n)
		}
	}
	return b.Tree()
}

// Below is name as seen from the directory dir, as an absolute path; ok says
// whether it is below dir at all.
func Below(dir, name string) (rest string, ok bool) {
	if dir == "/" {
		return name, true
	}
	rest, ok = strings.CutPrefix(name, dir)
	return rest, ok && strings.HasPrefix(rest, "/")
}
