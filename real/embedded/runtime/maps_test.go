//go:build linux

package runtime

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestMapsFiles(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(4096))
	for _, c := range []struct {
		prot, flags int
		want        bool
	}{
		{unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED, true},
		{unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE, false},
		{unix.PROT_READ, unix.MAP_SHARED, false},
	} {
		b, err := unix.Mmap(int(f.Fd()), 0, 4096, c.prot, c.flags)
		require.NoError(t, err)
		require.Equal(t, c.want, mapsFiles(os.Getpid()), c)
		require.NoError(t, unix.Munmap(b))
	}
	require.False(t, mapsFiles(os.Getpid()))
}
