package vfs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"twinlayer/fs"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// realUnion is a mounted overlayfs.
type realUnion struct {
	dir, merged, upper string
	inos               map[uint64]int
	files              map[string]int // descriptors
	start              time.Time
	protected          Protected
}

func mountKernel(t require.TestingT, dir string, layers []*fs.Tree, userns bool) *realUnion {
	k := &realUnion{dir: dir, merged: dir + "/merged", upper: dir + "/upper", inos: map[uint64]int{}, files: map[string]int{}, start: time.Now().Add(-2 * time.Second), protected: Protected{
		Hardlinks: protection(t, "hardlinks"), Symlinks: protection(t, "symlinks"),
		Fifos: protection(t, "fifos"), Regular: protection(t, "regular"),
	}}
	for _, d := range []string{"", "/merged", "/upper", "/work"} {
		require.NoError(t, os.Mkdir(dir+d, 0o755))
	}
	opaque := "trusted.overlay.opaque"
	options := ",redirect_dir=off,metacopy=off,index=off"
	if userns {
		opaque, options = "user.overlay.opaque", ",userxattr"
	}
	var lower []string
	for i, l := range layers {
		d := fmt.Sprintf("%s/l%d", dir, i)
		writeDisk(t, l, d, opaque)
		lower = append(lower, d)
	}
	slices.Reverse(lower)
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s/work%s", strings.Join(lower, ":"), k.upper, dir, options)
	require.NoError(t, unix.Mount("overlay", k.merged, "overlay", 0, data))
	return k
}

// protection is this machine's sysctl fs.protected_what.
func protection(t require.TestingT, what string) int {
	b, err := os.ReadFile("/proc/sys/fs/protected_" + what)
	require.NoError(t, err)
	level, err := strconv.Atoi(strings.TrimSpace(string(b)))
	require.NoError(t, err)
	return level
}

func (k *realUnion) unmount() {
	k.setUID(0)
	for _, fd := range k.files {
		_ = unix.Close(fd)
	}
	_ = unix.Unmount(k.merged, 0)
	_ = os.RemoveAll(k.dir)
}

// setUID makes this thread act for another user; its saved id stays 0.
func (k *realUnion) setUID(uid int) {
	keep := ^uintptr(0)
	for _, id := range []int{0, uid} { // only root may become another
		_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(id), keep)
	}
}

// writeDisk lays a layer out as overlayfs reads it.
func writeDisk(t require.TestingT, l *fs.Tree, dir, opaque string) {
	require.NoError(t, os.Mkdir(dir, 0o755))
	first := map[fs.Ino]string{}
	var dirs []fs.Path
	for p := range l.All() {
		name := dir + p.Path
		if old, ok := first[p.Ino]; ok {
			require.NoError(t, os.Link(old, name))
			continue
		}
		if !p.IsDir() {
			first[p.Ino] = name
		}
		makeDisk(t, p, name)
		if p.Opaque {
			require.NoError(t, unix.Lsetxattr(name, opaque, []byte("y"), 0))
		}
		dirs = append(dirs, fs.Path{Path: name, Ino: p.Ino, Node: p.Node})
	}
	dirs = append(dirs, fs.Path{Path: dir, Ino: fs.RootIno, Node: l.Root()})
	for _, p := range slices.Backward(dirs) {
		ts := []unix.Timespec{unix.NsecToTimespec(p.Mtime), unix.NsecToTimespec(p.Mtime)}
		require.NoError(t, unix.UtimesNanoAt(unix.AT_FDCWD, p.Path, ts, unix.AT_SYMLINK_NOFOLLOW))
	}
}

func makeDisk(t require.TestingT, p fs.Path, name string) {
	switch p.Type() {
	case fs.S_IFDIR:
		require.NoError(t, os.Mkdir(name, 0o755))
	case fs.S_IFLNK:
		require.NoError(t, os.Symlink(p.Target, name))
	case fs.S_IFREG:
		f, err := os.Create(name)
		require.NoError(t, err)
		for _, e := range p.Data.Extents() {
			b := make([]byte, e.N)
			_, err := e.Src.ReadAt(b, e.Off)
			require.NoError(t, err)
			_, err = f.WriteAt(b, e.At)
			require.NoError(t, err)
		}
		require.NoError(t, f.Close())
	default:
		require.NoError(t, unix.Mknod(name, p.Mode, int(p.Rdev)))
	}
	for _, x := range p.Xattrs {
		require.NoError(t, unix.Lsetxattr(name, x.Name, []byte(x.Value), 0))
	}
	require.NoError(t, os.Lchown(name, int(p.UID), int(p.GID)))
	if p.Type() != fs.S_IFLNK && !p.IsWhiteout() {
		require.NoError(t, unix.Chmod(name, p.Mode&0o7777))
	}
}

