package vfs

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
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

	"twinlayer/fs"
	"twinlayer/fs/testenv"
)

var (
	fuzzOps  = flag.Int("ops", 6000, "operations that TestKernel tries")
	fuzzSeed = flag.Uint64("seed", 1, "seed of TestKernel; 0: another one each time")
	inside   = flag.String("inside", "", "be the process that TestKernel or TestDocker starts, in `namespaces` of its own")
)

const (
	opsPerRun    = 32  // the most operations that one union sees
	runsPerRound = 200 // with one seed
)

// TestKernel gives the same layers and operations to the model and to a real
// overlayfs, as root and in a user namespace, and compares results, merged
// view, upper directory and canonical digest.
func TestKernel(t *testing.T) {
	if *inside != "" {
		fuzzKernel(t, *inside == "userns")
		return
	}
	if os.Getuid() == 0 {
		t.Run("root", func(t *testing.T) {
			t.Parallel()
			inNamespaces(t, "root", unix.CLONE_NEWNS)
		})
	}
	t.Run("user namespace", func(t *testing.T) {
		t.Parallel()
		inNamespaces(t, "userns", unix.CLONE_NEWNS|unix.CLONE_NEWUSER)
	})
}

// inNamespaces runs this test again where its mounts go with it.
func inNamespaces(t *testing.T, mode string, flags uintptr) {
	top, _, _ := strings.Cut(t.Name(), "/")
	args := []string{"-test.run=^" + top + "$", "-test.v", "-inside=" + mode, fmt.Sprintf("-ops=%d", *fuzzOps), fmt.Sprintf("-seed=%d", *fuzzSeed)}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		testenv.Lacking(t, "this machine forbids user namespaces")
	}
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, " operations in ") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func fuzzKernel(t *testing.T, userns bool) {
	ownThread(t)
	for i, c := range divergences {
		c.compare(t, fmt.Sprint("case", i), userns)
	}
	fuzz(t, func(rt *rapid.T, dir string) int { return compareOnce(rt, dir, userns) })
}

// ownThread makes this thread the only one that the test uses, with mounts, a
// working directory and groups of its own.
func ownThread(t *testing.T) {
	runtime.LockOSThread()
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	unix.Umask(0o022)
	_, _, _ = unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
	t.Chdir(scratch(t)) // what is above it may be closed to other users
}

// fuzz calls compare, each time with a new directory, until it has tried as
// many operations as the flag says.
func fuzz(t *testing.T, compare func(rt *rapid.T, dir string) int) {
	require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(runsPerRound)))
	require.NoError(t, flag.Set("rapid.nofailfile", "true"))
	start, ops, run := time.Now(), 0, 0
	seed := *fuzzSeed
	if seed == 0 {
		seed = uint64(start.UnixNano())
	}
	for ; ops < *fuzzOps && !t.Failed(); seed++ {
		require.NoError(t, flag.Set("rapid.seed", strconv.FormatUint(seed, 10)))
		rapid.Check(t, func(rt *rapid.T) {
			run++
			ops += compare(rt, strconv.Itoa(run))
		})
	}
	if !t.Failed() {
		t.Logf("%s: %d operations in %.1f s, 0 divergences", *inside, ops, time.Since(start).Seconds())
	}
}

