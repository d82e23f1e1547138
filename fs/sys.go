package fs

import (
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mounts is what a mount namespace holds: file systems at their mount points.
// The first is the root. It is safe for concurrent use by many [Sys].
type Mounts struct {
	mu   sync.Mutex
	list []Mount
}

// Mount is one file system at its mount point.
type Mount struct {
	Source  string // "overlay", "proc", …
	Target  string // absolute
	Type    string
	Options string
	FS      *Union
}

// NewMounts mounts the given file systems, the root first.
func NewMounts(list ...Mount) *Mounts { return &Mounts{list: list} }

// List are the mounts, the root first.
func (m *Mounts) List() []Mount { return m.list }

// Root is the file system at "/".
func (m *Mounts) Root() *Union { return m.list[0].FS }

// Snapshot is the mounts as they are now. It may be called from within
// [Sys.Log].
func (m *Mounts) Snapshot() *Mounts {
	out := &Mounts{list: slices.Clone(m.list)}
	for i := range out.list {
		out.list[i].FS = out.list[i].FS.Snapshot()
	}
	return out
}

// at is the union mounted at a path, if one is.
func (m *Mounts) at(target string) *Union {
	for _, mount := range slices.Backward(m.list) {
		if mount.Target == target {
			return mount.FS
		}
	}
	return nil
}

// Sys is the system calls of one process on the file systems it sees: path
// walk, permissions and errors are Linux's. The fields are set before use.
type Sys struct {
	Mounts   *Mounts
	UID, GID uint32
	Groups   []uint32
	Umask    uint32
	// IDs is how many ids its user namespace maps, from 0 on; 0: all.
	IDs uint32
	// Host says whether root is the host's root, and not only that of a user
	// namespace: it may make devices, and what it writes stays setuid
	// (CAP_MKNOD and CAP_FSETID count in the first user namespace alone).
	Host bool
	// Clock gives the time of a change.
	Clock func() time.Time
	// Log hears of every event, after it happened; the union it happened in
	// may be snapshotted then.
	Log func(Event)
}

const (
	nameMax     = 255
	pathMax     = 4096
	symlinksMax = 40
)

// begin locks the file systems for one call.
func (s *Sys) begin() func() {
	s.Mounts.mu.Lock()
	clock := func() int64 { return s.Clock().UnixNano() }
	for _, m := range s.Mounts.list {
		m.FS.clock, m.FS.logger = clock, s.Log
	}
	return s.Mounts.mu.Unlock
}

func (s *Sys) log(op, path, why string) {
	if s.Log != nil {
		s.Log(Event{op, path, why})
	}
}

func (s *Sys) rootDentry() *dentry {
	u := s.Mounts.Root()
	return &dentry{u: u, ent: u.root(), mount: true}
}

// walker resolves one path; it counts the symlinks it follows.
type walker struct {
	s     *Sys
	links int
}

// walk finds the absolute path name: the directory that holds its last part,
// that part, and what stands there (nil where nothing does). follow says
// whether a symlink there is followed.
func (s *Sys) walk(name string, follow bool) (dir *dentry, base string, found *dentry, err error) {
	if len(name) >= pathMax {
		return nil, "", nil, ENAMETOOLONG
	}
	if name == "" {
		return nil, "", nil, ENOENT
	}
	w := walker{s: s}
	return w.from(s.rootDentry(), name, follow)
}

func (w *walker) from(d *dentry, name string, follow bool) (*dentry, string, *dentry, error) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	needDir := strings.HasSuffix(name, "/")
	for i, part := range parts {
		last := i == len(parts)-1
		next, err := w.step(d, part, !last || follow || needDir)
		if last {
			return w.end(d, part, next, needDir, err)
		}
		if err != nil {
			return nil, "", nil, err
		}
		if next == nil {
			return nil, "", nil, ENOENT
		}
		d = next
	}
	return d, ".", d, nil
}

