package vfs

import (
	"slices"
	"strings"
	"time"
	"twinlayer/fs"
)

// Chmod sets the permission bits.
func (s *Sys) Chmod(name string, perm uint32) error {
	defer s.begin()()
	d, err := s.get(name, true)
	if err != nil {
		return err
	}
	return s.chmod(d, perm)
}

func (s *Sys) chmod(d *dentry, perm uint32) error {
	if err := s.mayChange(d); err != nil {
		return err
	}
	n, err := d.edit(sayChangesMode)
	if err != nil {
		return err
	}
	if perm &= 0o7777; !s.keepsSetgid(n) {
		perm &^= fs.S_ISGID
	}
	n.Mode = n.Type() | perm
	s.log("chmod", d.path(), sayModeSet)
	return nil
}

func (s *Sys) mayChange(d *dentry) error {
	if d.u.readOnly() {
		return fs.EROFS
	}
	if !s.owns(d.node()) {
		return fs.EPERM
	}
	return nil
}

// Chown sets the owner; -1 keeps an id. An id that the user namespace does
// not map is EINVAL (user_namespaces(7)).
func (s *Sys) Chown(name string, uid, gid int, follow bool) error {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return err
	}
	if !d.u.readOnly() && (s.unmapped(uid) || s.unmapped(gid)) {
		return fs.EINVAL
	}
	return s.chown(d, uid, gid)
}

func (s *Sys) unmapped(id int) bool { return id >= 0 && !s.IDs.Has(uint32(id)) }

func (s *Sys) chown(d *dentry, uid, gid int) error {
	switch {
	case d.u.readOnly():
		return fs.EROFS
	case !s.mayChown(d.node(), uid, gid):
		return fs.EPERM
	}
	n, err := d.edit(sayChangesOwner)
	if err != nil {
		return err
	}
	if !n.IsDir() {
		s.dropPrivileges(n)
	}
	if uid >= 0 {
		n.UID = uint32(uid)
	}
	if gid >= 0 {
		n.GID = uint32(gid)
	}
	s.log("chown", d.path(), sayOwnerSet)
	return nil
}

// mayChown says whether the process may give n these ids: its owner may
// choose among its own groups (setattr_prepare of attr.c).
func (s *Sys) mayChown(n *fs.Node, uid, gid int) bool {
	if s.capable(CAP_CHOWN) {
		return true
	}
	bare := *n
	if s.dropPrivileges(&bare); n.UID != s.UID && !n.IsDir() && bare.Mode != n.Mode {
		return false // setuid goes with any chown, and that is a chmod
	}
	sameUser := uid < 0 || n.UID == s.UID && uint32(uid) == n.UID
	sameGroup := gid < 0 || n.UID == s.UID && (uint32(gid) == n.GID || s.inGroup(uint32(gid)))
	return sameUser && sameGroup
}

func (s *Sys) inGroup(gid uint32) bool { return gid == s.GID || slices.Contains(s.Groups, gid) }

// keepsSetgid is in_group_or_capable of the kernel's inode.c.
func (s *Sys) keepsSetgid(n *fs.Node) bool { return s.inGroup(n.GID) || s.capable(CAP_FSETID) }

// dropPrivileges takes away setuid, setgid where the group may execute or is
// not the process's own, and capabilities (setattr_should_drop_suidgid of
// attr.c).
func (s *Sys) dropPrivileges(n *fs.Node) {
	n.Mode &^= fs.S_ISUID
	if n.Mode&0o010 != 0 || !s.keepsSetgid(n) {
		n.Mode &^= fs.S_ISGID
	}
	n.Xattrs = n.Xattrs.Without("security.capability")
}

// modified notes that the content changed: a new mtime, and no privileges
// that the old content had.
func (s *Sys) modified(n *fs.Node, at int64) {
	n.Mtime, n.Ctime = at, at
	if !s.Host || !s.capable(CAP_FSETID) {
		s.dropPrivileges(n)
	}
	n.Xattrs = n.Xattrs.Without("security.capability")
}

// Utimes sets the times; a zero time is left as it is. The model keeps no
// access times, but setting one changes the inode all the same.
func (s *Sys) Utimes(name string, atime, mtime time.Time, follow bool) error {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil || atime.IsZero() && mtime.IsZero() {
		return err
	}
	if err := s.mayChange(d); err != nil {
		return err
	}
	n, err := d.edit(sayChangesTimes)
	if err != nil {
		return err
	}
	if !mtime.IsZero() {
		n.Mtime = mtime.UnixNano()
	}
	s.log("utimes", d.path(), sayTimesSet)
	return nil
}

