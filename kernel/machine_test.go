package kernel

import (
	"io"
	"testing"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv"
)

// its flags are every package's

func booted(t *testing.T) (Machine, []fs.Event) {
	m := New(Teaching("x86_64"))
	require.Equal(t, Off, m.Phase)
	var events []fs.Event
	for {
		next, e, ok := m.Boot()
		if !ok {
			return m, events
		}
		m, events = next, append(events, e)
	}
}

func TestBoot(t *testing.T) {
	m, events := booted(t)
	var ops []string
	for _, e := range events {
		ops = append(ops, e.Op)
		require.NotEmpty(t, e.Why)
	}
	require.Equal(t, []string{"power-on", "load", "mount", "unmount", "exec"}, ops)
	require.Equal(t, Up, m.Phase)
	for _, mount := range m.Mounts {
		require.NotEqual(t, "bootfs", mount.Source, "the bootfs is unmounted")
	}
	require.Equal(t, []string{"init"}, m.Processes()[0].Args)
}

func TestOneKernelForAll(t *testing.T) {
	m, _ := booted(t)
	tree := fs.NewBuilder().Tree()
	for range 2 {
		root := vfs.NewUnion(nil, tree, vfs.NewUpper(tree, 0))
		mounts := m.ContainerMounts(root, Files{}, time.Unix(0, 0))
		sys := &vfs.Sys{Mounts: mounts, Clock: time.Now}
		require.NoError(t, sys.Mkdir("/proc", 0o755))
		f, err := sys.FS().Open("/proc/sys/kernel/osrelease")
		require.NoError(t, err)
		text, err := io.ReadAll(f)
		require.NoError(t, err)
		require.Equal(t, m.Release+"\n", string(text))
	}
}
