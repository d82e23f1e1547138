//go:build linux

package suite

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
)

// WriteRoot writes a root file system with a stranger's busybox in it.
func WriteRoot(t *testing.T, busybox, name string) {
	exe, err := os.ReadFile(busybox)
	require.NoError(t, err)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/bin/busybox", fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf(exe)}))
	for _, applet := range []string{"sh", "rm"} {
		require.NoError(t, b.Put("/bin/"+applet, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "busybox"}))
	}
	require.NoError(t, b.Put("/etc/passwd", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("root:x:0:0:root:/:/bin/sh\n"))}))
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, b.Tree().WriteTar(f))
	require.NoError(t, f.Close())
}
