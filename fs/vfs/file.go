package vfs

import (
	"io"
	iofs "io/fs"
	"math/rand/v2"
	"os"
	"path"

	"twinlayer/fs"

	"github.com/spf13/afero"
)

// File is an open file of the model. It stays with its inode when the name
// goes away, and sees what is written after a copy-up.
type File struct {
	sys   *Sys
	d     *dentry
	name  string
	flag  int
	off   int64
	held  ent      // as it was opened, kept while open
	wrote int64    // bytes, told of at Close
	list  []string // of a directory, taken at the first read
	pipe  *pipe    // of a fifo
	shut  bool
}

var _ afero.File = (*File)(nil)

func writes(flag int) bool { return flag&(os.O_WRONLY|os.O_RDWR) != 0 }

// OpenFile opens an absolute path with the flags of package os, and
// [O_DIRECTORY] and [O_NOFOLLOW], as open(2) does.
func (s *Sys) OpenFile(name string, flag int, perm uint32) (*File, error) {
	f, fifo, err := s.openFile(name, flag, perm)
	if err != nil || fifo == (Text{}) {
		return f, err
	}
	// Who waits for the other end must not keep others from their files.
	if f.pipe, err = s.Pipes.join(fifo, flag, s.Done); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openFile is OpenFile but for the fifo that it has to join.
func (s *Sys) openFile(name string, flag int, perm uint32) (f *File, fifo Text, err error) {
	defer s.begin()()
	if flag&os.O_CREATE != 0 && flag&fs.O_DIRECTORY != 0 {
		return nil, fifo, fs.EINVAL
	}
	w := walker{s: s}
	p, err := w.spot(s.start(), name)
	if err != nil {
		return nil, fifo, err
	}
	d, err := w.open(p, flag, perm)
	if err != nil {
		return nil, fifo, err
	}
	if d.node().Type() == fs.S_IFIFO && s.Pipes != nil {
		fifo = s.textOf(d)
	}
	held := d.opened()
	d.u.open[held]++
	return &File{sys: s, d: d, name: name, flag: flag, held: held}, fifo, nil
}

// open opens what p names, or makes it; a symlink there leads on
// (open_last_lookups of namei.c).
func (w *walker) open(p spot, flag int, perm uint32) (*dentry, error) {
	exclusive := flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0
	if flag&os.O_CREATE != 0 && p.slash && p.ordinary() {
		return nil, fs.EISDIR
	}
	d, err := w.last(p)
	switch {
	case err != nil:
		return nil, err
	case d == nil && flag&os.O_CREATE == 0:
		return nil, fs.ENOENT
	case d == nil:
		return w.s.createFile(p, perm)
	case d.node().Type() == fs.S_IFLNK && !exclusive && (flag&fs.O_NOFOLLOW == 0 || p.slash):
		if !w.s.mayFollow(p.dir.node(), d.node()) {
			return nil, fs.EACCES
		}
		to, err := w.target(p.dir, d)
		if err != nil {
			return nil, err
		}
		to.slash = to.slash || p.slash
		return w.open(to, flag, perm)
	case exclusive:
		return nil, fs.EEXIST
	case p.slash && !d.node().IsDir():
		return nil, fs.ENOTDIR
	case flag&os.O_CREATE != 0 && !w.s.mayReopen(p.dir.node(), d.node()):
		return nil, fs.EACCES
	}
	return d, w.s.openOld(d, flag)
}

func (s *Sys) createFile(p spot, perm uint32) (*dentry, error) {
	if p.dir.u.readOnly() {
		return nil, fs.EROFS
	}
	if err := s.may(p.dir.node(), 3); err != nil {
		return nil, err
	}
	return s.create(p.dir, p.name, fs.Node{Mode: fs.S_IFREG | perm&0o7777&^s.Umask}, "create", sayANewFile)
}

// openOld checks and prepares what is there already.
func (s *Sys) openOld(d *dentry, flag int) error {
	n := d.node()
	write := writes(flag)
	switch {
	case flag&fs.O_DIRECTORY != 0 && !n.IsDir():
		return fs.ENOTDIR
	case n.IsDir() && (write || flag&(os.O_CREATE|os.O_TRUNC) != 0):
		return fs.EISDIR
	case n.Type() == fs.S_IFLNK:
		return fs.ELOOP
	case n.IsRegular() && d.u.readOnly() && (write || flag&os.O_TRUNC != 0):
		return fs.EROFS
	}
	if err := s.may(n, openWants(n, flag)); err != nil {
		return err
	}
	switch {
	case n.IsRegular():
		return s.openRegular(d, flag)
	case n.Type() == fs.S_IFSOCK || n.Type() == fs.S_IFBLK:
		return fs.ENXIO // the model has no server and no disk behind them
	case n.Type() == fs.S_IFIFO && s.Pipes == nil && flag&(os.O_WRONLY|os.O_RDWR) == os.O_WRONLY:
		return fs.ENXIO // there is no other process that could read
	}
	return nil
}

// openWants is what one must be allowed to for an open; cutting a file off is
// writing.
func openWants(n *fs.Node, flag int) uint32 {
	want := uint32(4)
	switch {
	case flag&os.O_RDWR != 0:
		want = 6
	case flag&os.O_WRONLY != 0:
		want = 2
	}
	if flag&os.O_TRUNC != 0 && n.IsRegular() {
		want |= 2
	}
	return want
}

func (s *Sys) openRegular(d *dentry, flag int) error {
	if (writes(flag) || flag&os.O_TRUNC != 0) && s.busy(d) {
		return fs.ETXTBSY
	}
	if flag&os.O_TRUNC != 0 {
		n, err := d.edit(sayOverwritesIt)
		if err == nil {
			n.Data = nil
			s.modified(n, d.u.clock())
		}
		return err
	}
	if writes(flag) {
		return d.copyUp(sayOpensForWriting)
	}
	s.explainRead(d)
	return nil
}

func (s *Sys) explainRead(d *dentry) {
	switch {
	case !d.u.layered():
		s.log("read", d.path(), sayReadFromMemory)
	case d.up != 0:
		s.log("read", d.path(), sayReadFromUpper)
	default:
		s.log("read", d.path(), sayReadFromLower(d.u.holder(d.inner())))
	}
}

func (f *File) begin() func() { return f.sys.begin() }

func (f *File) err(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &iofs.PathError{Op: op, Path: f.name, Err: err}
}

// Name is the path that the file was opened by.
func (f *File) Name() string { return f.name }

// Close ends the use of the file, and tells what was written.
func (f *File) Close() error {
	if f.shut {
		return f.err("close", fs.EBADF)
	}
	defer f.begin()()
	f.shut = true
	if f.pipe != nil {
		f.pipe.leave(f.flag)
	}
	if f.wrote > 0 {
		f.sys.log("write", f.d.path(), sayWrote(f.wrote, place(f.d.u)))
	}
	f.d.u.release(f.held)
	return nil
}

func place(u *Union) fs.Phrase {
	if u.layered() {
		return sayContainerLayer
	}
	return sayMemoryOfMount
}

// Read reads on from where the last read or seek ended.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.off)
	f.off += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt reads from an offset.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.shut || f.flag&os.O_WRONLY != 0 {
		return 0, f.err("read", fs.EBADF)
	}
	if f.pipe != nil {
		n, err := f.pipe.read(p, f.sys.Done)
		return n, f.err("read", err)
	}
	unlock := f.begin()
	n := f.d.node()
	unlock()
	switch n.Type() {
	case fs.S_IFREG:
		got, err := n.Data.ReadAt(p, off)
		return got, f.err("read", err)
	case fs.S_IFDIR:
		return 0, f.err("read", fs.EISDIR)
	case fs.S_IFCHR:
		return readDevice(n.Rdev, p)
	}
	return 0, io.EOF
}

