package vfs

import "twinlayer/fs"

// Link gives the inode at old another name.
func (s *Sys) Link(old, name string) error {
	defer s.begin()()
	d, err := s.get(old, false)
	if err != nil {
		return err
	}
	p, err := s.vacant(name, false)
	if err != nil {
		return err
	}
	if err := s.mayLink(d, p.dir); err != nil {
		return err
	}
	if err := d.linkTo(p.dir, p.name, !s.Host); err != nil {
		return err
	}
	s.log("link", p.path(), sayLinked(d.path()))
	return nil
}

// mayLink checks for a new name of d in directory dir.
func (s *Sys) mayLink(d, dir *dentry) error {
	switch n := d.node(); {
	case d.u != dir.u:
		return fs.EXDEV
	case s.Protected.Hardlinks != 0 && !s.owns(n) && !s.safeToLink(n):
		return fs.EPERM
	}
	if err := s.may(dir.node(), 3); err != nil {
		return err
	}
	if d.node().IsDir() {
		return fs.EPERM
	}
	return nil
}

// safeToLink says whether another user may link n (safe_hardlink_source of
// namei.c).
func (s *Sys) safeToLink(n *fs.Node) bool {
	return n.IsRegular() && n.Mode&fs.S_ISUID == 0 && n.Mode&(fs.S_ISGID|0o010) != fs.S_ISGID|0o010 && s.may(n, 6) == nil
}

// Unlink removes a name that is no directory.
func (s *Sys) Unlink(name string) error {
	defer s.begin()()
	p, err := s.spot(name)
	switch {
	case err != nil:
		return err
	case !p.ordinary():
		return fs.EISDIR
	}
	d, err := s.removable(p)
	switch {
	case err != nil:
		return err
	case p.slash && d.node().IsDir():
		return fs.EISDIR
	case p.slash:
		return fs.ENOTDIR
	}
	return s.remove(d, false)
}

// Rmdir removes an empty directory.
func (s *Sys) Rmdir(name string) error {
	defer s.begin()()
	p, err := s.spot(name)
	if err != nil {
		return err
	}
	switch p.name {
	case "":
		return fs.EBUSY
	case ".":
		return fs.EINVAL
	case "..":
		return fs.ENOTEMPTY
	}
	d, err := s.removable(p)
	if err != nil {
		return err
	}
	return s.remove(d, true)
}

// removable is what stands at p and could be removed.
func (s *Sys) removable(p spot) (*dentry, error) {
	w := walker{s: s}
	d, err := w.last(p)
	switch {
	case err != nil:
		return nil, err
	case p.dir.u.readOnly():
		return nil, fs.EROFS
	case d == nil:
		return nil, fs.ENOENT
	}
	return d, nil
}

func (s *Sys) remove(d *dentry, dir bool) error {
	if err := s.mayRemove(d, dir); err != nil {
		return err
	}
	switch {
	case d.mount:
		return fs.EBUSY
	case dir && !d.u.empty(d.ent):
		return fs.ENOTEMPTY
	case dir:
		return d.remove("rmdir")
	}
	return d.remove("unlink")
}

// The flags of Rename2 (renameat2(2)).
const (
	RenameNoReplace = 1
	RenameExchange  = 2
	RenameWhiteout  = 4
)

// Rename moves old to name, replacing what is there as rename(2) does.
func (s *Sys) Rename(old, name string) error { return s.Rename2(old, name, 0) }

// Rename2 is Rename with flags; overlayfs knows no RenameWhiteout. What is
// checked first is as in do_renameat2 and vfs_rename of the kernel.
func (s *Sys) Rename2(old, name string, flags int) error {
	defer s.begin()()
	if flags&RenameExchange != 0 && flags != RenameExchange {
		return fs.EINVAL
	}
	from, err := s.spot(old)
	if err != nil {
		return err
	}
	to, err := s.spot(name)
	switch {
	case err != nil:
		return err
	case from.dir.u != to.dir.u:
		return fs.EXDEV
	case from.ordinary() && !to.ordinary() && flags&RenameNoReplace != 0:
		return fs.EEXIST
	case !from.ordinary() || !to.ordinary():
		return fs.EBUSY
	}
	d, err := s.removable(from)
	if err != nil {
		return err
	}
	w := walker{s: s}
	there, err := w.last(to)
	if err != nil {
		return err
	}
	return s.rename(renameCall{d, from, to, there, flags})
}

