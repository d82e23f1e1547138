package overlay

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
)

func TestInitLayer(t *testing.T) {
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/etc/hosts", fs.Node{Mode: fs.S_IFREG | 0o600}))
	require.NoError(t, b.Put("/etc", fs.Node{Mode: fs.S_IFDIR | 0o750, UID: 7}))
	require.NoError(t, b.Put("/sys", fs.Node{Mode: fs.S_IFREG | 0o600}))
	init := InitLayer(b.Tree())
	require.Nil(t, init.Lookup("/etc/hosts"), "the image has it")
	require.NotNil(t, init.Lookup("/etc/hostname"))
	require.Equal(t, uint32(fs.S_IFDIR|0o750), init.Lookup("/etc").Mode)
	require.EqualValues(t, 7, init.Lookup("/etc").UID)
	require.Equal(t, "/proc/mounts", init.Lookup("/etc/mtab").Target)
	require.True(t, init.Lookup("/proc").IsDir())
	require.Nil(t, init.Lookup("/sys"))
	require.EqualValues(t, fs.S_IFREG|0o755, init.Lookup("/dev/console").Mode)
	require.Nil(t, InitLayer(init).Lookup("/etc/mtab"), "nothing is missing any more")
}
