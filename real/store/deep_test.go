//go:build linux

package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// nest makes directories in one another below dir, each called name, and in
// the last one a file.
func nest(t testing.TB, dir, name string, depth int) {
	t.Helper()
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	require.NoError(t, err)
	for range depth {
		require.NoError(t, unix.Mkdirat(at, name, 0o755))
		next, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		require.NoError(t, err)
		unix.Close(at)
		at = next
	}
	f, err := overlay.CreateAt(at, "bottom")
	require.NoError(t, err)
	_, err = f.WriteString("deep")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	unix.Close(at)
}

// deepDir is a directory that the test's own end can remove.
func deepDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "twinlayer-deep-")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, overlay.RemoveAll(dir))
		_, err := os.Lstat(dir)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	return dir
}

// A container can nest directories deeper than a path can say, and deeper than
// there may be open files.
func TestDeep(t *testing.T) {
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	lower := limit
	lower.Cur = 600
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &lower))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	const depth = 1000
	dir := deepDir(t)
	nest(t, dir, "directory", depth)
	bottom := strings.Repeat("/directory", depth) + "/bottom"

	changes, err := overlay.Changes(t.Context(), dir, overlay.Dir{})
	require.NoError(t, err)
	require.Len(t, changes, depth+1)
	require.Equal(t, fs.Change{Kind: fs.Add, Path: bottom}, changes[depth])

	contents, err := os.Create(filepath.Join(t.TempDir(), "contents"))
	require.NoError(t, err)
	entries, err := overlay.ReadUpper(t.Context(), dir, contents)
	require.NoError(t, err)
	tree, err := overlay.Tree(entries, contents, nil)
	require.NoError(t, err)
	text, err := tree.Lookup(bottom).Data.Bytes()
	require.NoError(t, err)
	require.Equal(t, "deep", string(text))

	other := deepDir(t)
	require.NoError(t, overlay.Put(t.Context(), other, entries, contents))
	again, err := overlay.ReadUpper(t.Context(), other, contents)
	require.NoError(t, err)
	require.Equal(t, bottom, again[depth+1].Path)
	require.NoError(t, overlay.Put(t.Context(), other, entries[:2], contents), "what is there stays")

	n := 0
	require.NoError(t, overlay.Walk(t.Context(), dir, func(string, *overlay.Stat) error { n++; return nil }))
	require.Equal(t, depth+1, n)

	_, _, _, err = batch(t, open(t, t.TempDir())).Upper(t.Context(), Upper{Dir: dir})
	require.ErrorContains(t, err, "4095 are the most that any engine can unpack")
}

// What is just short enough becomes a layer, though the store's own part of
// the path makes it too long for the kernel.
func TestDeepestLayer(t *testing.T) {
	const depth, name = 200, "directory-with-name"
	for _, share := range []bool{false, true} {
		dir, s := deepDir(t), open(t, t.TempDir())
		nest(t, dir, name, depth)
		deepest := strings.Repeat("/"+name, depth) + "/bottom"
		b := batch(t, s)
		l, ok, _, err := b.Upper(t.Context(), Upper{Dir: dir, Share: share})
		require.NoError(t, err)
		require.True(t, ok)
		b.Cached = true
		require.NoError(t, b.Place())
		in, err := OpenTar(s.LayerDir(l.DiffID))
		require.NoError(t, err)
		tree, err := fs.ReadTar(in)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		text, err := tree.Lookup(deepest).Data.Bytes()
		require.NoError(t, err)
		require.Equal(t, "deep", string(text))

		upper := deepDir(t)
		changes, err := overlay.Changes(t.Context(), upper, overlay.Dir{s.LayerTree(l.DiffID)})
		require.NoError(t, err)
		require.Empty(t, changes)
		require.NoError(t, unix.Mkdir(filepath.Join(upper, name), 0o755))
		require.NoError(t, unix.Setxattr(filepath.Join(upper, name), overlay.OpaqueAttr, []byte("y"), 0))
		changes, err = overlay.Changes(t.Context(), upper, overlay.Dir{s.LayerTree(l.DiffID)})
		require.NoError(t, err)
		require.Equal(t, []fs.Change{{Kind: fs.Modify, Path: "/" + name}, {Kind: fs.Delete, Path: "/" + name + "/" + name}}, changes)
		if share {
			require.NoError(t, overlay.Unshare(dir, filepath.Join(t.TempDir(), "own")))
		}
	}
}

// ending is a context that ends when it has been asked so often.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// Every walker ends soon after its context, wherever it is then.
func TestInterrupted(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	for _, sub := range []string{"a", "b/c"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
		for _, name := range []string{"1", "2", "3"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, sub, name), []byte("text"), 0o644))
		}
	}
	contents, err := os.Create(filepath.Join(t.TempDir(), "contents"))
	require.NoError(t, err)
	entries, err := overlay.ReadUpper(t.Context(), dir, contents)
	require.NoError(t, err)
	s := open(t, t.TempDir())
	for name, walk := range map[string]func(context.Context) error{
		"diff":   func(ctx context.Context) error { _, err := overlay.Changes(ctx, dir, overlay.Dir{into}); return err },
		"layer":  func(ctx context.Context) error { _, err := overlay.ReadUpper(ctx, dir, contents); return err },
		"commit": func(ctx context.Context) error { _, _, _, err := batch(t, s).Upper(ctx, Upper{Dir: dir}); return err },
		"shared": func(ctx context.Context) error {
			_, _, _, err := batch(t, s).Upper(ctx, Upper{Dir: dir, Share: true})
			return err
		},
		"copy out": func(ctx context.Context) error {
			return overlay.Aside(func() error { _, err := overlay.ReadPath(ctx, dir, contents); return err })
		},
		"copy in": func(ctx context.Context) error { return overlay.Put(ctx, into, entries, contents) },
		"evidence": func(ctx context.Context) error {
			return overlay.Walk(ctx, dir, func(string, *overlay.Stat) error { return nil })
		},
	} {
		asked := &ending{t.Context(), 1 << 30}
		require.NoError(t, walk(asked), name)
		asks := 1<<30 - asked.left
		require.Greater(t, asks, 8, name)
		for left := range asks - 3 { // what is asked last may come too late
			require.ErrorIs(t, walk(&ending{t.Context(), left}), context.Canceled, "%s, at %d of %d", name, left, asks)
		}
	}
}

// What is nested or claimed without an end is refused before it fills the
// memory or the disk.
func TestTooMuch(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
		require.NoError(t, os.Truncate(filepath.Join(dir, name), overlay.MostBytes/2+1))
	}
	contents, err := os.Create(filepath.Join(t.TempDir(), "contents"))
	require.NoError(t, err)
	_, err = overlay.ReadUpper(t.Context(), dir, contents)
	require.ErrorContains(t, err, "there is more than can be read of a container")
	r := overlay.Room{}
	require.NoError(t, r.Takes(strings.Repeat("x", overlay.MostPaths)))
	require.ErrorContains(t, r.Takes("x"), "there is more than can be read of a container")
}
