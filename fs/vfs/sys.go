package vfs

import (
	"slices"
	"sync"
	"time"
	"twinlayer/fs"
)

// Mounts is what a mount namespace holds: file systems at their mount points.
// The first is the root. It is safe for concurrent use by many [Sys].
type Mounts struct {
	mu   sync.Mutex
	list []Mount
	kept *Mounts // the snapshot that was taken last
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

// Snapshot is the mounts as they are now, for good; see [Union.Snapshot]. It
// may be called from within [Sys.Log].
func (m *Mounts) Snapshot() *Mounts {
	if m.kept == nil || !slices.EqualFunc(m.list, m.kept.list, func(now, kept Mount) bool { return now.FS.Snapshot() == kept.FS }) {
		m.kept = m.each((*Union).Snapshot)
		m.kept.kept = m.kept
	}
	return m.kept
}

// Fork is mounts that begin as m is now, and are changed by themselves.
func (m *Mounts) Fork() *Mounts {
	out := m.each((*Union).Fork)
	out.kept = m.Snapshot()
	return out
}

func (m *Mounts) each(do func(*Union) *Union) *Mounts {
	out := &Mounts{list: slices.Clone(m.list)}
	for i := range out.list {
		out.list[i].FS = do(out.list[i].FS)
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
	Dropped  Capabilities // that root lacks
	IDs      fs.IDMap     // of its user namespace
	// Host says whether root is the host's root, and not only that of a user
	// namespace: it may make devices, and what it writes stays setuid
	// (CAP_MKNOD and CAP_FSETID count in the first user namespace alone).
	Host bool
	// Protected is what the kernel forbids in directories that all may write.
	Protected Protected
	// Running are the programs that run in this mount namespace; nil: none.
	Running func() []Text
	// Beyond hears of a path that only the real world can tell about: in a
	// file system that holds more than is known of it (see [NewPartial]).
	Beyond func(path string)
	// Take asks for so many bytes of memory, which files are kept in: where
	// there is no room for them the disk is full (ENOSPC). nil: there always is.
	// It is called while the file systems are locked.
	Take func(n int64) bool
	// Pipes are the fifos that are open; nil: nobody is at their other end.
	Pipes *Pipes
	// Done ends the waiting for a fifo's other end (EINTR).
	Done <-chan struct{}
	// Clock gives the time of a change.
	Clock func() time.Time
	// Log hears of every event, after it happened; the union it happened in
	// may be snapshotted then.
	Log func(fs.Event)

	dir *dentry // the working directory; nil: the root
}

// Protected is the sysctls fs.protected_* (kernel document, sysctl/fs.rst):
// what keeps users from being tricked with names in /tmp. They bind root too.
type Protected struct {
	Hardlinks, Symlinks int // 1: only to what one owns, or may read and write
	Fifos, Regular      int // 1: no O_CREAT of others' files in /tmp; 2: nor where only a group may write
}

// begin locks the file systems for one call.
func (s *Sys) begin() func() {
	s.Mounts.mu.Lock()
	clock := func() int64 { return s.Clock().UnixNano() }
	for _, m := range s.Mounts.list {
		m.FS.clock, m.FS.logger = clock, s.Log
	}
	return s.Mounts.mu.Unlock
}

// beyond tells Beyond of a path that u might have, were all of it known.
func (s *Sys) beyond(u *Union, path string) {
	if u.partial && s.Beyond != nil {
		s.Beyond(path)
	}
}

// pieceSize is about what an inode, or one piece of a file, takes beside what
// is in it.
const pieceSize = 256

// take says whether there is room for a piece of n bytes.
func (s *Sys) take(n int) bool { return s.Take == nil || s.Take(pieceSize+int64(n)) }

func (s *Sys) log(op, path string, why fs.Phrase) {
	if s.Log != nil {
		s.Log(fs.Event{Op: op, Path: path, Why: why})
	}
}

func unixNano(ns int64) time.Time { return time.Unix(0, ns) }

// Stat tells of the inode at name; follow says whether of a symlink's target.
func (s *Sys) Stat(name string, follow bool) (fs.Stat, error) {
	defer s.begin()()
	d, err := s.get(name, follow)
	if err != nil {
		return fs.Stat{}, err
	}
	d.node()
	st := s.stat(d)
	st.Dev = s.device(d.u)
	return st, nil
}

// stat shows a file as the user namespace has it: an owner that is not mapped
// is noted in the layer, and the file on disk belongs to root there.
func (s *Sys) stat(d *dentry) fs.Stat {
	st := d.stat()
	if s.unmapped(int(st.UID)) || s.unmapped(int(st.GID)) {
		st.UID, st.GID = 0, 0
	}
	return st
}

// device numbers the mounts from 1.
func (s *Sys) device(u *Union) uint64 {
	return uint64(1 + slices.IndexFunc(s.Mounts.list, func(m Mount) bool { return m.FS == u }))
}

// Content is the content of the regular file at name, for whoever executes it.
func (s *Sys) Content(name string) (*fs.Data, error) {
	defer s.begin()()
	d, err := s.get(name, true)
	switch {
	case err != nil:
		return nil, err
	case !d.node().IsRegular():
		return nil, fs.EACCES
	}
	s.explainLoad(d)
	return d.node().Data, nil
}

func (s *Sys) explainLoad(d *dentry) {
	if d.u.layered() && d.up == 0 {
		s.log("load", d.path(), sayProgramFound(d.u.holder(d.inner())))
	}
}

// Readlink is the target of a symlink.
func (s *Sys) Readlink(name string) (string, error) {
	defer s.begin()()
	d, err := s.get(name, false)
	switch {
	case err != nil:
		return "", err
	case d.node().Type() != fs.S_IFLNK:
		return "", fs.EINVAL
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
	case want&2 != 0 && d.u.readOnly() && d.node().Type() != fs.S_IFCHR:
		return fs.EROFS
	}
	return s.may(d.node(), want)
}

// Mkdir makes a directory.
func (s *Sys) Mkdir(name string, perm uint32) error {
	return s.make(name, fs.Node{Mode: fs.S_IFDIR | perm&0o1777&^s.Umask}, "mkdir", sayANewDirectory)
}

// Mknod makes a fifo, a socket, a device or an empty file. In a user
// namespace no device can be made.
func (s *Sys) Mknod(name string, mode uint32, dev uint64) error {
	switch mode & fs.S_IFMT {
	case 0, fs.S_IFREG:
		mode, dev = mode|fs.S_IFREG, 0
	case fs.S_IFDIR, fs.S_IFLNK:
		return fs.EPERM
	case fs.S_IFCHR, fs.S_IFBLK:
	default:
		dev = 0
	}
	return s.make(name, fs.Node{Mode: mode &^ s.Umask, Rdev: dev}, "create", sayANewNode)
}

// Symlink makes a symlink.
func (s *Sys) Symlink(target, name string) error {
	if target == "" {
		return fs.ENOENT
	}
	return s.make(name, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: target}, "symlink", sayANewSymlink)
}

func (s *Sys) make(name string, n fs.Node, op string, what fs.Phrase) error {
	defer s.begin()()
	p, err := s.vacant(name, n.IsDir())
	if err != nil {
		return err
	}
	if err := s.may(p.dir.node(), 3); err != nil {
		return err
	}
	if n.IsDevice() && (!s.capable(CAP_MKNOD) || !s.Host || n.IsWhiteout()) {
		return fs.EPERM
	}
	_, err = s.create(p.dir, p.name, n, op, what)
	return err
}

// create makes n and tells of it. A set-group-ID directory hands down its
// group.
func (s *Sys) create(dir *dentry, base string, n fs.Node, op string, what fs.Phrase) (*dentry, error) {
	n.UID, n.GID = s.UID, s.GID
	if p := dir.node(); p.Mode&fs.S_ISGID != 0 {
		n.GID = p.GID
		if n.IsDir() {
			n.Mode |= fs.S_ISGID
		}
	}
	if !s.take(len(n.Target)) {
		return nil, fs.ENOSPC
	}
	made, err := dir.create(base, n)
	if err != nil {
		return nil, err
	}
	s.explainMade(made, op, what)
	return made, nil
}

func (s *Sys) explainMade(d *dentry, op string, what fs.Phrase) {
	switch {
	case !d.u.layered():
		s.log(op, d.path(), sayMadeInMemory(what))
	case d.node().Opaque:
		s.log("opaque", d.path(), sayMadeOpaque(what))
	default:
		s.log(op, d.path(), sayMade(what))
	}
}
