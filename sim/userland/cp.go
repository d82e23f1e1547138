package userland

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/afero"

	"twinlayer/fs"
)

// copier copies files and trees. It makes the system calls that busybox makes,
// because each of them has its effect on the layers.
type copier struct {
	*tool
	recurse, preserve, force, noClobber, update, verbose bool
	deref, derefNamed                                    bool             // follow symlinks: all, those named
	link                                                 string           // "", "hard", "soft": make links instead
	seen                                                 map[inode]string // files with more names
	made                                                 map[inode]bool   // directories
}

// inode is which file it is.
type inode struct{ dev, ino uint64 }

func inodeOf(st *fs.Stat) inode { return inode{st.Dev, st.Ino} }

func cp(t *tool) int {
	c := &copier{
		tool: t, recurse: t.last("rRa") != 0, preserve: t.last("pa") != 0, force: t.has('f'),
		noClobber: t.has('n'), update: t.has('u'), verbose: t.has('v'), seen: map[inode]string{},
		made: map[inode]bool{},
	}
	c.deref = t.has('L') || !c.recurse && t.last("dP") == 0
	c.derefNamed = c.deref || t.has('H')
	switch t.last("ls") {
	case 'l':
		c.link = "hard"
	case 's':
		c.link = "soft"
	}
	return t.toTarget(c.direct, c.copyTo)
}

// toTarget calls do for each source with where it goes: a name in the last
// operand (or that of -t), or, for one source where direct says so, the last
// operand itself.
func (t *tool) toTarget(direct func(src, dst string) bool, do func(src, dst string)) int {
	args := t.args
	dir := t.val('t')
	if !t.has('t') {
		if len(args) < 2 {
			return badUsage
		}
		dir, args = args[len(args)-1], args[:len(args)-1]
	}
	if len(args) == 1 && !t.has('t') && (t.has('T') || direct(args[0], dir)) {
		do(args[0], dir)
		return 0
	}
	for _, src := range args {
		do(src, join(dir, baseOf(src)))
	}
	return 0
}

// direct says whether "cp src dst" makes dst itself.
func (c *copier) direct(src, dst string) bool {
	to, err := c.stat(dst)
	from, ferr := c.stat(src)
	if ferr == nil && from.Mode&fs.S_IFMT == fs.S_IFDIR {
		return c.recurse && err != nil
	}
	return err != nil || to.Mode&fs.S_IFMT != fs.S_IFDIR
}

func (c *copier) copyTo(src, dst string) { c.copy(src, dst, true) }

// copy copies src to dst and complains where it cannot.
func (c *copier) copy(src, dst string, named bool) bool {
	stat := c.lstat
	if c.deref || named && c.derefNamed {
		stat = c.stat
	}
	from, err := stat(src)
	if err != nil {
		c.cannot("stat", src, err)
		return false
	}
	to, err := c.lstat(dst)
	if err != nil && fs.ErrnoOf(err) != fs.ENOENT {
		c.cannot("stat", dst, err)
		return false
	}
	if target, terr := c.stat(dst); terr == nil && (to == nil || from.Mode&fs.S_IFMT != fs.S_IFLNK) {
		if to != nil && to.Mode&fs.S_IFMT == fs.S_IFLNK && sameFile(from, target) && c.deref {
			c.errorf("'%s' and '%s' are the same file", src, dst)
			return false
		}
	}
	if to != nil && sameFile(from, to) {
		c.errorf("'%s' and '%s' are the same file", src, dst)
		return false
	}
	if from.Mode&fs.S_IFMT == fs.S_IFDIR {
		return c.directory(src, dst, from, to)
	}
	return c.nonDirectory(src, dst, from, to)
}

func sameFile(a, b *fs.Stat) bool {
	return inodeOf(a) == inodeOf(b) && a.Ino != 0
}

func (c *copier) directory(src, dst string, from, to *fs.Stat) bool {
	if !c.recurse {
		c.errorf("omitting directory '%s'", src)
		return false
	}
	if c.made[inodeOf(from)] {
		c.errorf("recursion detected, omitting directory '%s'", src)
		return false
	}
	if to != nil {
		if st, err := c.stat(dst); err != nil || st.Mode&fs.S_IFMT != fs.S_IFDIR {
			c.errorf("target '%s' is not a directory", dst)
			return false
		}
	}
	if to == nil {
		if err := c.FS.Mkdir(c.abs(dst), fs.FileMode(from.Mode&0o7777|0o700)); err != nil {
			c.cannot("create directory", dst, err)
			return false
		}
		if st, err := c.lstat(dst); err == nil {
			c.made[inodeOf(st)] = true
		}
		if c.verbose {
			c.printf("'%s' -> '%s'\n", src, dst)
		}
	}
	c.eachEntry(src, func(child string) {
		c.copy(child, join(dst, baseOf(child)), false)
	})
	if to != nil && !c.preserve {
		return true
	}
	if !c.preserve {
		c.FS.Chmod(c.abs(dst), fs.FileMode(from.Mode&0o7777&^c.Umask))
		return true
	}
	return c.keep(dst, from)
}