// readDevice reads the devices that every container has (mem(4)).
func readDevice(dev uint64, p []byte) (int, error) {
	switch dev {
	case fs.Mkdev(1, 5), fs.Mkdev(1, 7): // zero, full
		clear(p)
		return len(p), nil
	case fs.Mkdev(1, 8), fs.Mkdev(1, 9): // random, urandom
		for i := range p {
			p[i] = byte(rand.Uint32())
		}
		return len(p), nil
	}
	return 0, io.EOF
}

// Write writes on from where the last write or seek ended, or at the end of a
// file opened to append.
func (f *File) Write(p []byte) (int, error) {
	if f.pipe != nil && !f.shut && writes(f.flag) {
		n, err := f.pipe.write(p, f.sys.Done)
		return n, f.err("write", err)
	}
	defer f.begin()()
	if f.flag&os.O_APPEND != 0 {
		f.off = f.d.node().Size()
	}
	n, err := f.writeAt(p, f.off)
	f.off += int64(n)
	return n, f.err("write", err)
}

// WriteAt writes at an offset.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	defer f.begin()()
	n, err := f.writeAt(p, off)
	return n, f.err("write", err)
}

// WriteString is Write of a string's bytes.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func (f *File) writeAt(p []byte, off int64) (int, error) {
	n := f.d.node()
	switch {
	case f.shut || !writes(f.flag):
		return 0, fs.EBADF
	case n.Type() == fs.S_IFCHR && n.Rdev == fs.Mkdev(1, 7):
		return 0, fs.ENOSPC
	case !n.IsRegular() || len(p) == 0:
		return len(p), nil
	case !f.sys.take(len(p)):
		return 0, fs.ENOSPC
	}
	e := f.d.u.upper.Edit(f.d.up)
	e.Data = e.Data.WriteAt(p, off)
	f.sys.modified(e, f.d.u.clock())
	f.wrote += int64(len(p))
	return len(p), nil
}