// scratch is a directory in memory, or on disk where this kernel's tmpfs has
// no user attributes (before Linux 6.6).
func scratch(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	if err := unix.Setxattr(dir, "user.k", nil, 0); err != nil {
		require.NoError(t, unix.Unmount(dir, 0))
		return dir
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// compareOnce draws layers and operations and runs them in both worlds.
func compareOnce(rt *rapid.T, dir string, userns bool) int {
	layers := rapid.SliceOfN(drawLayer(userns), 1, 3).Draw(rt, "layers")
	n := rapid.IntRange(1, opsPerRun).Draw(rt, "n")
	ops := rapid.SliceOfN(drawOp(userns), n, n).Draw(rt, "ops")
	compareWorlds(rt, dir, layers, ops, userns)
	return len(ops)
}

// compareWorlds runs the operations on the kernel's union of the layers and
// on the model's.
func compareWorlds(t rapid.TB, dir string, layers []*fs.Tree, ops [][]any, userns bool) {
	k := mountKernel(t, dir, layers, userns)
	defer k.unmount()
	m := newWorld(layers)
	m.sys.Protected = k.protected
	if userns {
		m.sys.IDs, m.sys.Host = 1, false
	}
	for i, op := range ops {
		want, got := ofGone(op, k.do(op)), ofGone(op, observedResult(m.fuzz(op)))
		if want != got {
			t.Fatalf("operation %d %v:\nkernel %s\nmodel  %s\n%s", i, op, want, got, describeLayers(layers))
		}
	}
	k.setUID(0)
	m.sys.UID = 0
	k.compare(t, m)
}

// ofGone makes one of the errors that a change of an open, deleted lower inode
// ends with: which it is, the copy-up in a deleted directory leaves to chance.
func ofGone(op []any, result string) string {
	change := op[0] == "fchmod" || op[0] == "fsetxattr"
	if change && slices.Contains([]string{"ENOENT", "EEXIST", "ENOTDIR", "EIO"}, result) {
		return "gone"
	}
	return result
}

func describeLayers(layers []*fs.Tree) string {
	var out strings.Builder
	for i, l := range layers {
		fmt.Fprintf(&out, "layer %d:\n  %s\n", i, strings.Join(listUpper(l), "\n  "))
	}
	return out.String()
}

// fuzz runs an operation of the fuzzer: those of the observed cases, and some
// that these have not.
func (w *world) fuzz(op []any) string {
	p := "/" + fmt.Sprint(op[1])
	f := w.files[fmt.Sprint(op[1])]
	switch kind := op[0]; kind {
	case "fopen":
		w.fuzz([]any{"close", op[3]})
		if st, err := w.sys.Stat(p, true); err == nil && st.Mode&fs.S_IFMT == fs.S_IFIFO {
			return "fifo"
		}
		return w.open(p, fmt.Sprint(op[3]), fuzzFlags(op[2], false))
	case "read", "fstat", "fchmod", "fsetxattr", "close", "fwrite", "ftruncate", "freaddir":
		if f == nil {
			return "EBADF"
		}
		return w.fuzzFile(op, f)
	case "may":
		return result(w.sys.Access(p, uint32(op[2].(float64))))
	case "rmtree":
		if w.sys.UID != 0 {
			return "EPERM"
		}
	}
	return w.do(op)
}

func (w *world) fuzzFile(op []any, f *File) string {
	switch op[0] {
	case "close":
		delete(w.files, fmt.Sprint(op[1]))
		return result(f.Close())
	case "fwrite":
		_, err := f.Write([]byte(fmt.Sprint(op[2])))
		return result(err)
	case "ftruncate":
		return result(f.Truncate(int64(op[2].(float64))))
	case "freaddir":
		_, _ = f.Seek(0, io.SeekStart)
		names, err := f.Readdirnames(-1)
		if err != nil {
			return result(err)
		}
		return strings.Join(names, ",")
	}
	return w.do(op)
}

// fuzzFlags are the flags of an open, the kernel's or the model's.
func fuzzFlags(flags any, kernel bool) int {
	out := openFlags(fmt.Sprint(flags))
	for name, of := range map[string][2]int{"dir": {fs.O_DIRECTORY, unix.O_DIRECTORY}, "nofollow": {fs.O_NOFOLLOW, unix.O_NOFOLLOW}} {
		switch {
		case !slices.Contains(strings.Split(fmt.Sprint(flags), "|"), name):
		case kernel:
			out |= of[1]
		default:
			out |= of[0]
		}
	}
	return out
}

var fuzzNames = []string{"a", "b", "c"}

func drawPath() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return "t/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(fuzzNames), 1, 3).Draw(t, "path"), "/")
	})
}

// drawSpelled is a path in one of the ways that it can be written.
func drawSpelled() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		p := drawPath().Draw(t, "path")
		switch rapid.IntRange(0, 40).Draw(t, "spelling") {
		case 40:
			return p + "/"
		case 39:
			return p + "/."
		case 38:
			return p + "/.."
		case 37:
			return "t/./../" + p
		case 36:
			return p + "/../" + rapid.SampledFrom(fuzzNames).Draw(t, "beside")
		case 35:
			return p + strings.Repeat("n", 255)
		}
		return p
	})
}

