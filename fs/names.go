package fs

import (
	"path"
	"strings"
)

// Link gives the inode at old another name.
func (s *Sys) Link(old, name string) error {
	defer s.begin()()
	d, err := s.get(old, false)
	if err != nil {
		return err
	}
	dir, base, err := s.spot(name)
	switch {
	case err != nil:
		return err
	case d.node().IsDir():
		return EPERM
	case d.u != dir.u:
		return EXDEV
	}
	if err := d.linkTo(dir, base); err != nil {
		return err
	}
	s.log("link", path.Join(dir.path(), base), "one more name for the inode of "+d.path())
	return nil
}

// Unlink removes a name that is no directory.
func (s *Sys) Unlink(name string) error {
	defer s.begin()()
	d, err := s.removable(name)
	switch {
	case err != nil:
		return err
	case d.node().IsDir():
		return EISDIR
	case strings.HasSuffix(name, "/"):
		return ENOTDIR
	}
	return d.remove("unlink")
}

// Rmdir removes an empty directory.
func (s *Sys) Rmdir(name string) error {
	if path.Base(name) == "." {
		return EINVAL
	}
	defer s.begin()()
	d, err := s.removable(name)
	switch {
	case err != nil:
		return err
	case !d.node().IsDir():
		return ENOTDIR
	case !d.u.empty(d.ent) || path.Base(name) == "..":
		return ENOTEMPTY
	}
	return d.remove("rmdir")
}

func (s *Sys) removable(name string) (*dentry, error) {
	d, err := s.get(strings.TrimRight(name, "/"), false)
	switch {
	case err != nil:
		return nil, err
	case d.above == nil || d.mount:
		return nil, EBUSY
	}
	return d, s.mayRemove(d)
}

// The flags of Rename2 (renameat2(2)).
const (
	RenameNoReplace = 1
	RenameExchange  = 2
	RenameWhiteout  = 4
)

// Rename moves old to name, replacing what is there as rename(2) does.
func (s *Sys) Rename(old, name string) error { return s.Rename2(old, name, 0) }

// Rename2 is Rename with flags; overlayfs knows no RenameWhiteout.
func (s *Sys) Rename2(old, name string, flags int) error {
	defer s.begin()()
	_, _, _, err := s.walk(strings.TrimRight(old, "/"), false)
	if err != nil {
		return err
	}
	dir, base, there, err := s.walk(strings.TrimRight(name, "/"), false)
	if err != nil {
		return err
	}
	d, err := s.removable(old)
	switch {
	case err != nil:
		return err
	case !d.node().IsDir() && (strings.HasSuffix(old, "/") || strings.HasSuffix(name, "/")):
		return ENOTDIR
	case flags&RenameExchange != 0 && flags != RenameExchange:
		return EINVAL
	case dir.u != d.u || there != nil && there.mount:
		return EXDEV
	case flags&RenameNoReplace != 0 && there != nil:
		return EEXIST
	case flags&RenameExchange != 0 && there == nil:
		return ENOENT
	case within(dir, d):
		return EINVAL
	case there != nil && within(d.above, there) && flags&RenameExchange != 0:
		return EINVAL
	case there != nil && within(d.above, there):
		return ENOTEMPTY
	case there != nil && d.same(there):
		return nil // two names of one inode: nothing to do (rename(2))
	}
	if err := s.may(dir.node(), 3); err != nil {
		return err
	}
	switch {
	case flags&RenameExchange != 0:
		return s.exchange(d, there)
	case flags&RenameWhiteout != 0:
		return s.renameWhiteout(d, there)
	}
	if there != nil {
		if err := s.replaceable(d, there); err != nil {
			return err
		}
	}
	return d.rename(dir, base)
}

// renameWhiteout is what overlayfs does not know, once all else was checked.
func (s *Sys) renameWhiteout(d, there *dentry) error {
	if there != nil {
		if err := s.replaceable(d, there); err != nil && err != ENOTEMPTY && err != EXDEV {
			return err
		}
	}
	return EINVAL
}

func (s *Sys) exchange(a, b *dentry) error {
	if err := s.mayRemove(b); err != nil {
		return err
	}
	return a.exchange(b)
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

func (s *Sys) replaceable(d, old *dentry) error {
	if err := s.mayRemove(old); err != nil {
		return err
	}
	isDir, overDir := d.node().IsDir(), old.node().IsDir()
	switch {
	case isDir && !overDir:
		return ENOTDIR
	case !isDir && overDir:
		return EISDIR
	case isDir && d.lo != 0:
		return EXDEV // redirect_dir is off
	case overDir && !old.u.empty(old.ent):
		return ENOTEMPTY
	}
	return nil
}
