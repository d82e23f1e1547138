package fs

import (
	"iter"
	"path"
	"slices"
	"strings"
)

// Tree is an immutable file tree over inodes: what a layer holds, or a stack
// of layers merged. Editing happens on a fork and shares all that stays the
// same. The zero value is not usable; see [NewBuilder], [ReadTar], [Merge].
type Tree struct {
	nodes Table[*Node]
	Last  Ino
	Own   *Owner
	sum   *sum  // the digest of this state, shared by all who have it; nil: nobody has asked
	kept  *Tree // this state as it was handed out; nil: it has been edited since
}

// rootIno is the root directory of every tree.
const RootIno Ino = 1

// Node is one inode. It must not be changed once a Tree holds it.
type Node struct {
	Mode     uint32 // S_IF type and permissions
	UID, GID uint32
	Nlink    uint32
	Rdev     uint64 // of a device; see Mkdev
	Mtime    int64  // nanoseconds since 1970
	Ctime    int64
	Target   string // of a symlink
	Data     *Data  // of a regular file
	Xattrs   Xattrs
	Opaque   bool // a directory that hides all below it

	Merged bool // a directory that several layers contribute to
	Origin Ino  // the lower inode that this one was copied up from
	Broken bool // the origin has other names: this is a new inode
	Split  split
	Dir    *Dir
	First  Link
	more   []Link
}

// split says which names of a copied-up inode overlayfs shows as one. In a
// user namespace it cannot follow a copy back to its origin, so a hard link
// that was made to one is an inode of its own to whoever looks.
type split uint8

const (
	Whole     split = iota
	FirstOnly       // the first name has the origin's number, the others another
	Others          // that name is gone
)

// Link is one name of an inode: the directory that holds it, and the name.
type Link struct {
	Dir  Ino
	Name string
}

// Xattrs are extended attributes, sorted by name.
type Xattrs []Xattr

// Xattr is one extended attribute.
type Xattr struct{ Name, Value string }

// Get is the value of the attribute name.
func (x Xattrs) Get(name string) (string, bool) {
	i, ok := x.find(name)
	if !ok {
		return "", false
	}
	return x[i].Value, true
}

func (x Xattrs) find(name string) (int, bool) {
	return slices.BinarySearchFunc(x, name, func(a Xattr, name string) int { return strings.Compare(a.Name, name) })
}

// With is x with the attribute name set to value.
func (x Xattrs) With(name, value string) Xattrs {
	i, ok := x.find(name)
	x = slices.Clone(x)
	if ok {
		x[i].Value = value
		return x
	}
	return slices.Insert(x, i, Xattr{name, value})
}

// Without is x with the attribute name gone.
func (x Xattrs) Without(name string) Xattrs {
	i, ok := x.find(name)
	if !ok {
		return x
	}
	return slices.Delete(slices.Clone(x), i, i+1)
}

// Type is the S_IF bits of the node's mode.
func (n *Node) Type() uint32 { return n.Mode & S_IFMT }

// IsDir says whether the node is a directory.
func (n *Node) IsDir() bool { return n.Type() == S_IFDIR }

// IsRegular says whether the node is a regular file.
func (n *Node) IsRegular() bool { return n.Type() == S_IFREG }

// IsDevice says whether it is a character or block device.
func (n *Node) IsDevice() bool { return n.Type() == S_IFCHR || n.Type() == S_IFBLK }

// IsWhiteout says whether the node is overlayfs's whiteout, a character
// device 0:0 (kernel document, "whiteouts and opaque directories").
func (n *Node) IsWhiteout() bool { return n.Type() == S_IFCHR && n.Rdev == 0 }

// Whiteout is the node that hides a name of the layers below.
func Whiteout(at int64) Node { return Node{Mode: S_IFCHR, Mtime: at, Ctime: at} }

// Size is what stat(2) gives as st_size: a file's length, a symlink's
// target's length, 4096 for a directory.
func (n *Node) Size() int64 {
	switch n.Type() {
	case S_IFREG:
		return n.Data.Size()
	case S_IFLNK:
		return int64(len(n.Target))
	case S_IFDIR:
		return 4096
	}
	return 0
}

