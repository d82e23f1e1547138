package fs

// Merge is what overlayfs shows of a stack of read-only layers, bottom first.
// The bottom layer is shared whole, so that merging costs what the layers
// above it hold.
//
// As in the kernel: the topmost directory gives the attributes, a whiteout or
// a file of a middle layer cuts off all below, and a whiteout inside a
// directory that only one layer has stays there, listed but not found.
func Merge(layers ...*Tree) *Tree {
	if len(layers) == 0 {
		return emptyTree().Freeze()
	}
	out := layers[0].Fork()
	for _, layer := range layers[1:] {
		m := merger{out, layer, map[Ino]Ino{}}
		m.dir(RootIno, RootIno)
	}
	return out.Freeze()
}

type merger struct {
	out, layer *Tree
	links      map[Ino]Ino // hard-linked inodes of layer, in out
}

// dir lays the layer's directory from over out's directory to.
func (m *merger) dir(from, to Ino) {
	top := *m.layer.Node(from)
	if top.Opaque {
		m.replace(&top, to)
		return
	}
	m.strays(to)
	m.out.reattr(to, top)
	n := m.out.Edit(to)
	n.Opaque, n.Merged = false, true
	n.Xattrs = n.Xattrs.withoutOverlay()
	for e := range top.Dir.All() {
		if top.hidesByXattr() && m.layer.Node(e.Ino).isXattrWhiteout() {
			m.remove(to, e.Name)
			continue
		}
		m.entry(e, to)
	}
}

// The two ways of writing overlayfs's own attributes: as root, and with the
// mount option userxattr.
var overlayXattrs = []string{"trusted.overlay.", "user.overlay."}

// overlay is one of overlayfs's own attributes.
func (x Xattrs) overlay(name string) string {
	for _, prefix := range overlayXattrs {
		if v, ok := x.Get(prefix + name); ok {
			return v
		}
	}
	return ""
}

// withoutOverlay is x as the union shows it.
func (x Xattrs) withoutOverlay() Xattrs {
	for _, prefix := range overlayXattrs {
		for _, name := range []string{"opaque", "whiteout"} {
			x = x.Without(prefix + name)
		}
	}
	return x
}

// hidesByXattr says whether empty files with an attribute are whiteouts in
// this directory (kernel document, "whiteouts and opaque directories").
func (n *Node) hidesByXattr() bool { return n.Xattrs.overlay("opaque") == "x" }

func (n *Node) isXattrWhiteout() bool {
	return n.IsRegular() && n.Size() == 0 && n.Xattrs.overlay("whiteout") != ""
}

// replace puts an opaque directory in the place of out's directory to: what
// it holds is all there is, and it is no merged one.
func (m *merger) replace(top *Node, to Ino) {
	m.empty(to)
	m.out.reattr(to, *top)
	n := m.out.Edit(to)
	n.Opaque, n.Merged = false, false
	n.Xattrs = n.Xattrs.withoutOverlay()
	for e := range top.Dir.All() {
		m.add(e, to)
	}
}

// strays takes whiteouts out of a directory that turns out to be merged:
// there the kernel lists none.
func (m *merger) strays(d Ino) {
	for e := range m.out.Node(d).Dir.All() {
		if m.out.Node(e.Ino).IsWhiteout() {
			m.out.drop(d, e.Name)
		}
	}
}

func (m *merger) empty(d Ino) {
	for e := range m.out.Node(d).Dir.All() {
		m.remove(d, e.Name)
	}
}

func (m *merger) entry(e Entry, to Ino) {
	n, below := m.layer.Node(e.Ino), m.out.Child(to, e.Name)
	if below != 0 && n.IsDir() && m.out.Node(below).IsDir() {
		m.dir(e.Ino, below)
		return
	}
	m.remove(to, e.Name)
	if !n.IsWhiteout() {
		m.add(e, to)
	}
}

// remove takes a name away, if it is there, and all below it. Other names of
// the inodes do not hear of it: an inode of a lower layer keeps its link
// count.
func (m *merger) remove(d Ino, name string) {
	i := m.out.Child(d, name)
	if i == 0 {
		return
	}
	m.empty(i)
	nlink := m.out.Node(i).Nlink
	m.out.Unlink(d, name, false)
	if m.out.Node(i) != nil {
		m.out.Edit(i).Nlink = nlink
	}
}

// add puts the layer's entry, with all below it, where nothing stands.
func (m *merger) add(e Entry, to Ino) {
	n := m.layer.Node(e.Ino)
	if known, ok := m.links[e.Ino]; ok {
		m.out.Link(to, e.Name, known)
		m.out.Edit(known).Nlink = n.Nlink
		return
	}
	copied := *n
	copied.Opaque, copied.Origin = false, 0
	i := m.out.Insert(to, e.Name, copied)
	if !n.IsDir() {
		m.out.Edit(i).Nlink = n.Nlink
		if n.Nlink > 1 {
			m.links[e.Ino] = i
		}
	}
	for kid := range n.Dir.All() {
		m.add(kid, i)
	}
}
