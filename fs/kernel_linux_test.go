package fs

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

var (
	fuzzOps  = flag.Int("ops", 6000, "operations that TestKernel tries")
	fuzzSeed = flag.Uint64("seed", 1, "seed of TestKernel; 0: another one each time")
)

const (
	opsPerRun    = 24  // the most operations that one union sees
	runsPerRound = 200 // with one seed
)

// TestKernel gives the same layers and operations to the model and to a real
// overlayfs, as root and in a user namespace, and compares results, merged
// view, upper directory and canonical digest.
func TestKernel(t *testing.T) {
	if mode := os.Getenv("TWINLAYER_KERNEL"); mode != "" {
		fuzzKernel(t, mode == "userns")
		return
	}
	if os.Getuid() == 0 {
		t.Run("root", func(t *testing.T) { inNamespaces(t, "root", unix.CLONE_NEWNS) })
	}
	t.Run("user namespace", func(t *testing.T) { inNamespaces(t, "userns", unix.CLONE_NEWNS|unix.CLONE_NEWUSER) })
}

// inNamespaces runs this test again where its mounts go with it.
func inNamespaces(t *testing.T, mode string, flags uintptr) {
	args := []string{"-test.run=^TestKernel$", "-test.v", fmt.Sprintf("-ops=%d", *fuzzOps), fmt.Sprintf("-seed=%d", *fuzzSeed)}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "TWINLAYER_KERNEL="+mode, "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "" {
		t.Skip("this machine forbids user namespaces")
	}
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "operations") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func fuzzKernel(t *testing.T, userns bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	unix.Umask(0o022)
	require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(runsPerRound)))
	require.NoError(t, flag.Set("rapid.nofailfile", "true"))
	start, ops, run := time.Now(), 0, 0
	seed := *fuzzSeed
	if seed == 0 {
		seed = uint64(start.UnixNano())
	}
	dir := t.TempDir()
	for ; ops < *fuzzOps && !t.Failed(); seed++ {
		require.NoError(t, flag.Set("rapid.seed", strconv.FormatUint(seed, 10)))
		rapid.Check(t, func(rt *rapid.T) {
			run++
			ops += compareOnce(rt, filepath.Join(dir, strconv.Itoa(run)), userns)
		})
	}
	t.Logf("%d operations in %.1f s, 0 divergences", ops, time.Since(start).Seconds())
}

// compareOnce draws layers and operations and runs them in both worlds.
func compareOnce(rt *rapid.T, dir string, userns bool) int {
	layers := rapid.SliceOfN(drawLayer(userns), 1, 3).Draw(rt, "layers")
	ops := rapid.SliceOfN(drawOp(userns), 1, opsPerRun).Draw(rt, "ops")
	k := mountKernel(rt, dir, layers, userns)
	defer k.unmount()
	m := newWorld(layers)
	if userns {
		m.sys.IDs, m.sys.Host = 1, false
	}
	for i, op := range ops {
		want, got := k.do(op), observedResult(m.do(op))
		if want != got {
			rt.Fatalf("operation %d %v:\nkernel %s\nmodel  %s", i, op, want, got)
		}
	}
	k.compare(rt, m)
	return len(ops)
}

func newWorld(trees []*Tree) *world {
	var layers []Layer
	for i, t := range trees {
		layers = append(layers, Layer{Name: fmt.Sprint("layer ", i), Tree: t})
	}
	merged := Merge(trees...)
	w := &world{files: map[string]*File{}, inos: map[uint64]int{}, now: time.Unix(1800000000, 0)}
	w.sys = &Sys{Mounts: NewMounts(Mount{Target: "/", FS: NewUnion(layers, merged, NewUpper(merged))}), Umask: 0o022, Host: true, Clock: func() time.Time { return w.now }}
	return w
}

var fuzzNames = []string{"a", "b", "c"}

func drawPath() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return "t/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(fuzzNames), 1, 3).Draw(t, "path"), "/")
	})
}

// drawLayer is a small tree with everything that a layer can hold.
func drawLayer(userns bool) *rapid.Generator[*Tree] {
	return rapid.Custom(func(t *rapid.T) *Tree {
		b := NewBuilder()
		_ = b.Put("/", Node{Mode: S_IFDIR | 0o755, Mtime: observedT0 * 1e9})
		for range rapid.IntRange(0, 8).Draw(t, "entries") {
			name := drawPath().Draw(t, "name")
			if target := drawPath().Draw(t, "target"); rapid.IntRange(0, 5).Draw(t, "link") == 0 && b.Lookup(target) != nil {
				_ = b.Link(name, target)
				continue
			}
			_ = b.Put(name, drawNode(t, userns))
		}
		return b.Tree()
	})
}