// NewTree is a tree that has only a root, and can be edited.
func NewTree(root Node) *Tree {
	t := &Tree{Own: new(Owner), Last: RootIno}
	root.Mode, root.Nlink = root.Mode&^uint32(S_IFMT)|S_IFDIR, 2
	t.Put(RootIno, &root)
	return t
}

// emptyTree is a tree of nothing but a root directory, 0755 and root's.
func emptyTree() *Tree { return NewTree(Node{Mode: 0o755}) }

// Fork is a tree that can be edited while t stays as it is. It takes constant
// time; afterwards neither of the two owns the shared pieces.
func (t *Tree) Fork() *Tree {
	return &Tree{nodes: t.nodes, Last: t.Last, Own: new(Owner), sum: t.sum, kept: t.kept}
}

// Freeze hands out t as it stands: later edits of t copy what they change. As
// long as there are none it is the same tree each time. What was handed out
// has no owner, and is never edited.
func (t *Tree) Freeze() *Tree {
	if t.kept == nil {
		if t.sum == nil {
			t.sum = new(sum)
		}
		out := *t
		out.Own, out.kept = nil, &out
		t.Own, t.kept = new(Owner), &out
	}
	return t.kept
}

// Node is inode i; nil where there is none.
func (t *Tree) Node(i Ino) *Node { return t.nodes.Get(i) }

// Put makes n inode i; nil takes it out. The tree must be one that can be
// edited: see [Tree.Fork].
func (t *Tree) Put(i Ino, n *Node) {
	if t.Own == nil {
		panic("fs: a tree that was handed out is edited")
	}
	t.nodes.Set(t.Own, i, n)
	t.sum, t.kept = nil, nil
}

// Edit is a copy of inode i, in its place, that may be changed until the next
// call on t.
func (t *Tree) Edit(i Ino) *Node {
	n := *t.Node(i)
	t.Put(i, &n)
	return &n
}

// Child is the inode that name has in directory d; 0 where it has none.
func (t *Tree) Child(d Ino, name string) Ino { return t.Node(d).Dir.get(name) }

// Insert makes n a new inode with one name. The name must be free.
func (t *Tree) Insert(d Ino, name string, n Node) Ino {
	t.Last++
	name = strings.Clone(name) // it is part of a path, most of which is not kept
	n.First, n.more, n.Dir = Link{d, name}, nil, nil
	if n.Nlink == 0 {
		n.Nlink = 1
	}
	if n.IsDir() {
		n.Nlink = 2
	}
	t.Put(t.Last, &n)
	t.enter(d, name, t.Last)
	return t.Last
}

// enter writes name into directory d.
func (t *Tree) enter(d Ino, name string, i Ino) {
	parent := t.Edit(d)
	parent.Dir = parent.Dir.with(name, i)
	if t.Node(i).IsDir() {
		parent.Nlink++
	}
}

// leave takes name out of directory d.
func (t *Tree) leave(d Ino, name string) {
	i := t.Child(d, name)
	parent := t.Edit(d)
	parent.Dir = parent.Dir.without(name)
	if t.Node(i).IsDir() {
		parent.Nlink--
	}
}

// Link gives inode i one more name.
func (t *Tree) Link(d Ino, name string, i Ino) {
	name = strings.Clone(name)
	n := t.Edit(i)
	n.Nlink++
	n.more = append(slices.Clip(n.more), Link{d, name})
	t.enter(d, name, i)
}

// Unlink takes a name away, and with the last name the inode, unless keep.
func (t *Tree) Unlink(d Ino, name string, keep bool) {
	i := t.Child(d, name)
	t.leave(d, name)
	n := t.Edit(i)
	n.unname(Link{d, name})
	n.Nlink--
	if n.IsDir() {
		n.Nlink = 0
	}
	if n.Nlink == 0 && !keep {
		t.Put(i, nil)
	}
}