// Getxattr is the value of an extended attribute; ENODATA where there is none.
func (s *Sys) Getxattr(name, attr string, follow bool) (string, error) {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return "", err
	}
	if err := s.mayGetXattr(d.node(), attr); err != nil {
		return "", err
	}
	value, ok := d.node().Xattrs.Get(attr)
	if !ok {
		return "", fs.ENODATA
	}
	return value, nil
}

// Listxattr are the names of the extended attributes, sorted.
func (s *Sys) Listxattr(name string, follow bool) ([]string, error) {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, x := range d.node().Xattrs {
		if s.hostRoot() || !strings.HasPrefix(x.Name, "trusted.") {
			out = append(out, x.Name)
		}
	}
	return out, nil
}

// Setxattr sets an extended attribute.
func (s *Sys) Setxattr(name, attr, value string, follow bool) error {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return err
	}
	return s.setxattr(d, attr, value)
}

func (s *Sys) setxattr(d *dentry, attr, value string) error {
	if err := s.mayXattr(d, attr); err != nil {
		return err
	}
	if len(value) > fs.XattrMax {
		return fs.E2BIG
	}
	if _, err := fs.XattrSpace(attr); err != nil {
		// overlayfs leaves that answer to the file system of the copy
		if up := d.copyUp(saySetsXattr); up != nil {
			return up
		}
		return err
	}
	if !s.take(len(value)) {
		return fs.ENOSPC
	}
	n, err := d.edit(sayChangesXattr)
	if err != nil {
		return err
	}
	n.Xattrs = n.Xattrs.With(attr, value)
	s.log("setxattr", d.path(), sayXattrSet(attr))
	return nil
}

// Removexattr removes an extended attribute; ENODATA where there is none.
func (s *Sys) Removexattr(name, attr string, follow bool) error {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return err
	}
	if err := s.mayXattr(d, attr); err != nil {
		return err
	}
	if _, err := fs.XattrSpace(attr); err != nil {
		return err
	}
	if _, ok := d.node().Xattrs.Get(attr); !ok {
		return fs.ENODATA
	}
	n, err := d.edit(sayChangesXattr)
	if err != nil {
		return err
	}
	n.Xattrs = n.Xattrs.Without(attr)
	s.log("removexattr", d.path(), sayXattrRemoved(attr))
	return nil
}

// hostRoot says whether the process has CAP_SYS_ADMIN in the first user
// namespace, which trusted.* is for (xattr(7)).
func (s *Sys) hostRoot() bool { return s.Host && s.capable(CAP_SYS_ADMIN) }

// mayGetXattr checks for reading an attribute (xattr_permission of xattr.c).
func (s *Sys) mayGetXattr(n *fs.Node, attr string) error {
	space, err := fs.XattrSpace(attr)
	switch {
	case space == "trusted" && !s.hostRoot():
		return fs.ENODATA
	case space == "user" && !n.IsRegular() && !n.IsDir():
		return fs.ENODATA
	case space == "user" || err != nil:
		if denied := s.may(n, 4); denied != nil {
			return denied
		}
	}
	return err
}

// mayXattr checks for writing an attribute: user.* is for regular files and
// directories only (xattr(7)).
func (s *Sys) mayXattr(d *dentry, attr string) error {
	n := d.node()
	space, err := fs.XattrSpace(attr)
	switch {
	case d.u.readOnly():
		return fs.EROFS
	case space == "trusted" && !s.hostRoot():
		return fs.EPERM
	case space == "user" && !n.IsRegular() && !n.IsDir():
		return fs.EPERM
	case space == "user" && n.IsDir() && n.Mode&fs.S_ISVTX != 0 && !s.owns(n):
		return fs.EPERM
	case space == "user" || err != nil:
		return s.may(n, 2)
	case attr == "security.capability" && !s.capable(CAP_SETFCAP), attr != "security.capability" && !s.capable(CAP_SYS_ADMIN):
		return fs.EPERM
	}
	return nil
}

// Truncate sets the length of a file.
func (s *Sys) Truncate(name string, size int64) error {
	defer s.begin()()
	d, err := s.get(name, true)
	switch {
	case err != nil:
		return err
	case size < 0:
		return fs.EINVAL
	case d.node().IsDir():
		return fs.EISDIR
	case !d.node().IsRegular():
		return fs.EINVAL
	case d.u.readOnly():
		return fs.EROFS
	}
	if err := s.may(d.node(), 2); err != nil {
		return err
	}
	if s.busy(d) {
		return fs.ETXTBSY
	}
	return s.truncate(d, size)
}

func (s *Sys) truncate(d *dentry, size int64) error {
	n, err := d.edit(sayResizesIt)
	if err != nil {
		return err
	}
	n.Data = n.Data.Truncate(size)
	s.modified(n, d.u.clock())
	s.log("truncate", d.path(), sayLengthSet)
	return nil
}
