package sim

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
)

func TestMemHost(t *testing.T) {
	h := NewMemHost(func() time.Time { return time.Unix(7, 0) })
	kind, err := h.Kind("a")
	require.NoError(t, err)
	require.Equal(t, HostNothing, kind)
	require.NoError(t, h.Create("a", func(w io.Writer) error { _, err := io.WriteString(w, "text"); return err }))
	r, err := h.Open("/home/a")
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	_, err = h.Open("b")
	require.ErrorContains(t, err, "no such file")
	_, err = h.Open(".")
	require.ErrorContains(t, err, "is a directory")
	require.Error(t, h.Create("nowhere/a", func(io.Writer) error { return nil }))
	require.ErrorIs(t, h.Create("whole", func(w io.Writer) error { w.Write([]byte("half")); return fs.EIO }), fs.EIO)
	kind, err = h.Kind("whole")
	require.NoError(t, err)
	require.Equal(t, HostNothing, kind, "a file is there whole or not at all")

	tree, err := h.Tree(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 4, tree.Lookup("/a").Size())
	require.EqualValues(t, 7, time.Unix(0, tree.Lookup("/a").Mtime).Unix())
	require.NoError(t, h.Put("/", tree))
	kind, err = h.Kind("/a")
	require.NoError(t, err)
	require.Equal(t, HostFile, kind)
}

func TestMemTempDir(t *testing.T) {
	h := NewMemHost(time.Now)
	d, err := h.TempDir()
	require.NoError(t, err)
	other, err := h.TempDir()
	require.NoError(t, err)
	require.NotEqual(t, d.Path(), other.Path())
	require.NoError(t, d.Write("src/main.c", "int"))
	require.NoError(t, d.Write("src/main.c", "int main"))
	files, err := d.Files()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"src/main.c": "int main"}, files)
	tree, err := HostIn(h, d.Path()).Tree(t.Context(), "src/.")
	require.NoError(t, err)
	require.NotNil(t, tree.Lookup("/src/main.c"))
	require.NoError(t, d.Clear())
	files, err = d.Files()
	require.NoError(t, err)
	require.Empty(t, files)
	require.NoError(t, d.Remove())
	kind, err := h.Kind(d.Path())
	require.NoError(t, err)
	require.Equal(t, HostNothing, kind)
}