// Move renames within the tree; the new name must be free.
func (t *Tree) Move(d Ino, name string, to Ino, newName string) {
	i := t.Child(d, name)
	t.leave(d, name)
	newName = strings.Clone(newName)
	n := t.Edit(i)
	if old := (Link{d, name}); n.First == old {
		n.First = Link{to, newName}
	} else {
		n.unname(old)
		n.named(Link{to, newName})
	}
	t.enter(to, newName, i)
}

func (n *Node) unname(l Link) {
	if n.First == l {
		if n.First = (Link{}); n.Split != Whole {
			n.Split = Others
		}
		if len(n.more) > 0 {
			n.First, n.more = n.more[0], n.more[1:]
		}
		return
	}
	if i := slices.Index(n.more, l); i >= 0 {
		n.more = slices.Delete(slices.Clone(n.more), i, i+1)
	}
}

func (n *Node) named(l Link) {
	if n.First == (Link{}) {
		n.First = l
	} else {
		n.more = append(slices.Clip(n.more), l)
	}
}

// drop removes a whole subtree.
func (t *Tree) drop(d Ino, name string) {
	t.Clear(t.Child(d, name))
	t.Unlink(d, name, false)
}

// Clear removes what is in a directory.
func (t *Tree) Clear(d Ino) {
	for e := range t.Node(d).Dir.All() {
		t.drop(d, e.Name)
	}
}

// PathOf is the absolute path of an inode, by its first name.
func (t *Tree) PathOf(i Ino) string {
	var parts []string
	for i != RootIno {
		n := t.Node(i)
		if n == nil || n.First.Dir == 0 {
			return ""
		}
		parts = append(parts, n.First.Name)
		i = n.First.Dir
	}
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}

// pathsOf are all absolute paths of an inode, sorted.
func (t *Tree) pathsOf(i Ino) []string {
	if i == RootIno {
		return []string{"/"}
	}
	n := t.Node(i)
	var out []string
	for _, l := range append([]Link{n.First}, n.more...) {
		if l.Dir != 0 {
			out = append(out, path.Join(t.PathOf(l.Dir), l.Name))
		}
	}
	slices.Sort(out)
	return out
}

// Find is the inode at an absolute or relative path; symlinks and dots are
// not followed.
func (t *Tree) Find(name string) Ino {
	i := RootIno
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		if i = t.Child(i, part); i == 0 {
			return 0
		}
	}
	return i
}

// Lookup is the node at a path, nil where there is none. Symlinks are not
// followed.
func (t *Tree) Lookup(name string) *Node {
	if i := t.Find(path.Clean("/" + name)); i != 0 {
		return t.Node(i)
	}
	return nil
}

// Path is one path of a tree.
type Path struct {
	Path string // absolute
	Ino  Ino
	*Node
}

// All yields every path but the root, parents first, siblings by name.
func (t *Tree) All() iter.Seq[Path] {
	return func(yield func(Path) bool) { t.walk(RootIno, "", yield) }
}

// Few yields what a directory has right in it, siblings by name, unless that is
// more than most.
func (t *Tree) Few(dir string, most int) iter.Seq[Path] {
	return func(yield func(Path) bool) {
		i := t.Find(path.Clean("/" + dir))
		if i == 0 || t.Node(i).Dir.Len() > most {
			return
		}
		for e := range t.Node(i).Dir.All() {
			if !yield(Path{path.Join("/", dir, e.Name), e.Ino, t.Node(e.Ino)}) {
				return
			}
		}
	}
}

func (t *Tree) walk(d Ino, prefix string, yield func(Path) bool) bool {
	for e := range t.Node(d).Dir.All() {
		p := Path{prefix + "/" + e.Name, e.Ino, t.Node(e.Ino)}
		if !yield(p) || !t.walk(e.Ino, p.Path, yield) {
			return false
		}
	}
	return true
}

// Empty says whether the tree holds nothing but its root.
func (t *Tree) Empty() bool { return t.Node(RootIno).Dir.Len() == 0 }

// Root is the root directory's node.
func (t *Tree) Root() *Node { return t.Node(RootIno) }

// Bytes is the size of all that is no directory, each inode counted once: what
// docker images gives as a layer's size.
func (t *Tree) Bytes() (n int64) {
	seen := map[Ino]bool{}
	for p := range t.All() {
		if !p.IsDir() && (p.Nlink == 1 || !seen[p.Ino]) {
			seen[p.Ino] = true
			n += p.Size()
		}
	}
	return n
}

