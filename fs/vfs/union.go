package vfs

import (
	"slices"
	"twinlayer/fs"
)

// Union is one writable layer on a stack of read-only ones: what overlayfs
// mounts with its default options. Without a stack it is a plain memory file
// system, as tmpfs is; without a writable layer it is read-only.
//
// A Union is changed by [Sys]. [Union.Snapshot] keeps a state of it, and
// [Union.Fork] goes on from one; both take constant time.
type Union struct {
	layers []Layer
	lower  *fs.Tree           // the layers merged; nil: none
	upper  *fs.Tree           // nil: read-only
	copied fs.Table[fs.Ino]   // of copied-up inodes: lower to upper
	open   map[ent]int        // files opened, as [ent.opened] has them; nil in a snapshot
	broken map[fs.Link]fs.Ino // of copied-up hard links: lower name to upper, for who has them open
	frozen bool               // mounted read-only
	logger func(fs.Event)
	clock  func() int64

	partial bool   // it holds more than this
	kept    *Union // the snapshot that was taken last
}

// Layer is a read-only layer with the name that explanations give it.
type Layer struct {
	Name  fs.Phrase // "image layer 1"
	Tree  *fs.Tree
	Aside bool // an engine's own, named only where no other layer has the path
}

// NewUnion puts upper on layers, bottom first. merged is their [Merge], which
// the caller has at hand because many unions share it.
func NewUnion(layers []Layer, merged, upper *fs.Tree) *Union {
	return &Union{layers: layers, lower: merged, upper: upper.Fork(), open: map[ent]int{}, broken: map[fs.Link]fs.Ino{}}
}

// NewTmpfs is an empty writable file system of its own, as tmpfs is.
func NewTmpfs(root *fs.Tree) *Union {
	return &Union{upper: root.Fork(), open: map[ent]int{}, broken: map[fs.Link]fs.Ino{}}
}

// NewReadOnly shows a tree that cannot be written, as proc is shown.
func NewReadOnly(root *fs.Tree) *Union {
	return &Union{lower: root, open: map[ent]int{}, broken: map[fs.Link]fs.Ino{}}
}

// NewPartial is NewReadOnly of what is known of a file system that holds more,
// as proc does. [Sys.Beyond] hears who asks for the rest.
func NewPartial(root *fs.Tree) *Union {
	u := NewReadOnly(root)
	u.partial = true
	return u
}

// NewFile is a file system of one regular file, for a mount over a file.
func NewFile(n fs.Node) *Union {
	n.Mode, n.Nlink = n.Mode&^uint32(fs.S_IFMT)|fs.S_IFREG, 1
	t := &fs.Tree{Own: new(fs.Owner), Last: fs.RootIno}
	t.Put(fs.RootIno, &n)
	return &Union{upper: t, open: map[ent]int{}, broken: map[fs.Link]fs.Ino{}}
}

// NewUpper is an empty writable layer for a union on merged, made at a time in
// nanoseconds since 1970: as container engines make it, its root has mode and
// owner of the root below.
func NewUpper(merged *fs.Tree, at int64) *fs.Tree {
	root := *merged.Root()
	root.Mtime, root.Ctime = at, at
	root.Dir, root.Merged, root.Opaque = nil, false, false
	return fs.NewTree(root).Freeze()
}

// Snapshot is the union as it is now, for good: no [Sys] may work on it. As
// long as nothing changes it is the same one each time.
func (u *Union) Snapshot() *Union {
	if u.open == nil {
		return u
	}
	if upper := u.Upper(); u.kept == nil || u.kept.upper != upper {
		u.kept = &Union{layers: u.layers, lower: u.lower, upper: upper, copied: u.copied, frozen: u.frozen, partial: u.partial}
	}
	return u.kept
}

// Fork is a union that begins as u is now, and is changed by itself.
func (u *Union) Fork() *Union {
	kept := u.Snapshot()
	out := *kept
	out.open, out.broken, out.kept = map[ent]int{}, map[fs.Link]fs.Ino{}, kept
	if kept.upper != nil {
		out.upper = kept.upper.Fork()
	}
	return &out
}

// ReadOnly is a fork of the union as a mount with the option ro shows it, or
// with rw.
func (u *Union) ReadOnly(ro bool) *Union {
	out := u.Fork()
	if out.frozen != ro {
		out.kept = nil
	}
	out.frozen = ro
	return out
}

func (u *Union) readOnly() bool { return u.upper == nil || u.frozen }

// Upper is the writable layer: nil in a read-only union.
func (u *Union) Upper() *fs.Tree {
	if u.upper == nil {
		return nil
	}
	return u.upper.Freeze()
}

// Lower is the read-only layers merged: nil where there are none.
func (u *Union) Lower() *fs.Tree { return u.lower }