func drawNode(t *rapid.T, userns bool) Node {
	perm := rapid.SampledFrom([]uint32{0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777}).Draw(t, "perm")
	n := Node{Mode: perm, Mtime: observedT0 * 1e9}
	if !userns {
		n.UID = rapid.SampledFrom([]uint32{0, 0, 1, 65534}).Draw(t, "uid")
		n.GID = rapid.SampledFrom([]uint32{0, 0, 2}).Draw(t, "gid")
	}
	switch rapid.SampledFrom([]string{"f", "f", "f", "d", "d", "l", "w", "p", "sp"}).Draw(t, "type") {
	case "f":
		n.Mode, n.Data = n.Mode|S_IFREG, DataOf([]byte(rapid.SampledFrom([]string{"", "x", "lower"}).Draw(t, "data")))
	case "sp":
		n.Mode, n.Data = n.Mode|S_IFREG, (*Data)(nil).WriteAt([]byte("end"), 1<<16)
	case "d":
		n.Mode, n.Opaque = n.Mode|S_IFDIR, rapid.IntRange(0, 4).Draw(t, "opaque") == 0
	case "l":
		n.Mode, n.Target = S_IFLNK|0o777, rapid.SampledFrom([]string{"a", "b", "../a", "b/../b", "nosuch", "c/a"}).Draw(t, "to")
	case "w":
		return Whiteout(n.Mtime)
	case "p":
		n.Mode |= S_IFIFO
	}
	if n.Type() != S_IFLNK && n.Type() != S_IFIFO && rapid.IntRange(0, 5).Draw(t, "xattr") == 0 {
		n.Xattrs = Xattrs{{"user.k", "v"}}
	}
	return n
}

// drawOp is one operation in the form of the observed cases.
func drawOp(userns bool) *rapid.Generator[[]any] {
	return rapid.Custom(func(t *rapid.T) []any {
		p, q := drawPath().Draw(t, "p"), drawPath().Draw(t, "q")
		mode := rapid.SampledFrom([]string{"600", "755", "4711", "0"}).Draw(t, "mode")
		id := float64(rapid.SampledFrom([]int{-1, 0, 3}).Draw(t, "id"))
		switch kind := rapid.SampledFrom(fuzzKinds).Draw(t, "op"); kind {
		case "write":
			flags := rapid.SampledFrom([]string{"w", "w|creat", "w|trunc", "w|append", "w|creat|excl", "rw", "w|creat|trunc"}).Draw(t, "flags")
			return []any{kind, p, flags, rapid.SampledFrom([]string{"", "x", "longer"}).Draw(t, "text")}
		case "chmod", "mkdir":
			return []any{kind, p, mode}
		case "chown", "lchown":
			return []any{kind, p, id, float64(rapid.SampledFrom([]int{-1, 0, 3}).Draw(t, "gid"))}
		case "link", "rename":
			return []any{kind, p, q}
		case "renamex":
			return []any{"rename", p, q, rapid.SampledFrom([]string{"noreplace", "exchange", "whiteout"}).Draw(t, "how")}
		case "symlink":
			return []any{kind, rapid.SampledFrom([]string{"a", "../b", "nosuch"}).Draw(t, "to"), p}
		case "truncate":
			return []any{kind, p, float64(rapid.SampledFrom([]int{0, 3, 100}).Draw(t, "size"))}
		case "utimens":
			return []any{kind, p, float64(5), float64(6)}
		case "mknod":
			return []any{kind, p, rapid.SampledFrom([]string{"p", "s", "c"}).Draw(t, "what"), float64(1), float64(3)}
		case "setxattr":
			return []any{kind, p, "user.k", "2"}
		case "removexattr", "getxattr":
			return []any{kind, p, "user.k"}
		default:
			return []any{kind, p}
		}
	})
}

var fuzzKinds = []string{
	"write", "write", "write", "mkdir", "mkdir", "unlink", "unlink", "unlink", "rmdir", "rmtree", "rename", "rename", "rename", "renamex",
	"link", "symlink", "chmod", "chown", "lchown", "truncate", "utimens", "mknod", "setxattr", "removexattr", "getxattr",
	"cat", "readdir", "stat", "stat", "readlink", "listxattr",
}

// real is a mounted overlayfs.
type realUnion struct {
	dir, merged, upper string
	inos               map[uint64]int
	start              time.Time
}