// readDisk is an upper directory as a tree.
func readDisk(t require.TestingT, dir string) *fs.Tree {
	b := fs.NewBuilder()
	first := map[uint64]string{}
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		p := strings.TrimPrefix(name, dir)
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		if old, ok := first[st.Ino]; ok && !(st.Mode&fs.S_IFMT == fs.S_IFCHR && st.Rdev == 0) {
			return b.Link(p, old)
		}
		if st.Mode&fs.S_IFMT != fs.S_IFDIR && st.Nlink > 1 {
			first[st.Ino] = p
		}
		n, err := diskNode(name, st)
		if err != nil {
			return err
		}
		return b.Put(p, n)
	})
	require.NoError(t, err)
	return b.Tree()
}

func diskNode(name string, st unix.Stat_t) (n fs.Node, err error) {
	n = fs.Node{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev, Mtime: st.Mtim.Nano()}
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFLNK:
		n.Target, err = os.Readlink(name)
	case fs.S_IFREG:
		var b []byte
		b, err = os.ReadFile(name)
		n.Data = fs.DataOf(b)
	}
	if n.IsWhiteout() {
		return n, err
	}
	for _, attr := range diskXattrs(name) {
		value := make([]byte, 1024)
		size, err := unix.Lgetxattr(name, attr, value)
		if err != nil {
			return n, err
		}
		if strings.Contains(attr, ".overlay.") {
			n.Opaque = n.Opaque || strings.HasSuffix(attr, ".opaque") && string(value[:size]) == "y"
			continue
		}
		n.Xattrs = n.Xattrs.With(attr, string(value[:size]))
	}
	return n, err
}

func diskXattrs(name string) (out []string) {
	buf := make([]byte, 4096)
	n, err := unix.Llistxattr(name, buf)
	if err != nil {
		return nil
	}
	for attr := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if attr != "" {
			out = append(out, attr)
		}
	}
	slices.Sort(out)
	return out
}

// compare holds what both worlds hold in the end against each other.
func (k *realUnion) compare(rt rapid.TB, m *world) {
	upper := readDisk(rt, k.upper)
	model := m.sys.Mounts.Root().Upper()
	require.Equal(rt, k.upperList(upper), k.upperList(model), "upper")
	require.Equal(rt, k.list(), m.listMerged("", nil), "merged")
	want, err := upper.Digest()
	require.NoError(rt, err)
	got, err := model.Digest()
	require.NoError(rt, err)
	require.Equal(rt, want, got, "digest")
}

// upperList lists an upper directory; every time since the start is now.
func (k *realUnion) upperList(t *fs.Tree) []string {
	b := fs.NewBuilder()
	first := map[fs.Ino]string{}
	for p := range t.All() {
		if old, ok := first[p.Ino]; ok {
			_ = b.Link(p.Path, old)
			continue
		}
		first[p.Ino] = p.Path
		n := *p.Node
		n.Mtime = k.when(n.Mtime)
		_ = b.Put(p.Path, n)
	}
	return listUpper(b.Tree())
}

func (k *realUnion) when(ns int64) int64 {
	if ns >= k.start.UnixNano() {
		return 1800000000 * 1e9
	}
	return ns
}

func (k *realUnion) stat(st unix.Stat_t) fs.Stat {
	return fs.Stat{Ino: st.Ino, Nlink: uint64(st.Nlink), Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev, Size: st.Size, Mtime: unixNano(k.when(st.Mtim.Nano()))}
}

