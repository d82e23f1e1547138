package real

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
	"twinlayer/sim"
)

func TestHostTreeAndBack(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/sub"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/f"), []byte("text"), 0o640))
	require.NoError(t, os.Symlink("f", filepath.Join(dir, "a/link")))
	require.NoError(t, os.Link(filepath.Join(dir, "a/f"), filepath.Join(dir, "a/sub/hard")))
	tree, err := Host{}.Tree(t.Context(), filepath.Join(dir, "a"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/f"), []byte("changed later"), 0o640))
	require.EqualValues(t, 2, tree.Lookup("/a/f").Nlink)
	require.Equal(t, "f", tree.Lookup("/a/link").Target)

	out := t.TempDir()
	require.NoError(t, Host{}.Put(out, tree))
	text, err := os.ReadFile(filepath.Join(out, "a/sub/hard"))
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	again, err := Host{}.Tree(t.Context(), filepath.Join(out, "a"))
	require.NoError(t, err)
	x, err := tree.Digest()
	require.NoError(t, err)
	y, err := again.Digest()
	require.NoError(t, err)
	require.Equal(t, x, y)
}

// TestHostPutStaysInside: a tree cannot lead out of where it is written.
func TestHostPutStaysInside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "door")))
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/door/x", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))}))
	require.NoError(t, Host{}.Put(dir, b.Tree()), "the symlink is replaced")
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, left)
	b = fs.NewBuilder()
	require.NoError(t, b.Put("/null", fs.Node{Mode: fs.S_IFCHR | 0o666, Rdev: fs.Mkdev(1, 3)}))
	require.ErrorContains(t, Host{}.Put(dir, b.Tree()), "not copied to the host")
}

func TestHostCreateIsWholeOrNot(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Host{}.Create(name, func(w io.Writer) error { _, err := w.Write([]byte("old")); return err }))
	require.Error(t, Host{}.Create(name, func(w io.Writer) error { w.Write([]byte("half")); return errors.New("no more") }))
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
	left, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, left, 1)
	kind, err := Host{}.Kind(filepath.Dir(name))
	require.NoError(t, err)
	require.Equal(t, sim.HostDir, kind)
}

// A directory that is bound into a container is in its hands: what it exchanges
// while the directory is copied neither hangs nor leads out of it.
func TestHostTreeExchanged(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "f"), []byte("secret"), 0o644))
	names := []string{"file", "pipe", "link", "door", "sub"}
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.Mkdir(at("sub"), 0o755))
	for _, name := range []string{"file", "sub/f"} {
		require.NoError(t, os.WriteFile(at(name), []byte("own"), 0o644))
	}
	if err := fs.Host().Mknod(at("pipe"), fs.S_IFIFO|0o644, 0); err != nil {
		t.Skip("there are no fifos here: ", err)
	}
	require.NoError(t, os.Symlink(filepath.Join(outside, "f"), at("link")))
	require.NoError(t, os.Symlink(outside, at("door")))
	var done atomic.Bool
	var exchanging sync.WaitGroup
	exchanging.Go(func() {
		for !done.Load() {
			a, b := at(names[rand.IntN(len(names))]), at(names[rand.IntN(len(names))])
			os.Rename(a, at("aside"))
			os.Rename(b, a)
			os.Rename(at("aside"), b)
		}
	})
	defer exchanging.Wait()
	defer done.Store(true)
	for range 300 {
		tree, err := Host{}.Tree(t.Context(), dir)
		require.NoError(t, err)
		for p := range tree.All() {
			if p.IsRegular() {
				text, err := p.Data.Bytes()
				require.NoError(t, err)
				require.Equal(t, "own", string(text), p.Path)
			}
		}
	}
}

// doneAfter is a context that is done once it was asked so often.
type doneAfter struct {
	context.Context
	left atomic.Int64
}

func (d *doneAfter) Err() error {
	if d.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestHostEnds: the reading of a directory, and of a file, ends with the
// command.
func TestHostEnds(t *testing.T) {
	dir := t.TempDir()
	for i := range 100 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), []byte("x"), 0o644))
	}
	huge := filepath.Join(t.TempDir(), "huge")
	require.NoError(t, os.WriteFile(huge, nil, 0o644))
	require.NoError(t, os.Truncate(huge, 1<<40))
	for _, name := range []string{dir, huge} {
		ctx := &doneAfter{Context: t.Context()}
		ctx.left.Store(20)
		_, err := Host{}.Tree(ctx, name)
		require.ErrorIs(t, err, context.Canceled)
		require.Greater(t, ctx.left.Load(), int64(-5), "it ends at once")
	}
}

// TestHostDeep: what a copy costs does not grow with the square of the depth.
// It counts what is allocated, which grows with every look-up from the top.
func TestHostDeep(t *testing.T) {
	cost := func(depth int) (put, tree uint64) {
		b, name := fs.NewBuilder(), ""
		for range depth {
			name += "/d"
			require.NoError(t, b.Put(name, fs.Node{Mode: fs.S_IFDIR | 0o755}))
		}
		dir := t.TempDir()
		put = testenv.Allocations(func() { require.NoError(t, Host{}.Put(dir, b.Tree())) })
		tree = testenv.Allocations(func() {
			again, err := Host{}.Tree(t.Context(), filepath.Join(dir, "d"))
			require.NoError(t, err)
			require.NotNil(t, again.Lookup(name))
		})
		return put, tree
	}
	put, tree := cost(100)
	put4, tree4 := cost(400)
	require.Less(t, put4, 6*put)
	require.Less(t, tree4, 6*tree)
}