func mountKernel(t require.TestingT, dir string, layers []*Tree, userns bool) *realUnion {
	k := &realUnion{dir: dir, merged: dir + "/merged", upper: dir + "/upper", inos: map[uint64]int{}, start: time.Now().Add(-2 * time.Second)}
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

func (k *realUnion) unmount() {
	_ = unix.Unmount(k.merged, 0)
	_ = exec.Command("chmod", "-R", "u+rwx", k.dir).Run
	_ = os.RemoveAll(k.dir)
}

// writeDisk lays a layer out as overlayfs reads it.
func writeDisk(t require.TestingT, l *Tree, dir, opaque string) {
	require.NoError(t, os.Mkdir(dir, 0o755))
	first := map[Ino]string{}
	var dirs []Path
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
		dirs = append(dirs, Path{name, p.Ino, p.Node})
	}
	dirs = append(dirs, Path{dir, rootIno, l.Root()})
	for _, p := range slices.Backward(dirs) {
		ts := []unix.Timespec{unix.NsecToTimespec(p.Mtime), unix.NsecToTimespec(p.Mtime)}
		require.NoError(t, unix.UtimesNanoAt(unix.AT_FDCWD, p.Path, ts, unix.AT_SYMLINK_NOFOLLOW))
	}
}

func makeDisk(t require.TestingT, p Path, name string) {
	switch p.Type() {
	case S_IFDIR:
		require.NoError(t, os.Mkdir(name, 0o755))
	case S_IFLNK:
		require.NoError(t, os.Symlink(p.Target, name))
	case S_IFREG:
		f, err := os.Create(name)
		require.NoError(t, err)
		for _, e := range extentsOf(p.Data) {
			b := make([]byte, e.n)
			_, err := e.src.ReadAt(b, e.off)
			require.NoError(t, err)
			_, err = f.WriteAt(b, e.at)
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
	if p.Type() != S_IFLNK && !p.IsWhiteout() {
		require.NoError(t, unix.Chmod(name, p.Mode&0o7777))
	}
}

func extentsOf(d *Data) []extent {
	if d == nil {
		return nil
	}
	return d.extents
}

// readDisk is an upper directory as a tree.
func readDisk(t require.TestingT, dir string) *Tree {
	b := NewBuilder()
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
		if old, ok := first[st.Ino]; ok && !(st.Mode&S_IFMT == S_IFCHR && st.Rdev == 0) {
			return b.Link(p, old)
		}
		if st.Mode&S_IFMT != S_IFDIR && st.Nlink > 1 {
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

func diskNode(name string, st unix.Stat_t) (n Node, err error) {
	n = Node{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev, Mtime: st.Mtim.Nano()}
	switch st.Mode & S_IFMT {
	case S_IFLNK:
		n.Target, err = os.Readlink(name)
	case S_IFREG:
		var b []byte
		b, err = os.ReadFile(name)
		n.Data = DataOf(b)
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
func (k *realUnion) compare(rt *rapid.T, m *world) {
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
func (k *realUnion) upperList(t *Tree) []string {
	b := NewBuilder()
	first := map[Ino]string{}
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

func (k *realUnion) stat(st unix.Stat_t) Stat {
	return Stat{Ino: st.Ino, Nlink: uint64(st.Nlink), Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev, Size: st.Size, Mtime: unixNano(k.when(st.Mtim.Nano()))}
}

func (k *realUnion) list() (out []string) {
	_ = filepath.WalkDir(k.merged, func(name string, _ os.DirEntry, err error) error {
		p := strings.TrimPrefix(strings.TrimPrefix(name, k.merged), "/")
		var st unix.Stat_t
		if p == "" {
			return nil
		}
		if e := unix.Lstat(name, &st); e != nil {
			out = append(out, "? "+p+" "+ErrnoOf(e).Name())
			return nil
		}
		target, _ := os.Readlink(name)
		var x Xattrs
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
		return result(unix.Truncate(p, int64(num(2))))
	case "utimens":
		ts := []unix.Timespec{{Sec: 5, Nsec: 123456789}, {Sec: 6, Nsec: 123456789}}
		return result(unix.UtimesNanoAt(unix.AT_FDCWD, p, ts, 0))
	case "mknod":
		mode := map[string]uint32{"p": S_IFIFO, "s": S_IFSOCK, "c": S_IFCHR}[arg(2)]
		return result(unix.Mknod(p, mode|0o644, int(Mkdev(uint32(num(3)), uint32(num(4))))))
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
		w := world{inos: k.inos, now: time.Unix(1800000000, 0)}
		return w.stat(k.stat(st))
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
	if st.Mode&S_IFMT != S_IFDIR {
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

// TestDiffApplyAny: what Diff finds between any two trees is what makes one of
// the other, and neither changes by it.
func TestDiffApplyAny(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawLayer(false).Draw(rt, "a"), drawLayer(false).Draw(rt, "b")
		before, want := must(a.Digest()), must(b.Digest())
		changes := Diff(a, b)
		got, err := Apply(a, changes)
		require.NoError(rt, err, "%v", listing(changes))
		require.Equal(rt, want, must(got.Digest()), "%v", listing(changes))
		require.Empty(rt, listing(Diff(got, b)))
		require.Equal(rt, before, must(a.Digest()))
	})
}