func (k *realUnion) list() (out []string) {
	_ = filepath.WalkDir(k.merged, func(name string, _ os.DirEntry, err error) error {
		p := strings.TrimPrefix(strings.TrimPrefix(name, k.merged), "/")
		var st unix.Stat_t
		if p == "" {
			return nil
		}
		if e := unix.Lstat(name, &st); e != nil {
			out = append(out, "? "+p+" "+fs.ErrnoOf(e).Name())
			return nil
		}
		target, _ := os.Readlink(name)
		var x fs.Xattrs
		for _, attr := range diskXattrs(name) {
			value := make([]byte, 1024)
			n, _ := unix.Lgetxattr(name, attr, value)
			x = x.With(attr, string(value[:n]))
		}
		out = append(out, describeObserved(p, k.stat(st), target, x))
		return nil
	})
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
	return out
}

// do runs one operation on the real union.
func (k *realUnion) do(op []any) string {
	arg := func(i int) string {
		if i < len(op) {
			return fmt.Sprint(op[i])
		}
		return ""
	}
	num := func(i int) int { n, _ := strconv.Atoi(arg(i)); return n }
	octal := func(i int) uint32 { n, _ := strconv.ParseUint(arg(i), 8, 32); return uint32(n) }
	p := k.merged + "/" + arg(1)
	switch arg(0) {
	case "euid":
		k.setUID(num(1))
		return "ok"
	case "may":
		return result(unix.Faccessat(unix.AT_FDCWD, p, uint32(num(2)), unix.AT_EACCESS))
	case "fopen":
		return k.open(p, arg(3), fuzzFlags(op[2], true))
	case "read", "fstat", "fchmod", "fsetxattr", "close", "fwrite", "ftruncate", "freaddir":
		return k.file(arg(0), arg(1), arg(2), arg(3))
	case "write":
		fd, err := unix.Open(p, openFlags(arg(2))|unix.O_NONBLOCK, 0o644)
		if err != nil {
			return result(err)
		}
		defer unix.Close(fd)
		_, err = unix.Write(fd, []byte(arg(3)))
		return result(err)
	case "cat":
		return k.cat(p)
	case "mkdir":
		return result(unix.Mkdir(p, octal(2)))
	case "unlink":
		return result(unix.Unlink(p))
	case "rmdir":
		return result(unix.Rmdir(p))
	case "rmtree":
		if unix.Geteuid() != 0 {
			return "EPERM"
		}
		return result(k.rmtree(p))
	case "rename":
		flags := map[string]uint{"noreplace": unix.RENAME_NOREPLACE, "exchange": unix.RENAME_EXCHANGE, "whiteout": unix.RENAME_WHITEOUT}[arg(3)]
		return result(unix.Renameat2(unix.AT_FDCWD, p, unix.AT_FDCWD, k.merged+"/"+arg(2), flags))
	case "link":
		return result(unix.Link(p, k.merged+"/"+arg(2)))
	case "symlink":
		return result(unix.Symlink(arg(1), k.merged+"/"+arg(2)))
	case "chmod":
		return result(unix.Chmod(p, octal(2)))
	case "chown":
		return result(unix.Chown(p, num(2), num(3)))
	case "lchown":
		return result(unix.Lchown(p, num(2), num(3)))
	case "truncate":
		return result(k.truncate(p, int64(num(2))))
	case "utimens":
		ts := []unix.Timespec{{Sec: 5, Nsec: 123456789}, {Sec: 6, Nsec: 123456789}}
		return result(unix.UtimesNanoAt(unix.AT_FDCWD, p, ts, 0))
	case "mknod":
		mode := map[string]uint32{"p": fs.S_IFIFO, "s": fs.S_IFSOCK, "c": fs.S_IFCHR, "b": fs.S_IFBLK}[arg(2)]
		return result(unix.Mknod(p, mode|0o644, int(fs.Mkdev(uint32(num(3)), uint32(num(4))))))
	case "setxattr":
		return result(unix.Lsetxattr(p, arg(2), []byte(arg(3)), 0))
	case "removexattr":
		return result(unix.Lremovexattr(p, arg(2)))
	case "getxattr":
		value := make([]byte, 1024)
		n, err := unix.Lgetxattr(p, arg(2), value)
		return text(string(value[:max(n, 0)]), err)
	case "listxattr":
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return result(err)
		}
		return strings.Join(diskXattrs(p), ",")
	case "readdir":
		return k.readdir(p)
	case "stat":
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return result(err)
		}
		return k.numbered(st)
	case "readlink":
		buf := make([]byte, 256)
		n, err := unix.Readlink(p, buf)
		if err != nil {
			return result(err)
		}
		return string(buf[:n])
	}
	return "the runner knows no operation " + arg(0)
}

