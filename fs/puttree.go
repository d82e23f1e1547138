package fs

import (
	"path"
)

// Only is what stands at name as the one entry of a tree's root; of "/" it is
// the whole tree.
func (t *Tree) Only(name string) *Tree {
	if name == "/" {
		return t
	}
	b := NewCopy()
	base := "/" + path.Base(name)
	for p := range t.All() {
		if p.Path == name {
			b.Add(p, base, *p.Node)
		}
	}
	for p := range t.All() {
		if rest, ok := Below(name, p.Path); ok {
			b.Add(p, base+rest, *p.Node)
		}
	}
	return b.Tree()
}
