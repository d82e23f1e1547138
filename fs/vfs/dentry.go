package vfs

import (
	"slices"
	"strings"
	"twinlayer/fs"
)

// dentry is a name in a directory of a union, as a path walk found it.
type dentry struct {
	u     *Union
	above *dentry // the directory; nil at the root of all
	name  string
	ent
	mount bool // a mount point: the root of u, covering name in above
	alias bool // one of the names that [split] sets apart
}

// stat is what stat(2) tells: inode numbers outlive a copy-up, and merged
// directories have one link.
func (d *dentry) stat() fs.Stat {
	n, e := d.node(), d.ent
	s := fs.Stat{
		Ino: uint64(d.number()), Nlink: uint64(n.Nlink), Mode: n.Mode, UID: n.UID, GID: n.GID,
		Rdev: n.Rdev, Size: n.Size(), Mtime: unixNano(n.Mtime), Ctime: unixNano(n.Ctime),
	}
	s.Atime = s.Mtime
	switch {
	case n.IsDir() && d.u.lower == nil: // tmpfs counts 20 bytes an entry
		s.Size = 20 * int64(2+n.Dir.Len())
	case n.IsDir() && d.u.upper == nil: // as proc and sysfs, which count nothing
		s.Size = 0
	case n.IsDir():
		s.Blocks = 8
		if e.lo != 0 && (e.up != 0 || n.Merged) {
			s.Nlink = 1
		}
	case n.IsRegular():
		s.Blocks = (n.Data.Stored() + 4095) / 4096 * 8
	}
	return s
}

func (d *dentry) number() fs.Ino {
	u, e := d.u, d.ent
	if e.lo != 0 {
		return e.lo
	}
	if n := u.upper.Node(e.up); n.Origin != 0 && !n.Broken && !d.alias {
		return n.Origin
	}
	if u.lower == nil {
		return e.up
	}
	return u.lower.Last + e.up
}

// path is the absolute path of d in its mount namespace.
func (d *dentry) path() string {
	if d.above == nil {
		return "/"
	}
	var parts []string
	for ; d.above != nil; d = d.above {
		parts = append(parts, d.name)
	}
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}

// inner is the absolute path of d inside its own union.
func (d *dentry) inner() string {
	var parts []string
	for ; d.above != nil && !d.mount; d = d.above {
		parts = append(parts, d.name)
	}
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}

func (d *dentry) node() *fs.Node {
	d.refresh()
	return d.u.node(d.ent)
}

// refresh takes in what has happened to d since it was looked up.
func (d *dentry) refresh() {
	if d.ent = d.u.now(d.ent); d.up != 0 || d.above == nil || d.u.upper == nil {
		return
	}
	if up := d.u.broken[fs.Link{Dir: d.above.lo, Name: d.name}]; up != 0 && d.u.upper.Node(up) != nil {
		d.ent = ent{up: up}
	}
}

// look finds name in directory d.
func (d *dentry) look(name string) (*dentry, bool) {
	d.ent = d.u.now(d.ent)
	e, ok := d.u.child(d.ent, name)
	found := &dentry{u: d.u, above: d, name: name, ent: e}
	if ok && e.up != 0 {
		n := d.u.upper.Node(e.up)
		found.alias = n.Split == fs.Others || n.Split == fs.FirstOnly && n.First != fs.Link{Dir: d.up, Name: name}
	}
	return found, ok
}

// copyUp brings d into the writable layer, its parents first, and says why.
// Metadata, content and mtime come along; the directories' times are kept
// (kernel document, "Non-directories").
func (d *dentry) copyUp(why fs.Phrase) error {
	u := d.u
	if u.upper == nil {
		return fs.EROFS
	}
	if d.ent = u.now(d.ent); d.up != 0 {
		return nil
	}
	if err := d.above.copyUp(sayMakesRoom(d.name)); err != nil {
		return err
	}
	lower := u.lower.Node(d.lo)
	n := *lower
	n.Ctime, n.Nlink, n.Origin, n.Merged, n.Opaque = u.clock(), 0, d.lo, false, false
	n.Broken = !n.IsDir() && lower.Nlink > 1
	up := u.upper.Insert(d.above.up, d.name, n)
	if n.Broken {
		u.broken[fs.Link{Dir: d.above.lo, Name: d.name}] = up
	} else {
		u.copied.Set(u.upper.Own, d.lo, up)
	}
	d.up = up
	if !n.IsDir() {
		d.lo = 0
	}
	u.log("copy-up", d.path(), sayCopiedUp(kindOf(lower), u.holder(d.inner()), why))
	return nil
}

func kindOf(n *fs.Node) fs.Phrase {
	switch n.Type() {
	case fs.S_IFDIR:
		return sayTheDirectory
	case fs.S_IFLNK:
		return sayTheSymlink
	case fs.S_IFREG:
		return sayTheFile
	}
	return sayTheNode
}

// touch sets the times of directory d, whose entries changed.
func (d *dentry) touch() {
	n := d.u.upper.Edit(d.up)
	n.Mtime = d.u.clock()
	n.Ctime = n.Mtime
}

// free takes away what the writable layer has under name in d: a whiteout, or
// a directory holding nothing but whiteouts. It says whether it was a
// whiteout.
func (d *dentry) free(name string) (whiteout bool) {
	up := d.u.upper.Child(d.up, name)
	if up == 0 {
		return false
	}
	whiteout = d.u.upper.Node(up).IsWhiteout()
	d.u.upper.Clear(up)
	d.u.upper.Unlink(d.up, name, d.u.inUse(up))
	return whiteout
}