// end is the result of a walk whose last part was looked up.
func (w *walker) end(d *dentry, part string, found *dentry, needDir bool, err error) (*dentry, string, *dentry, error) {
	if err != nil {
		return nil, "", nil, err
	}
	if found != nil && needDir && !found.node().IsDir() {
		return nil, "", nil, ENOTDIR
	}
	if found != nil && found.above != nil && (found.above != d || found.name != part) {
		d, part = found.above, found.name // a symlink led elsewhere
	}
	return d, part, found, nil
}

// step goes from directory d to its entry part; nil where there is none.
func (w *walker) step(d *dentry, part string, follow bool) (*dentry, error) {
	if !d.node().IsDir() {
		return nil, ENOTDIR
	}
	if err := w.s.may(d.node(), 1); err != nil {
		return nil, err
	}
	switch {
	case part == ".":
		return d, nil
	case part == "..":
		if d.above != nil {
			return d.above, nil
		}
		return d, nil
	case len(part) > nameMax:
		return nil, ENAMETOOLONG
	}
	next, ok := d.look(part)
	if !ok {
		return nil, nil
	}
	if follow && next.node().Type() == S_IFLNK {
		return w.follow(d, next)
	}
	return w.cross(next), nil
}

// cross goes from a mount point to the root of what is mounted there.
func (w *walker) cross(d *dentry) *dentry {
	if len(w.s.Mounts.list) == 1 || !d.node().IsDir() && d.node().Type() != S_IFREG {
		return d
	}
	if u := w.s.Mounts.at(d.path()); u != nil {
		return &dentry{u: u, above: d.above, name: d.name, ent: u.root(), mount: true}
	}
	return d
}

func (w *walker) follow(d, link *dentry) (*dentry, error) {
	if w.links++; w.links > symlinksMax {
		return nil, ELOOP
	}
	target := link.node().Target
	if strings.HasPrefix(target, "/") {
		d = w.s.rootDentry()
	}
	if target == "" {
		return nil, ENOENT
	}
	_, _, found, err := w.from(d, target, true)
	return found, err
}

// get is what stands at name; ENOENT where nothing does.
func (s *Sys) get(name string, follow bool) (*dentry, error) {
	_, _, d, err := s.walk(name, follow)
	if err == nil && d == nil {
		err = ENOENT
	}
	return d, err
}

// spot is where a new entry name can be made: its directory and base name.
func (s *Sys) spot(name string) (*dentry, string, error) {
	dir, base, found, err := s.walk(strings.TrimRight(name, "/"), false)
	switch {
	case err != nil:
		return nil, "", err
	case found != nil || base == "." || base == "..":
		return nil, "", EEXIST
	case !dir.node().IsDir():
		return nil, "", ENOTDIR
	case dir.u.upper == nil:
		return nil, "", EROFS
	}
	return dir, base, s.may(dir.node(), 3)
}

// may checks the mode bits for read (4), write (2) and execute (1), as
// generic_permission does; root may all but execute what nobody may.
func (s *Sys) may(n *Node, want uint32) error {
	if s.UID == 0 {
		if want&1 != 0 && !n.IsDir() && n.Mode&0o111 == 0 {
			return EACCES
		}
		return nil
	}
	bits := n.Mode
	switch {
	case n.UID == s.UID:
		bits >>= 6
	case n.GID == s.GID || slices.Contains(s.Groups, n.GID):
		bits >>= 3
	}
	if bits&want != want {
		return EACCES
	}
	return nil
}

// owns says whether the process may change the metadata of n.
func (s *Sys) owns(n *Node) bool { return s.UID == 0 || n.UID == s.UID }

// mayRemove checks for removing d from its directory, the sticky bit too.
func (s *Sys) mayRemove(d *dentry) error {
	dir := d.above.node()
	if d.u.upper == nil {
		return EROFS
	}
	if err := s.may(dir, 3); err != nil {
		return err
	}
	if dir.Mode&S_ISVTX != 0 && !s.owns(dir) && !s.owns(d.node()) {
		return EPERM
	}
	return nil
}

func unixNano(ns int64) time.Time { return time.Unix(0, ns) }

// Stat tells of the inode at name; follow says whether of a symlink's target.
func (s *Sys) Stat(name string, follow bool) (Stat, error) {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return Stat{}, err
	}
	d.node()
	return d.u.stat(d.ent), nil
}

