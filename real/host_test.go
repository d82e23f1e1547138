package real

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
)

func TestHostTreeAndBack(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/sub"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/f"), []byte("text"), 0o640))
	require.NoError(t, os.Symlink("f", filepath.Join(dir, "a/link")))
	require.NoError(t, os.Link(filepath.Join(dir, "a/f"), filepath.Join(dir, "a/sub/hard")))
	tree, err := Host{}.Tree(filepath.Join(dir, "a"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/f"), []byte("changed later"), 0o640))
	require.EqualValues(t, 2, tree.Lookup("/a/f").Nlink)
	require.Equal(t, "f", tree.Lookup("/a/link").Target)

	out := t.TempDir()
	require.NoError(t, Host{}.Put(out, tree))
	text, err := os.ReadFile(filepath.Join(out, "a/sub/hard"))
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	again, err := Host{}.Tree(filepath.Join(out, "a"))
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