// create makes n under name in directory d, where nothing is visible.
func (d *dentry) create(name string, n fs.Node) (*dentry, error) {
	if err := d.copyUp(sayCreatesIn); err != nil {
		return nil, err
	}
	n.Mtime = d.u.clock()
	n.Ctime = n.Mtime
	// mkdir over a whiteout must not let the hidden directory show through
	n.Opaque = d.free(name) && n.IsDir()
	made := &dentry{u: d.u, above: d, name: name, ent: ent{up: d.u.upper.Insert(d.up, name, n)}}
	d.touch()
	return made, nil
}

// remove takes d's name away and leaves a whiteout where a lower layer would
// show through.
func (d *dentry) remove(op string) error {
	dir := d.above
	if err := dir.copyUp(sayDeletesIn); err != nil {
		return err
	}
	d.ent = d.u.now(d.ent)
	what := kindOf(d.node())
	hides := d.u.below(dir.ent, d.name) != 0
	copied := d.up != 0
	dir.free(d.name)
	if hides {
		d.u.upper.Insert(dir.up, d.name, fs.Whiteout(d.u.clock()))
	}
	dir.touch()
	d.explainRemoval(op, what, hides, copied)
	return nil
}

func (d *dentry) explainRemoval(op string, what fs.Phrase, hides, copied bool) {
	switch {
	case !d.u.layered():
		d.u.log(op, d.path(), sayGoneFromMemory(what))
	case !hides:
		d.u.log(op, d.path(), sayGoneFromUpper(what))
	case copied:
		d.u.log("whiteout", d.path(), sayCopyHidden(what, d.u.holder(d.inner())))
	default:
		d.u.log("whiteout", d.path(), sayHidden(what, d.u.holder(d.inner())))
	}
}

// rename moves d to name in directory to, over what is there.
func (d *dentry) rename(to *dentry, name string) error {
	u, n := d.u, d.node()
	if n.IsDir() && d.lo != 0 {
		return fs.EXDEV // redirect_dir is off
	}
	from := d.above
	if err := from.copyUp(sayRenamesIn); err != nil {
		return err
	}
	if err := d.copyUp(sayRenamesIt); err != nil {
		return err
	}
	if err := to.copyUp(sayRenamesInto); err != nil {
		return err
	}
	hides := u.below(from.ent, d.name) != 0
	to.free(name)
	u.upper.Move(from.up, d.name, to.up, name)
	if n.IsDir() && to.lo != 0 {
		u.upper.Edit(d.up).Opaque = true
	}
	u.upper.Edit(d.up).Ctime = u.clock()
	if hides {
		u.upper.Insert(from.up, d.name, fs.Whiteout(u.clock()))
	}
	from.touch()
	to.touch()
	moved := &dentry{u: u, above: to, name: name, ent: d.ent}
	d.explainRename(moved.path(), hides)
	return nil
}

// exchange swaps what d and o name.
func (d *dentry) exchange(o *dentry) error {
	for _, x := range []*dentry{d, o} {
		if x.node().IsDir() && x.lo != 0 {
			return fs.EXDEV // redirect_dir is off
		}
	}
	for _, x := range []*dentry{d.above, d, o.above, o} {
		if err := x.copyUp(sayRenamesIt); err != nil {
			return err
		}
	}
	up := d.u.upper
	const spare = "\x00" // no file has this name
	up.Move(d.above.up, d.name, d.above.up, spare)
	up.Move(o.above.up, o.name, d.above.up, d.name)
	up.Move(d.above.up, spare, o.above.up, o.name)
	for x, to := range map[*dentry]*dentry{d: o.above, o: d.above} {
		n := up.Edit(x.up)
		n.Ctime = d.u.clock()
		n.Opaque = n.Opaque || n.IsDir() && to.lo != 0
	}
	d.above.touch()
	o.above.touch()
	d.u.log("exchange", d.path(), sayExchanged(o.path()))
	return nil
}

// same says whether o is the same name, or the same inode of the writable
// layer. Two names of one lower inode are two inodes to overlayfs.
func (d *dentry) same(o *dentry) bool {
	return d.path() == o.path() || d.twin(o) && d.alias == o.alias
}

// twin says whether the writable layer has one inode for both.
func (d *dentry) twin(o *dentry) bool {
	a, b := d.u.now(d.ent), d.u.now(o.ent)
	return a.up != 0 && a.up == b.up
}

func (d *dentry) explainRename(to string, hides bool) {
	d.u.log("rename", to, sayRenamed(kindOf(d.u.node(d.ent)), d.path()))
	if hides {
		d.u.log("whiteout", d.path(), sayOldNameHidden(d.u.holder(d.inner())))
	}
}

// linkTo gives d another name in directory to; apart says that a copy's
// origin cannot be followed.
func (d *dentry) linkTo(to *dentry, name string, apart bool) error {
	if err := d.copyUp(sayLinksIt); err != nil {
		return err
	}
	if err := to.copyUp(sayCreatesIn); err != nil {
		return err
	}
	to.free(name)
	d.u.upper.Link(to.up, name, d.up)
	n := d.u.upper.Edit(d.up)
	n.Ctime = d.u.clock()
	if apart && n.Origin != 0 && !n.Broken && n.Split == fs.Whole {
		n.Split = fs.FirstOnly
	}
	to.touch()
	return nil
}

// edit is d's inode in the writable layer, to be changed; ctime is now.
func (d *dentry) edit(why fs.Phrase) (*fs.Node, error) {
	if err := d.copyUp(why); err != nil {
		return nil, err
	}
	n := d.u.upper.Edit(d.up)
	n.Ctime = d.u.clock()
	return n, nil
}