// Content is the content of the regular file at name, for whoever executes it.
func (s *Sys) Content(name string) (*Data, error) {
	defer s.begin()()
	d, err := s.get(name, true)
	switch {
	case err != nil:
		return nil, err
	case !d.node().IsRegular():
		return nil, EACCES
	}
	s.explainLoad(d)
	return d.node().Data, nil
}

func (s *Sys) explainLoad(d *dentry) {
	if d.u.layered() && d.up == 0 {
		s.log("load", d.path(), "the program is found in "+d.u.holder(d.inner())+" and run from there; nothing is copied")
	}
}

// Readlink is the target of a symlink.
func (s *Sys) Readlink(name string) (string, error) {
	defer s.begin()()
	d, err := s.get(name, false)
	switch {
	case err != nil:
		return "", err
	case d.node().Type() != S_IFLNK:
		return "", EINVAL
	}
	return d.node().Target, nil
}

// Access checks what the process may do with name.
func (s *Sys) Access(name string, want uint32) error {
	defer s.begin()()
	d, err := s.get(name, true)
	switch {
	case err != nil:
		return err
	case want&2 != 0 && d.u.upper == nil && d.node().Type() != S_IFCHR:
		return EROFS
	}
	return s.may(d.node(), want)
}

// Mkdir makes a directory.
func (s *Sys) Mkdir(name string, perm uint32) error {
	return s.make(name, Node{Mode: S_IFDIR | perm&0o1777&^s.Umask}, "mkdir", "a new directory")
}

// Mknod makes a fifo, a socket, a device or an empty file. In a user
// namespace no device can be made.
func (s *Sys) Mknod(name string, mode uint32, dev uint64) error {
	switch mode & S_IFMT {
	case 0, S_IFREG:
		mode, dev = mode|S_IFREG, 0
	case S_IFDIR, S_IFLNK:
		return EPERM
	case S_IFCHR, S_IFBLK:
	default:
		dev = 0
	}
	return s.make(name, Node{Mode: mode &^ s.Umask, Rdev: dev}, "create", "a new node")
}

// Symlink makes a symlink.
func (s *Sys) Symlink(target, name string) error {
	if target == "" {
		return ENOENT
	}
	return s.make(name, Node{Mode: S_IFLNK | 0o777, Target: target}, "symlink", "a new symlink")
}

func (s *Sys) make(name string, n Node, op, what string) error {
	defer s.begin()()
	dir, base, err := s.spot(name)
	switch {
	case err != nil:
		return err
	case n.isDevice() && (!s.Host || n.IsWhiteout()):
		return EPERM
	}
	_, err = s.create(dir, base, n, op, what)
	return err
}

// create makes n and tells of it. A set-group-ID directory hands down its
// group.
func (s *Sys) create(dir *dentry, base string, n Node, op, what string) (*dentry, error) {
	n.UID, n.GID = s.UID, s.GID
	if p := dir.node(); p.Mode&S_ISGID != 0 {
		n.GID = p.GID
		if n.IsDir() {
			n.Mode |= S_ISGID
		}
	}
	made, err := dir.create(base, n)
	if err != nil {
		return nil, err
	}
	s.explainMade(made, op, what)
	return made, nil
}

func (s *Sys) explainMade(d *dentry, op, what string) {
	switch {
	case !d.u.layered():
		s.log(op, d.path(), what+" in memory; it is in no layer")
	case d.node().Opaque:
		s.log("opaque", d.path(), what+" where a lower layer has hidden entries: it is marked opaque, so that they stay hidden")
	default:
		s.log(op, d.path(), what+": the container layer is the only writable one, so it goes there")
	}
}

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
	n, err := d.edit("its mode changes, and metadata is part of the file")
	if err != nil {
		return err
	}
	n.Mode = n.Type() | perm&0o7777
	s.log("chmod", d.path(), "the mode is set on the writable copy")
	return nil
}

