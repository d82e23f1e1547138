package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
)

// deepPath is what BenchmarkLookup looks up.
const deepPath = "/usr/share/doc/package/copyright"

// stackOf is n layers: the bottom one has deepPath, each other one a file of
// its own in the same directory.
func stackOf(n int) []*fs.Tree {
	var layers []*fs.Tree
	for i := range n {
		b := fs.NewBuilder()
		name := filepath.Dir(deepPath) + fmt.Sprintf("/file%d", i)
		if i == 0 {
			name = deepPath
		}
		_ = b.Put(name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))})
		layers = append(layers, b.Tree())
	}
	return layers
}

// BenchmarkLookup stats a path of the bottom layer through 1 and 100 layers:
// in the model, on the kernel's overlayfs, and on afero's CopyOnWriteFs, each
// layer of which is laid on those below.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1, 100} {
		layers := stackOf(n)
		b.Run(fmt.Sprintf("model/%d", n), func(b *testing.B) {
			sys := newWorld(layers).sys
			for b.Loop() {
				_, err := sys.Stat(deepPath, true)
				require.NoError(b, err)
			}
		})
		b.Run(fmt.Sprintf("kernel/%d", n), func(b *testing.B) { benchKernel(b, layers) })
		b.Run(fmt.Sprintf("afero/%d", n), func(b *testing.B) {
			fs := aferoStack(b, layers)
			for b.Loop() {
				_, err := fs.Stat(deepPath)
				require.NoError(b, err)
			}
		})
	}
}

func aferoStack(b *testing.B, layers []*fs.Tree) afero.Fs {
	var stack afero.Fs
	for _, l := range layers {
		layer := afero.NewMemMapFs()
		for p := range l.All() {
			if p.IsRegular() {
				require.NoError(b, afero.WriteFile(layer, p.Path, []byte("x"), 0o644))
			}
		}
		if stack == nil {
			stack = layer
		} else {
			stack = afero.NewCopyOnWriteFs(stack, layer)
		}
	}
	return stack
}

// benchKernel mounts the layers in a mount namespace of this thread's own.
// The dentry cache is the kernel's strength: it remembers what was found.
func benchKernel(b *testing.B, layers []*fs.Tree) {
	if os.Geteuid() != 0 {
		testenv.Lacking(b, "not root: overlayfs cannot be mounted here")
	}
	runtime.LockOSThread() // and never unlocked: the namespace ends with the thread
	require.NoError(b, unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS))
	require.NoError(b, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	dir := b.TempDir()
	require.NoError(b, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	require.NoError(b, unix.Chdir(dir))
	var lower []string
	for i, l := range layers {
		writeDisk(b, l, fmt.Sprint(i), "trusted.overlay.opaque")
		lower = append([]string{fmt.Sprint(i)}, lower...)
	}
	for _, d := range []string{"u", "w", "m"} {
		require.NoError(b, os.Mkdir(d, 0o755))
	}
	require.NoError(b, unix.Mount("overlay", "m", "overlay", 0, "lowerdir="+strings.Join(lower, ":")+",upperdir=u,workdir=w"))
	var st unix.Stat_t
	for b.Loop() {
		require.NoError(b, unix.Stat("m"+deepPath, &st))
	}
	require.NoError(b, unix.Chdir("/"))
	require.NoError(b, unix.Unmount(dir, unix.MNT_DETACH))
}

// bigUnion is a union on a lower layer of n files.
func bigUnion(n int) *Sys {
	b := fs.NewBuilder()
	for i := range n {
		_ = b.Put(fmt.Sprintf("/d%03d/f%d", i%1000, i), fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))})
	}
	return newWorld([]*fs.Tree{b.Tree()}).sys
}

// BenchmarkSnapshot keeps the state of a union on 100,000 files, 1,000 of
// which have changed.
func BenchmarkSnapshot(b *testing.B) {
	sys := bigUnion(100_000)
	for i := range 1000 {
		require.NoError(b, sys.Chmod(fmt.Sprintf("/d%03d/f%d", i, i), 0o600))
	}
	for b.Loop() {
		sys.Mounts.Snapshot()
	}
}

// BenchmarkHistory makes 1,000 edits of a tree of 100,000 files, keeps the
// tree after each, and compares each with the one before.
func BenchmarkHistory(b *testing.B) {
	builder := fs.NewBuilder()
	for i := range 100_000 {
		_ = builder.Put(fmt.Sprintf("/d%03d/f%d", i%1000, i), fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))})
	}
	start := builder.Tree()
	var kept []*fs.Tree
	before := testenv.Heap()
	for b.Loop() {
		kept = append(kept[:0:0], start)
		for i := range 1000 {
			last := kept[len(kept)-1]
			next, err := fs.Apply(last, []fs.Change{{Kind: fs.Add, Path: fmt.Sprintf("/d%03d/f%d", i, i), Node: &fs.Node{Mode: fs.S_IFREG | 0o600, Data: fs.DataOf([]byte("y"))}}})
			require.NoError(b, err)
			require.Len(b, fs.Diff(last, next), 1)
			kept = append(kept, next)
		}
	}
	b.ReportMetric(float64(testenv.Heap()-before)/1e6, "MB-kept")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/history")
	runtime.KeepAlive(kept)
}