// ReadFrom copies another open file of the model without reading it where
// that can share its content, as a reflink does.
func (f *File) ReadFrom(r io.Reader) (int64, error) {
	src, ok := r.(*File)
	if !ok || src.off != 0 || f.off != 0 || !f.adopts(src) {
		return io.Copy(struct{ io.Writer }{f}, r)
	}
	size := src.d.node().Size()
	src.off, f.off = size, size
	f.wrote += size
	return size, nil
}

// Fill makes d all that an open file holds, shared as a reflink shares it.
func (f *File) Fill(d *fs.Data) error {
	defer f.begin()()
	if f.shut || !writes(f.flag) || !f.d.node().IsRegular() {
		return f.err("write", fs.EBADF)
	}
	f.fill(d)
	f.wrote += d.Size()
	return nil
}

func (f *File) fill(d *fs.Data) {
	e := f.d.u.upper.Edit(f.d.up)
	e.Data = d
	f.sys.modified(e, f.d.u.clock())
}

func (f *File) adopts(src *File) bool {
	if src.sys.Mounts != f.sys.Mounts || !writes(f.flag) {
		return false
	}
	defer f.begin()()
	from := src.d.node()
	if !from.IsRegular() || !f.d.node().IsRegular() || f.d.node().Size() != 0 || f.flag&os.O_APPEND != 0 {
		return false
	}
	f.fill(from.Data)
	return true
}

// Seek sets where the next Read or Write begins.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		unlock := f.begin()
		offset += f.d.node().Size()
		unlock()
	}
	if offset < 0 {
		return 0, f.err("seek", fs.EINVAL)
	}
	f.off = offset
	if offset == 0 {
		f.list = nil
	}
	return offset, nil
}

// Stat tells of the open inode.
func (f *File) Stat() (os.FileInfo, error) {
	defer f.begin()()
	f.d.node()
	return fs.NewInfo(path.Base(f.name), f.sys.stat(f.d)), nil
}

// Sync does nothing: the model's memory does not forget.
func (f *File) Sync() error { return nil }

