package fs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHostTellsStats(t *testing.T) {
	h, dir := Host(), t.TempDir()
	name := filepath.Join(dir, "f")
	f, err := h.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o640)
	require.NoError(t, err)
	_, err = f.WriteString("hello")
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, int64(5), info.Sys().(*Stat).Size)

	when := time.Unix(1000, 0)
	require.NoError(t, h.Utimes(name, time.Time{}, when, true))
	info, err = h.Stat(name)
	require.NoError(t, err)
	st := info.Sys().(*Stat)
	require.True(t, st.Mtime.Equal(when))
	require.Equal(t, uint32(S_IFREG), st.Mode&S_IFMT)

	d, err := h.Open(dir)
	require.NoError(t, err)
	defer d.Close()
	list, err := d.Readdir(-1)
	require.NoError(t, err)
	require.IsType(t, &Stat{}, list[0].Sys())
}

func TestHostFailsAsLinuxDoes(t *testing.T) {
	h, dir := Host(), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, h.MkdirAll(at("d/e"), 0o755))
	f, err := h.Create(at("f"))
	require.NoError(t, err)
	f.Close()
	for want, err := range map[Errno]error{
		ENOENT:    h.Unlink(at("nope")),
		ENOTDIR:   h.Rmdir(at("f")),
		EISDIR:    h.Unlink(at("d")),
		ENOTEMPTY: h.Rmdir(at("d")),
		EEXIST:    h.Mkdir(at("d"), 0o755),
	} {
		require.Equal(t, want, ErrnoOf(err))
	}
	require.NoError(t, h.Access(at("f"), 4))
	require.Error(t, h.Access(at("f"), 1))
}
