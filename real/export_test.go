//go:build linux

package real_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
)

// TestExports: what docker export writes is the same in every world, also of
// an image that lacks the directories that an engine needs, or has something
// else in their place.
func TestExports(t *testing.T) {
	s := bothAt(t, t.TempDir())
	agreed(t, s, "docker create --name hello hello-world")
	agreed(t, s, "docker run --name box busybox sh -c 'mkdir /etc/mine; ln -s /tmp /mtab'")
	b := fs.NewBuilder()
	b.MustPut("/dev", fs.Node{Mode: fs.S_IFREG | 0o600})
	b.MustPut("/etc", fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "tmp"})
	b.MustPut("/tmp", fs.Node{Mode: fs.S_IFDIR | 0o700, UID: 7})
	tar, err := os.Create(filepath.Join(t.TempDir(), "odd.tar"))
	require.NoError(t, err)
	require.NoError(t, b.Tree().WriteTar(tar))
	require.NoError(t, tar.Close())
	agreed(t, s, "docker import "+tar.Name()+" odd")
	agreed(t, s, "docker create --name onodd odd /nothing")
	for _, name := range []string{"hello", "box", "onodd"} {
		require.Equal(t, exported(t, s.Real, name), exported(t, s.Model, name), name)
	}
	require.Contains(t, exported(t, s.Model, "hello"), "/dev/console 100755 0 ")
}

// exported are the paths of a container, with what they are.
func exported(t *testing.T, e sim.Engine, key string) (lines []string) {
	tree, err := e.CopyOut(t.Context(), key, "/")
	require.NoError(t, err)
	for p := range tree.All() {
		lines = append(lines, fmt.Sprintf("%s %o %d %s", p.Path, p.Mode, p.UID, p.Target))
	}
	return lines
}