// within says whether the path lies at or below dir, by their names.
func within(path, dir string) bool {
	dir = strings.TrimRight(dir, "/")
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func (c *copier) nonDirectory(src, dst string, from, to *fs.Stat) bool {
	if to != nil {
		switch {
		case c.noClobber:
			return true
		case c.update && !from.Mtime.After(to.Mtime):
			return true
		case c.has('i') && !c.force && !c.ask("cp: overwrite '%s'? ", dst):
			return true
		}
	}
	if done, ok := c.linked(src, dst, from, to); done {
		return ok
	}
	var ok bool
	switch from.Mode & fs.S_IFMT {
	case fs.S_IFREG:
		ok = c.regular(src, dst, from, to)
	case fs.S_IFLNK:
		ok = c.symlink(src, dst, to)
	default:
		if !c.recurse {
			ok = c.regular(src, dst, from, to)
			break
		}
		ok = c.node(dst, from, to)
	}
	if ok && c.verbose {
		c.printf("'%s' -> '%s'\n", src, dst)
	}
	if ok && (c.preserve || from.Mode&fs.S_IFMT == fs.S_IFLNK && c.preserve) {
		return c.keep(dst, from)
	}
	return ok
}

// linked makes a link where -l, -s, or an inode copied before asks for one.
func (c *copier) linked(src, dst string, from, to *fs.Stat) (done, ok bool) {
	var err error
	first, again := c.seen[inodeOf(from)]
	switch {
	case c.link == "hard":
		err = c.FS.Link(c.abs(src), c.abs(dst))
	case c.link == "soft":
		err = c.FS.SymlinkIfPossible(src, c.abs(dst))
	case !c.deref && from.Nlink > 1 && again:
		if to != nil {
			c.FS.Unlink(c.abs(dst))
		}
		err = c.FS.Link(c.abs(first), c.abs(dst))
	default:
		if from.Nlink > 1 && !c.deref {
			c.seen[inodeOf(from)] = dst
		}
		return false, false
	}
	if err != nil {
		c.cannot("create link", dst, err)
		return true, false
	}
	if c.verbose {
		c.printf("'%s' -> '%s'\n", src, dst)
	}
	return true, true
}

func (c *copier) regular(src, dst string, from, to *fs.Stat) bool {
	in, err := c.open(src)
	if err != nil {
		c.cannot("open", src, err)
		return false
	}
	defer in.Close()
	out, err := c.target(dst, from, to)
	if err != nil {
		c.cannot("create", dst, err)
		return false
	}
	_, err = io.Copy(out, c.source(in, from))
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		c.errorf("error writing '%s': %s", dst, reason(err))
		return false
	}
	return true
}

// unsizedMost is how much is copied of a file that says it is empty.
const unsizedMost = 16 << 20

// source is what is copied of a file. One of /proc says it is empty, and may
// have 256 GiB nevertheless (pagemap), of which busybox fills the disk.
func (c *copier) source(in io.Reader, from *fs.Stat) io.Reader {
	switch {
	case from.Mode&fs.S_IFMT != fs.S_IFREG:
		return obey(c.ctx, in)
	case from.Size == 0:
		return io.MultiReader(io.LimitReader(in, unsizedMost), atEnd{in})
	}
	return in
}

// atEnd is an input of which nothing more may come.
type atEnd struct{ io.Reader }

func (a atEnd) Read(p []byte) (int, error) {
	if n, err := a.Reader.Read(p); n == 0 {
		return 0, err
	}
	return 0, fs.EFBIG
}

