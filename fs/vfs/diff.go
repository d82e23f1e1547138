package vfs

import (
	"maps"
	"path"
	"slices"
	"strings"
	"twinlayer/fs"
)

// Changes are what docker diff says of the union, sorted by path: an entry is
// changed if its mode, owner, device or security.capability differ, or, where
// it is no directory, its size or mtime; every directory above a change
// counts as changed, but "/" (moby/go-archive's rule).
func (u *Union) Changes() []fs.Change {
	c := changes{u: u, out: map[string]fs.Change{}}
	if u.layered() {
		c.dir("", ent{fs.RootIno, fs.RootIno})
	}
	return slices.SortedFunc(maps.Values(c.out), func(x, y fs.Change) int { return strings.Compare(x.Path, y.Path) })
}

type changes struct {
	u   *Union
	out map[string]fs.Change
}

// dir compares what the writable layer has of directory d.
func (c *changes) dir(prefix string, d ent) {
	for e := range c.u.upper.Node(d.up).Dir.All() {
		c.entry(prefix+"/"+e.Name, d, e)
	}
	if d.lo == 0 || !c.u.upper.Node(d.up).Opaque {
		return
	}
	for e := range c.u.lower.Node(d.lo).Dir.All() {
		if c.u.upper.Child(d.up, e.Name) == 0 && c.u.below(d, e.Name) != 0 {
			c.note(fs.Delete, prefix+"/"+e.Name, nil)
		}
	}
}

func (c *changes) entry(p string, d ent, e fs.Entry) {
	n, lo := c.u.upper.Node(e.Ino), c.u.below(d, e.Name)
	var below *fs.Node
	if lo != 0 {
		below = c.u.lower.Node(lo)
	}
	switch {
	case n.IsWhiteout() && below == nil:
		return
	case n.IsWhiteout():
		c.note(fs.Delete, p, nil)
		return
	case below == nil:
		c.note(fs.Add, p, n)
	case n.Differs(below):
		c.note(fs.Modify, p, n)
	}
	if n.IsDir() {
		if below != nil && !below.IsDir() {
			lo = 0
		}
		c.dir(p, ent{e.Ino, lo})
	}
}

func (c *changes) note(k fs.Kind, p string, n *fs.Node) {
	c.out[p] = fs.Change{Kind: k, Path: p, Node: n}
	for up := path.Dir(p); up != "/"; up = path.Dir(up) {
		if _, known := c.out[up]; known {
			return
		}
		c.out[up] = fs.Change{Kind: fs.Modify, Path: up, Node: c.u.upper.Lookup(up)}
	}
}