// drawLayer is a small tree with everything that a layer can hold.
func drawLayer(userns bool) *rapid.Generator[*fs.Tree] {
	return rapid.Custom(func(t *rapid.T) *fs.Tree {
		b := fs.NewBuilder()
		_ = b.Put("/", fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: observedT0 * 1e9})
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

func drawNode(t *rapid.T, userns bool) fs.Node {
	perm := rapid.SampledFrom([]uint32{0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777}).Draw(t, "perm")
	n := fs.Node{Mode: perm, Mtime: observedT0 * 1e9}
	if !userns {
		n.UID = rapid.SampledFrom([]uint32{0, 0, 1, 65534}).Draw(t, "uid")
		n.GID = rapid.SampledFrom([]uint32{0, 0, 2}).Draw(t, "gid")
	}
	switch rapid.SampledFrom([]string{"f", "f", "f", "d", "d", "l", "w", "p", "sp"}).Draw(t, "type") {
	case "f":
		n.Mode, n.Data = n.Mode|fs.S_IFREG, fs.DataOf([]byte(rapid.SampledFrom([]string{"", "x", "lower"}).Draw(t, "data")))
	case "sp":
		n.Mode, n.Data = n.Mode|fs.S_IFREG, (*fs.Data)(nil).WriteAt([]byte("end"), 1<<16)
	case "d":
		n.Mode, n.Opaque = n.Mode|fs.S_IFDIR, rapid.IntRange(0, 4).Draw(t, "opaque") == 0
	case "l":
		n.Mode, n.Target = fs.S_IFLNK|0o777, rapid.SampledFrom([]string{"a", "b", "../a", "b/../b", "nosuch", "c/a"}).Draw(t, "to")
	case "w":
		return fs.Whiteout(n.Mtime)
	case "p":
		n.Mode |= fs.S_IFIFO
	}
	if n.Type() != fs.S_IFLNK && n.Type() != fs.S_IFIFO && rapid.IntRange(0, 5).Draw(t, "xattr") == 0 {
		n.Xattrs = fs.Xattrs{{Name: "user.k", Value: "v"}}
	}
	return n
}

// drawOp is one operation in the form of the observed cases.
func drawOp(userns bool) *rapid.Generator[[]any] {
	return rapid.Custom(func(t *rapid.T) []any {
		p, q := drawSpelled().Draw(t, "p"), drawSpelled().Draw(t, "q")
		mode := rapid.SampledFrom([]string{"600", "755", "4711", "0", "2775", "1777", "6755", "2644", "777"}).Draw(t, "mode")
		id := float64(rapid.SampledFrom([]int{-1, 0, 3}).Draw(t, "id"))
		switch kind := rapid.SampledFrom(fuzzKinds).Draw(t, "op"); kind {
		case "write":
			flags := rapid.SampledFrom([]string{"w", "w|creat", "w|trunc", "w|append", "w|creat|excl", "rw", "w|creat|trunc"}).Draw(t, "flags")
			return []any{kind, p, flags, rapid.SampledFrom([]string{"", "x", "longer"}).Draw(t, "text")}
		case "rmtree":
			return []any{kind, drawPath().Draw(t, "tree")}
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
			return []any{kind, p, rapid.SampledFrom([]string{"p", "s", "c", "b"}).Draw(t, "what"), float64(1), float64(3)}
		case "setxattr":
			name := drawXattr(t, userns)
			if name == "security.capability" {
				return []any{kind, p, name, capability}
			}
			return []any{kind, p, name, rapid.SampledFrom([]string{"2", ""}).Draw(t, "value")}
		case "removexattr", "getxattr":
			return []any{kind, p, drawXattr(t, userns)}
		case "may":
			return []any{kind, p, float64(rapid.IntRange(0, 7).Draw(t, "want"))}
		case "euid":
			if userns {
				return []any{"stat", p}
			}
			return []any{kind, float64(rapid.SampledFrom([]int{0, 1, 65534}).Draw(t, "uid"))}
		case "fopen":
			return []any{kind, p, rapid.SampledFrom(openings).Draw(t, "flags"), drawFile(t)}
		case "read", "fstat", "close", "freaddir":
			return []any{kind, drawFile(t)}
		case "fwrite":
			return []any{kind, drawFile(t), rapid.SampledFrom([]string{"", "y", "fd"}).Draw(t, "text")}
		case "ftruncate":
			return []any{kind, drawFile(t), float64(rapid.SampledFrom([]int{0, 3, 100}).Draw(t, "size"))}
		case "fchmod":
			return []any{kind, drawFile(t), mode}
		case "fsetxattr":
			return []any{kind, drawFile(t), "user.k", "fd"}
		default:
			return []any{kind, p}
		}
	})
}

var fuzzKinds = []string{
	"write", "write", "write", "mkdir", "mkdir", "unlink", "unlink", "unlink", "rmdir", "rmtree", "rename", "rename", "rename", "renamex",
	"link", "symlink", "chmod", "chown", "lchown", "truncate", "utimens", "mknod", "setxattr", "removexattr", "getxattr",
	"cat", "readdir", "stat", "stat", "readlink", "listxattr", "may", "euid",
	"fopen", "fopen", "read", "fwrite", "fwrite", "fstat", "ftruncate", "fchmod", "fsetxattr", "close", "freaddir",
}

var openings = []string{
	"r", "r", "w", "rw", "r|creat", "w|creat", "rw|creat|excl", "r|trunc", "w|trunc", "rw|creat|trunc", "w|append", "rw|creat|append",
	"r|dir", "r|nofollow", "w|nofollow", "r|dir|nofollow", "w|dir", "r|creat|dir", "w|creat|nofollow",
}

// capability is cap_net_raw+ep as security.capability holds it (version 2 of
// vfs_cap_data, capabilities(7)).
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func drawXattr(t *rapid.T, userns bool) string {
	names := []string{"user.k", "user.k", "user.j", "trusted.k", "nospace"}
	if !userns { // where the kernel would write it in terms of the namespace
		names = append(names, "security.capability")
	}
	return rapid.SampledFrom(names).Draw(t, "xattr")
}

func drawFile(t *rapid.T) string { return rapid.SampledFrom([]string{"f", "g"}).Draw(t, "file") }

// TestDiffApplyAny: what Diff finds between any two trees is what makes one of
// the other, and neither changes by it.
func TestDiffApplyAny(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawLayer(false).Draw(rt, "a"), drawLayer(false).Draw(rt, "b")
		before, want := must(a.Digest()), must(b.Digest())
		changes := fs.Diff(a, b)
		got, err := fs.Apply(a, changes)
		require.NoError(rt, err, "%v", listing(changes))
		require.Equal(rt, want, must(got.Digest()), "%v", listing(changes))
		require.Empty(rt, listing(fs.Diff(got, b)))
		require.Equal(rt, before, must(a.Digest()))
	})
}
