package kernel

import (
	"testing"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
)

// TestCredentialsIn: a user namespace knows the ids that it maps, and one that
// maps a single id no groups.
func TestCredentialsIn(t *testing.T) {
	for _, c := range []struct {
		name     string
		ids      fs.IDMap
		uid, gid uint32
		ok       bool
		groups   []uint32
	}{
		{"all", 0, 1 << 31, 1 << 31, true, []uint32{8, 50}},
		{"one, as root", 1, 0, 0, true, nil},
		{"one, as another", 1, 1, 0, false, nil},
		{"a range", 65536, 65535, 65535, true, []uint32{8, 50}},
		{"beyond it", 65536, 65536, 0, false, []uint32{8, 50}},
		{"a group beyond it", 65536, 0, 65536, false, []uint32{8, 50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, ok := Credentials{UID: c.uid, GID: c.gid, Groups: []uint32{8, 50}}.In(c.ids)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.groups, in.Groups)
		})
	}
}

// TestCredentialsOn: what a process may do with files comes of them.
func TestCredentialsOn(t *testing.T) {
	m, _ := booted(t)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/theirs", fs.Node{Mode: fs.S_IFREG | 0o640, UID: 1, GID: 50, Data: fs.DataOf([]byte("x"))}))
	tree := b.Tree()
	mounts := m.ContainerMounts(vfs.NewUnion(nil, tree, vfs.NewUpper(tree, 0)), Files{}, time.Unix(0, 0))
	as := func(c Credentials) *vfs.Sys {
		sys := &vfs.Sys{Mounts: mounts.Fork(), Clock: time.Now}
		c.On(sys)
		return sys
	}
	open := func(c Credentials) error {
		f, err := as(c).FS().Open("/theirs")
		if err == nil {
			f.Close()
		}
		return err
	}
	require.NoError(t, open(Credentials{}))
	require.ErrorIs(t, open(Credentials{Dropped: vfs.CAP_DAC_OVERRIDE | vfs.CAP_DAC_READ_SEARCH}), fs.EACCES)
	require.ErrorIs(t, open(Credentials{UID: 7, GID: 7}), fs.EACCES)
	require.NoError(t, open(Credentials{UID: 7, GID: 7, Groups: []uint32{50}}))
	sys := as(Credentials{Umask: 0o077})
	require.NoError(t, sys.Mkdir("/private", 0o777))
	st, err := sys.Stat("/private", false)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, st.Mode&0o777)
}