// numbered is stat's result, inodes numbered in order of first sight.
func (k *realUnion) numbered(st unix.Stat_t) string {
	w := world{inos: k.inos, now: time.Unix(1800000000, 0)}
	return w.stat(k.stat(st))
}

func (k *realUnion) open(p, name string, flags int) string {
	k.file("close", name, "", "")
	fd, err := unix.Open(p, flags|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return k.fifo(p, err)
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&fs.S_IFMT == fs.S_IFIFO {
		_ = unix.Close(fd)
		return "fifo"
	}
	k.files[name] = fd
	return "ok"
}

// fifo is the result of an open that failed: those of fifos are not compared.
func (k *realUnion) fifo(p string, err error) string {
	var st unix.Stat_t
	if unix.Stat(p, &st) == nil && st.Mode&fs.S_IFMT == fs.S_IFIFO {
		return "fifo"
	}
	return result(err)
}

// file runs an operation on an open file.
func (k *realUnion) file(op, name, arg, value string) string {
	fd, ok := k.files[name]
	if !ok {
		return "EBADF"
	}
	number, _ := strconv.Atoi(arg)
	switch op {
	case "close":
		delete(k.files, name)
		return result(unix.Close(fd))
	case "read":
		return readAll(fd)
	case "fstat":
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return result(err)
		}
		return k.numbered(st)
	case "fchmod":
		mode, _ := strconv.ParseUint(arg, 8, 32)
		return result(unix.Fchmod(fd, uint32(mode)))
	case "fsetxattr":
		return result(unix.Fsetxattr(fd, arg, []byte(value), 0))
	case "ftruncate":
		return result(k.ftruncate(fd, int64(number)))
	case "freaddir":
		return listFd(fd)
	default:
		_, err := unix.Write(fd, []byte(arg))
		return result(err)
	}
}

func readAll(fd int) string {
	var out []byte
	for buf := make([]byte, 4096); ; {
		n, err := unix.Read(fd, buf)
		if n <= 0 {
			return text(string(out), err)
		}
		out = append(out, buf[:n]...)
	}
}

// listFd lists an open directory from its start.
func listFd(fd int) string {
	_, _ = unix.Seek(fd, 0, io.SeekStart)
	var names []string
	for buf := make([]byte, 4096); ; {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil {
			return result(err)
		}
		if n <= 0 {
			slices.Sort(names)
			return strings.Join(names, ",")
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// ftruncate is [realUnion.truncate] of a descriptor.
func (k *realUnion) ftruncate(fd int, size int64) error {
	var st unix.Stat_t
	before := unix.Fstat(fd, &st)
	if err := unix.Ftruncate(fd, size); err != nil || before != nil || st.Size != size {
		return err
	}
	return k.touch(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// touch sets the mtime as the kernel does, whoever asks.
func (k *realUnion) touch(p string) error {
	defer k.setUID(unix.Geteuid())
	k.setUID(0)
	return unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_NOW}}, 0)
}

// truncate sets the time that tmpfs, unlike the file systems which containers
// live on, leaves where the length stays.
func (k *realUnion) truncate(p string, size int64) error {
	var st unix.Stat_t
	before := unix.Stat(p, &st)
	if err := unix.Truncate(p, size); err != nil || before != nil || st.Size != size {
		return err
	}
	return k.touch(p)
}

func (k *realUnion) cat(p string) string {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return result(err)
	}
	f := os.NewFile(uintptr(fd), p)
	defer f.Close()
	b, err := io.ReadAll(f)
	return text(string(b), err)
}

func (k *realUnion) readdir(p string) string {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return result(err)
	}
	f := os.NewFile(uintptr(fd), p)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return result(err)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// rmtree removes depth first and in order, as the model's RemoveAll does.
func (k *realUnion) rmtree(p string) error {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		if err == unix.ENOENT {
			return nil
		}
		return err
	}
	if st.Mode&fs.S_IFMT != fs.S_IFDIR {
		return unix.Unlink(p)
	}
	for name := range strings.SplitSeq(k.readdir(p), ",") {
		if name != "" {
			if err := k.rmtree(p + "/" + name); err != nil {
				return err
			}
		}
	}
	return unix.Rmdir(p)
}