// target opens what a regular file is copied to: an existing file is
// truncated; with force, one that cannot be opened is removed first.
func (c *copier) target(dst string, from, to *fs.Stat) (afero.File, error) {
	mode := fs.FileMode(from.Mode & 0o7777)
	if from.Mode&fs.S_IFMT != fs.S_IFREG {
		mode = 0o666
	}
	if to == nil {
		return c.FS.OpenFile(c.abs(dst), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	}
	f, err := c.FS.OpenFile(c.abs(dst), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode.Perm())
	if err == nil || !c.force {
		return f, err
	}
	if err := c.FS.Unlink(c.abs(dst)); err != nil {
		return nil, err
	}
	return c.FS.OpenFile(c.abs(dst), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
}

func (c *copier) symlink(src, dst string, to *fs.Stat) bool {
	target, err := c.FS.ReadlinkIfPossible(c.abs(src))
	if err == nil && to != nil {
		err = c.FS.Unlink(c.abs(dst))
	}
	if err == nil {
		err = c.FS.SymlinkIfPossible(target, c.abs(dst))
	}
	if err != nil {
		c.cannot("create symlink", dst, err)
	}
	return err == nil
}

// node makes a fifo or device like from.
func (c *copier) node(dst string, from, to *fs.Stat) bool {
	if to != nil {
		c.FS.Unlink(c.abs(dst))
	}
	if err := c.FS.Mknod(c.abs(dst), from.Mode, from.Rdev); err != nil {
		c.cannot("create", dst, err)
		return false
	}
	return true
}

// keep gives dst the times, owner and mode of from, in busybox's order.
func (c *copier) keep(dst string, from *fs.Stat) bool {
	isLink := from.Mode&fs.S_IFMT == fs.S_IFLNK
	name := c.abs(dst)
	if err := c.FS.Utimes(name, from.Atime, from.Mtime, !isLink); err != nil && !isLink {
		c.errorf("can't preserve times of '%s': %s", dst, reason(err))
	}
	mode := from.Mode & 0o7777
	if err := c.FS.Lchown(name, int(from.UID), int(from.GID)); err != nil {
		mode &^= fs.S_ISUID | fs.S_ISGID
		if fs.ErrnoOf(err) != fs.EPERM {
			c.errorf("can't preserve ownership of '%s': %s", dst, reason(err))
		}
	}
	if isLink {
		return true
	}
	if err := c.FS.Chmod(name, fs.FileMode(mode)); err != nil {
		c.errorf("can't preserve permissions of '%s': %s", dst, reason(err))
	}
	return true
}

// ask asks on standard error and takes "y" for yes.
func (t *tool) ask(format string, args ...any) bool {
	t.out.Flush()
	io.WriteString(t.Stderr, sprintf(format, args...))
	yes, first := false, true
	for {
		c, err := readByte(t.in)
		if err != nil || c == '\n' {
			return yes
		}
		if first {
			yes, first = c == 'y' || c == 'Y', false
		}
	}
}

// mv renames. Where the kernel answers EXDEV, as overlayfs does for a
// directory of a lower layer, it copies and removes.
func mv(t *tool) int {
	notDir := func(_, dst string) bool { return !isDir(t.FS, t.abs(dst)) }
	return t.toTarget(notDir, t.move)
}

func (t *tool) move(src, dst string) {
	if to, err := t.lstat(dst); err == nil {
		if t.last("fin") == 'n' {
			return
		}
		if t.last("fin") == 'i' && !t.ask("mv: overwrite '%s'? ", dst) {
			return
		}
		if from, err := t.lstat(src); err == nil && sameFile(from, to) && t.abs(src) == t.abs(dst) {
			t.errorf("can't rename '%s': %s", src, "'"+dst+"' is the same file")
			return
		}
	}
	err := t.FS.Rename(t.abs(src), t.abs(dst))
	if fs.ErrnoOf(err) == fs.EXDEV && err != nil {
		t.moveAcross(src, dst)
		return
	}
	if err != nil {
		t.cannot("rename", src, err)
		return
	}
	if t.has('v') {
		t.printf("'%s' -> '%s'\n", src, dst)
	}
}

// moveAcross removes what is at dst, copies src there with all its
// attributes, and removes src.
func (t *tool) moveAcross(src, dst string) {
	if !t.clearTarget(src, dst) {
		return
	}
	quiet := *t
	quiet.options = options{}
	c := &copier{tool: &quiet, recurse: true, preserve: true, seen: map[inode]string{}, made: map[inode]bool{}}
	ok := c.copy(src, dst, true) && quiet.failed == 0
	t.failed = max(t.failed, quiet.failed)
	if !ok {
		t.failed = 1
		return
	}
	t.removeTree(src)
	if t.has('v') {
		t.printf("'%s' -> '%s'\n", src, dst)
	}
}

func (t *tool) clearTarget(src, dst string) bool {
	to, err := t.lstat(dst)
	if err != nil {
		return true
	}
	from, err := t.lstat(src)
	if err != nil {
		t.cannot("rename", src, err)
		return false
	}
	fromDir, toDir := from.Mode&fs.S_IFMT == fs.S_IFDIR, to.Mode&fs.S_IFMT == fs.S_IFDIR
	switch {
	case fromDir && !toDir:
		t.errorf("can't overwrite non-directory with directory")
		return false
	case toDir && !fromDir:
		t.errorf("can't overwrite directory with non-directory")
		return false
	case toDir:
		err = t.FS.Rmdir(t.abs(dst))
	default:
		err = t.FS.Unlink(t.abs(dst))
	}
	if err != nil {
		t.cannot("remove", dst, err)
	}
	return err == nil
}