// renameCall is a rename whose names have been looked up.
type renameCall struct {
	d        *dentry
	from, to spot
	there    *dentry // what to names; nil: nothing
	flags    int
}

func (s *Sys) rename(r renameCall) error {
	if err := r.possible(); err != nil {
		return err
	}
	if r.there != nil && r.d.same(r.there) {
		return nil // two names of one inode: nothing to do (rename(2))
	}
	if err := s.mayRename(r); err != nil {
		return err
	}
	switch {
	case r.d.mount || r.there != nil && r.there.mount:
		return fs.EBUSY
	case r.there != nil && r.d.twin(r.there):
		return fs.ESTALE
	case r.flags&RenameExchange != 0:
		return r.d.exchange(r.there)
	case r.flags&RenameWhiteout != 0:
		return fs.EINVAL
	case r.d.node().IsDir() && r.d.lo != 0:
		return fs.EXDEV // redirect_dir is off
	case r.there != nil && r.there.node().IsDir() && !r.there.u.empty(r.there.ent):
		return r.notEmpty()
	}
	return r.d.rename(r.to.dir, r.to.name)
}

// notEmpty is how a rename over a directory with entries ends. One that is
// only in the writable layer overlayfs leaves to the file system there, and
// has by then marked the moved directory opaque.
func (r renameCall) notEmpty() error {
	if r.d.node().IsDir() && r.there.lo == 0 && r.to.dir.lo != 0 {
		r.d.u.upper.Edit(r.d.up).Opaque = true
	}
	return fs.ENOTEMPTY
}

// possible is what do_renameat2 checks.
func (r renameCall) possible() error {
	exchange := r.flags&RenameExchange != 0
	switch {
	case r.there != nil && r.flags&RenameNoReplace != 0:
		return fs.EEXIST
	case exchange && r.there == nil:
		return fs.ENOENT
	case exchange && r.to.slash && !r.there.node().IsDir():
		return fs.ENOTDIR
	case !r.d.node().IsDir() && (r.from.slash || !exchange && r.to.slash):
		return fs.ENOTDIR
	case within(r.to.dir, r.d):
		return fs.EINVAL
	case r.there != nil && within(r.from.dir, r.there) && exchange:
		return fs.EINVAL
	case r.there != nil && within(r.from.dir, r.there):
		return fs.ENOTEMPTY
	}
	return nil
}

// mayRename is what vfs_rename checks. A directory that gets another parent
// has its ".." written.
func (s *Sys) mayRename(r renameCall) error {
	isDir := r.d.node().IsDir()
	if err := s.mayRemove(r.d, isDir); err != nil {
		return err
	}
	exchange := r.flags&RenameExchange != 0
	if err := s.mayReplace(r, isDir && !exchange || exchange && r.there.node().IsDir()); err != nil {
		return err
	}
	if r.from.dir.node() == r.to.dir.node() {
		return nil
	}
	if isDir {
		if err := s.may(r.d.node(), 2); err != nil {
			return err
		}
	}
	if exchange && r.there.node().IsDir() {
		return s.may(r.there.node(), 2)
	}
	return nil
}

// mayReplace checks for a name to be made, or taken from what has it.
func (s *Sys) mayReplace(r renameCall, dir bool) error {
	if r.there == nil {
		return s.may(r.to.dir.node(), 3)
	}
	return s.mayRemove(r.there, dir)
}

// within says whether directory d is or lies below of.
func within(d, of *dentry) bool {
	for ; d != nil; d = d.above {
		if d.u == of.u && d.node() == of.node() {
			return true
		}
	}
	return false
}