// Truncate sets the length of the open file.
func (f *File) Truncate(size int64) error {
	defer f.begin()()
	switch {
	case !writes(f.flag) || size < 0:
		return f.err("truncate", fs.EINVAL)
	case !f.d.node().IsRegular():
		return f.err("truncate", fs.EINVAL)
	}
	e := f.d.u.upper.Edit(f.d.up)
	e.Data = e.Data.Truncate(size)
	f.sys.modified(e, f.d.u.clock())
	return nil
}

// Chmod sets the permission bits of the open inode (fchmod(2)). One that was
// opened in a lower layer and deleted since has no name to be copied up to:
// EEXIST, ENOTDIR for a directory, ENOENT in a deleted directory, as overlayfs
// says.
func (f *File) Chmod(perm uint32) error {
	defer f.begin()()
	if err := f.reachable(); err != nil {
		return f.err("chmod", err)
	}
	return f.err("chmod", f.sys.chmod(f.d, perm))
}

// Chown sets the owner of the open inode (fchown(2)); -1 keeps an id.
func (f *File) Chown(uid, gid int) error {
	defer f.begin()()
	if err := f.reachable(); err != nil {
		return f.err("chown", err)
	}
	return f.err("chown", f.sys.chown(f.d, uid, gid))
}

// Setxattr sets an extended attribute of the open inode (fsetxattr(2)).
func (f *File) Setxattr(attr, value string) error {
	defer f.begin()()
	if err := f.reachable(); err != nil {
		return f.err("setxattr", err)
	}
	return f.err("setxattr", f.sys.setxattr(f.d, attr, value))
}

// reachable checks that a lower inode still has its name; a mount's root has
// none of its own.
func (f *File) reachable() error {
	f.d.node()
	if f.d.up != 0 || f.d.above == nil || f.d.above.u != f.d.u {
		return nil
	}
	if up := f.d.u.copied.Get(f.d.above.lo); up != 0 && f.d.u.upper.Node(up) == nil {
		return fs.ENOENT // its directory is deleted too
	}
	e, ok := f.d.u.child(f.d.u.now(f.d.above.ent), f.d.name)
	switch {
	case ok && e == f.d.ent:
		return nil
	case f.d.node().IsDir():
		return fs.ENOTDIR
	}
	return fs.EEXIST
}

// deleted says whether an open directory has no name any more.
func (f *File) deleted() bool {
	if f.d.mount || f.d.u.upper == nil {
		return false
	}
	if f.d.up != 0 && f.d.up != fs.RootIno {
		return f.d.u.upper.Node(f.d.up).First.Dir == 0
	}
	return f.reachable() != nil
}

// Readdirnames lists up to n names, all where n <= 0, sorted. The list is
// taken at the first call.
func (f *File) Readdirnames(n int) ([]string, error) {
	defer f.begin()()
	return f.readNames(n)
}

func (f *File) readNames(n int) ([]string, error) {
	if !f.d.node().IsDir() {
		return nil, f.err("readdir", fs.ENOTDIR)
	}
	if f.list == nil && f.deleted() {
		return nil, f.err("readdir", fs.ENOENT)
	}
	if f.list == nil {
		f.sys.beyond(f.d.u, f.d.path())
		f.list = append([]string{}, f.d.u.names(f.d.ent)...)
		f.off = 0
	}
	rest := f.list[min(int(f.off), len(f.list)):]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	f.off += int64(len(rest))
	return rest, nil
}

// Readdir is Readdirnames with what Lstat tells of each.
func (f *File) Readdir(n int) ([]os.FileInfo, error) {
	defer f.begin()()
	names, err := f.readNames(n)
	if err != nil {
		return nil, err
	}
	w := walker{s: f.sys}
	var out []os.FileInfo
	for _, name := range names {
		d, ok := f.d.look(name)
		if !ok {
			continue
		}
		d = w.cross(d)
		d.node()
		out = append(out, fs.NewInfo(name, f.sys.stat(d)))
	}
	return out, nil
}