func (s *Sys) mayChange(d *dentry) error {
	if d.u.upper == nil {
		return EROFS
	}
	if !s.owns(d.node()) {
		return EPERM
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
	if s.unmapped(uid) || s.unmapped(gid) {
		return EINVAL
	}
	return s.chown(d, uid, gid)
}

func (s *Sys) unmapped(id int) bool { return id >= 0 && s.IDs != 0 && uint32(id) >= s.IDs }

func (s *Sys) chown(d *dentry, uid, gid int) error {
	switch {
	case d.u.upper == nil:
		return EROFS
	case s.UID != 0 && !(d.node().UID == s.UID && (uid < 0 || uint32(uid) == s.UID) && (gid < 0 || uint32(gid) == s.GID)):
		return EPERM
	}
	n, err := d.edit("its owner changes, and metadata is part of the file")
	if err != nil {
		return err
	}
	n.chown(uid, gid)
	s.log("chown", d.path(), "the owner is set on the writable copy")
	return nil
}

func (n *Node) chown(uid, gid int) {
	if uid >= 0 {
		n.UID = uint32(uid)
	}
	if gid >= 0 {
		n.GID = uint32(gid)
	}
	if !n.IsDir() {
		n.dropSuid()
	}
}

// dropSuid takes setuid away, and setgid where the group may execute
// (setattr_should_drop_suidgid).
func (n *Node) dropSuid() {
	n.Mode &^= S_ISUID
	if n.Mode&0o010 != 0 {
		n.Mode &^= S_ISGID
	}
}

// modified notes that the content changed: a new mtime, and no privileges
// that the old content had.
func (s *Sys) modified(n *Node, at int64) {
	n.Mtime, n.Ctime = at, at
	if s.UID != 0 || !s.Host {
		n.dropSuid()
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
	n, err := d.edit("its times change, and metadata is part of the file")
	if err != nil {
		return err
	}
	if !mtime.IsZero() {
		n.Mtime = mtime.UnixNano()
	}
	s.log("utimes", d.path(), "the times are set on the writable copy")
	return nil
}

// xattrMax is the longest value of an extended attribute (xattr(7)).
const xattrMax = 64 << 10

// Getxattr is the value of an extended attribute; ENODATA where there is none.
func (s *Sys) Getxattr(name, attr string, follow bool) (string, error) {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return "", err
	}
	value, ok := d.node().Xattrs.Get(attr)
	if !ok {
		return "", ENODATA
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
		out = append(out, x.Name)
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
	if len(value) > xattrMax {
		return E2BIG
	}
	n, err := d.edit("an extended attribute changes, and metadata is part of the file")
	if err != nil {
		return err
	}
	n.Xattrs = n.Xattrs.With(attr, value)
	s.log("setxattr", d.path(), attr+" is set on the writable copy")
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
	if _, ok := d.node().Xattrs.Get(attr); !ok {
		return ENODATA
	}
	n, err := d.edit("an extended attribute changes, and metadata is part of the file")
	if err != nil {
		return err
	}
	n.Xattrs = n.Xattrs.Without(attr)
	s.log("removexattr", d.path(), attr+" is removed from the writable copy")
	return nil
}

// mayXattr checks for writing an attribute: user.* is for regular files and
// directories only (xattr(7)).
func (s *Sys) mayXattr(d *dentry, attr string) error {
	n := d.node()
	space, _, dotted := strings.Cut(attr, ".")
	switch {
	case d.u.upper == nil:
		return EROFS
	case !dotted || !slices.Contains([]string{"user", "security", "trusted", "system"}, space):
		return EOPNOTSUPP
	case space == "user" && !n.IsRegular() && !n.IsDir():
		return EPERM
	case space == "user":
		return s.may(n, 2)
	case s.UID != 0:
		return EPERM
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
		return EINVAL
	case d.node().IsDir():
		return EISDIR
	case !d.node().IsRegular():
		return EINVAL
	case d.u.upper == nil:
		return EROFS
	}
	if err := s.may(d.node(), 2); err != nil {
		return err
	}
	return s.truncate(d, size)
}

func (s *Sys) truncate(d *dentry, size int64) error {
	n, err := d.edit("its length changes")
	if err != nil {
		return err
	}
	n.Data = n.Data.Truncate(size)
	s.modified(n, d.u.clock())
	s.log("truncate", d.path(), "the length is set on the writable copy")
	return nil
}