// Builder makes a Tree from its entries, in any order.
type Builder struct {
	t    *Tree
	last spotted
}

// spotted is the directory that the last entry was put into: the next one is
// mostly there or near it, and to go there from the root each time takes longer
// the deeper a tree is.
type spotted struct {
	path string
	dir  Ino
}

// NewBuilder starts with nothing but a root directory, 0755 and root's.
func NewBuilder() *Builder { return &Builder{t: emptyTree()} }

// Put sets what stands at a path. Directories that are missing above it are
// made, 0755 and root's. A directory put over a directory keeps its entries;
// anything else is replaced.
func (b *Builder) Put(name string, n Node) error {
	d, base, err := b.parent(name)
	if err != nil {
		return err
	}
	if base == "" {
		return b.putRoot(n)
	}
	old := b.t.Child(d, base)
	if old != 0 && n.IsDir() && b.t.Node(old).IsDir() {
		b.t.reattr(old, n)
		return nil
	}
	if old != 0 {
		b.t.drop(d, base)
	}
	n.Nlink = 1
	b.t.Insert(d, base, n)
	return nil
}

func (b *Builder) putRoot(n Node) error {
	if !n.IsDir() {
		return ENOTDIR
	}
	b.t.reattr(RootIno, n)
	return nil
}

// reattr gives inode i the attributes of n, and leaves its names and entries.
func (t *Tree) reattr(i Ino, n Node) {
	e := t.Edit(i)
	n.Dir, n.First, n.more, n.Nlink, n.Merged, n.Origin = e.Dir, e.First, e.more, e.Nlink, e.Merged, e.Origin
	*e = n
}

// parent finds the directory that holds name and makes it where it is missing.
func (b *Builder) parent(name string) (Ino, string, error) {
	name = path.Clean("/" + name)
	if name == "/" {
		return 0, "", nil
	}
	cut := strings.LastIndexByte(name, '/')
	dir, base := name[:cut], name[cut+1:]
	d, rest := b.near(dir)
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" {
			continue
		}
		next := b.t.Child(d, part)
		if next == 0 {
			next = b.t.Insert(d, part, Node{Mode: S_IFDIR | 0o755})
		}
		if !b.t.Node(next).IsDir() {
			return 0, "", ENOTDIR
		}
		d = next
	}
	b.last = spotted{dir, d}
	return d, base, nil
}

// near is the directory on the way to dir that is nearest to the last one, and
// the rest of the way.
func (b *Builder) near(dir string) (Ino, string) {
	at := b.last
	for at.path != "" {
		n := b.t.Node(at.dir)
		if n == nil {
			break // it was replaced
		}
		if strings.HasPrefix(dir, at.path) && (len(dir) == len(at.path) || dir[len(at.path)] == '/') {
			return at.dir, dir[len(at.path):]
		}
		at = spotted{at.path[:strings.LastIndexByte(at.path, '/')], n.First.Dir}
	}
	return RootIno, dir
}

// Link makes name another name of what stands at target.
func (b *Builder) Link(name, target string) error {
	i := b.t.Find(path.Clean("/" + target))
	if i == 0 {
		return ENOENT
	}
	if b.t.Node(i).IsDir() {
		return EPERM
	}
	d, base, err := b.parent(name)
	switch {
	case err != nil:
		return err
	case base == "":
		return EEXIST
	}
	switch old := b.t.Child(d, base); {
	case old == i:
		return nil
	case old != 0 && strings.HasPrefix(path.Clean("/"+target), path.Clean("/"+name)+"/"):
		return EINVAL // the link would replace the directory that its target is in
	case old != 0:
		b.t.drop(d, base)
	}
	b.t.Link(d, base, i)
	return nil
}

// Lookup is what stands at a path so far, nil where nothing does.
func (b *Builder) Lookup(name string) *Node { return b.t.Lookup(name) }

// Tree is what was built so far; the builder may go on.
func (b *Builder) Tree() *Tree { return b.t.Freeze() }