// Layers are the read-only layers, bottom first.
func (u *Union) Layers() []Layer { return u.layers }

// ent is an inode of the union: its number in the writable layer, in the
// merged lower ones, or both (a merged directory).
type ent struct{ up, lo fs.Ino }

// opened is what an open file holds of e: the inode of the writable layer, or
// the lower one where it has none.
func (e ent) opened() ent {
	if e.up != 0 {
		e.lo = 0
	}
	return e
}

func (u *Union) root() ent {
	switch {
	case u.upper == nil:
		return ent{0, fs.RootIno}
	case u.lower == nil:
		return ent{fs.RootIno, 0}
	}
	return ent{fs.RootIno, fs.RootIno}
}

// now is e after what has happened to it since it was looked up.
func (u *Union) now(e ent) ent {
	if e.up == 0 {
		if up := u.copied.Get(e.lo); up != 0 && u.upper.Node(up) != nil {
			if !u.upper.Node(up).IsDir() {
				return ent{up: up}
			}
			e.up = up
		}
	}
	return e
}

func (u *Union) node(e ent) *fs.Node {
	if e.up != 0 {
		return u.upper.Node(e.up)
	}
	return u.lower.Node(e.lo)
}

// child looks a name up as ovl_lookup does: the writable layer decides; only
// where it is silent, or has a directory that is not opaque, is the lower one
// asked.
func (u *Union) child(d ent, name string) (ent, bool) {
	lo := u.below(d, name)
	if d.up == 0 {
		return ent{lo: lo}, lo != 0
	}
	up := u.upper.Child(d.up, name)
	if up == 0 {
		return ent{lo: lo}, lo != 0
	}
	n := u.upper.Node(up)
	switch {
	case n.IsWhiteout():
		return ent{}, false
	case !n.IsDir() || n.Opaque || lo == 0 || !u.lower.Node(lo).IsDir():
		return ent{up: up}, true
	}
	return ent{up, lo}, true
}

// below is what the lower layers have under a name of directory d, and would
// show if the writable layer were silent; 0: nothing.
func (u *Union) below(d ent, name string) fs.Ino {
	if d.lo == 0 {
		return 0
	}
	lo := u.lower.Child(d.lo, name)
	if lo != 0 && u.lower.Node(lo).IsWhiteout() {
		return 0
	}
	return lo
}

// inUse says whether a file of the writable layer is open, perhaps since
// before it was copied up.
func (u *Union) inUse(up fs.Ino) bool {
	lo := u.upper.Node(up).Origin
	return u.open[ent{up: up}] > 0 || lo != 0 && u.open[ent{lo: lo}] > 0
}

// release ends one use of what was opened as e; an inode without a name goes
// with its last use.
func (u *Union) release(e ent) {
	if u.open[e]--; u.open[e] <= 0 {
		delete(u.open, e)
	}
	up := u.now(e).up
	if up == 0 || up == fs.RootIno {
		return
	}
	if n := u.upper.Node(up); n != nil && n.First.Dir == 0 && !u.inUse(up) {
		u.upper.Put(up, nil)
	}
}

// names lists a directory, sorted. A directory that only one lower layer has
// lists its stray whiteouts too, as the kernel does.
func (u *Union) names(d ent) []string {
	var out []string
	if d.lo != 0 {
		for e := range u.lower.Node(d.lo).Dir.All() {
			if d.up != 0 && (u.upper.Child(d.up, e.Name) != 0 || u.below(d, e.Name) == 0) {
				continue
			}
			out = append(out, e.Name)
		}
	}
	if d.up != 0 {
		for e := range u.upper.Node(d.up).Dir.All() {
			if !u.upper.Node(e.Ino).IsWhiteout() {
				out = append(out, e.Name)
			}
		}
		slices.Sort(out)
	}
	return out
}

// empty says whether nothing can be found in directory d.
func (u *Union) empty(d ent) bool {
	for _, name := range u.names(d) {
		if _, ok := u.child(d, name); ok {
			return false
		}
	}
	return true
}

// holder names the layer that provides a path, for explanations.
func (u *Union) holder(path string) fs.Phrase {
	holder := sayALowerLayer
	for _, l := range slices.Backward(u.layers) {
		if n := l.Tree.Lookup(path); n != nil && !n.IsWhiteout() {
			holder = l.Name
			if !l.Aside {
				break
			}
		}
	}
	return holder
}

func (u *Union) log(op, path string, why fs.Phrase) {
	if u.logger != nil {
		u.logger(fs.Event{Op: op, Path: path, Why: why})
	}
}

// layered says whether the union is one of layers, and not just memory.
func (u *Union) layered() bool { return u.lower != nil && u.upper != nil }
