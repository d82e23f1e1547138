package vfs

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"twinlayer/fs"

	"github.com/moby/go-archive"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestDocker makes changes to the same layers in the model and on a real
// overlayfs. What moby's own code then says of the latter, for docker diff and
// for docker commit, is what the model says.
func TestDocker(t *testing.T) {
	if *inside != "" {
		ownThread(t)
		fuzz(t, compareDocker)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("not root: moby's code reads attributes that only root can see")
	}
	inNamespaces(t, "docker", unix.CLONE_NEWNS)
}

// compareDocker draws layers and operations, and compares what came of them.
func compareDocker(rt *rapid.T, dir string) int {
	layers := rapid.SliceOfN(drawLayer(false), 1, 3).Draw(rt, "layers")
	n := rapid.IntRange(1, opsPerRun).Draw(rt, "n")
	ops := rapid.SliceOfN(drawOp(false), n, n).Draw(rt, "ops")
	k := mountKernel(rt, dir, layers, false)
	defer k.unmount()
	m := newWorld(layers)
	m.sys.Protected = k.protected
	for _, op := range ops {
		k.do(op)
		m.fuzz(op)
	}
	k.setUID(0)
	union := m.sys.Mounts.Root()
	require.Equal(rt, k.dockerDiff(rt, len(layers)), sorted(listing(union.Changes())), "docker diff\n%s", describeLayers(layers))
	layer, err := union.Layer(fs.DockerNative)
	require.NoError(rt, err)
	require.Equal(rt, listUpper(withoutTimes(k.dockerLayer(rt))), listUpper(withoutTimes(layer)), "docker commit\n%s", describeLayers(layers))
	return n
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// dockerDiff is what moby makes of the merged view and that of the layers.
func (k *realUnion) dockerDiff(t rapid.TB, layers int) (out []string) {
	below := k.dir + "/below"
	require.NoError(t, os.MkdirAll(below, 0o755))
	require.NoError(t, os.MkdirAll(k.dir+"/empty", 0o755))
	lower := []string{k.dir + "/empty"} // overlayfs wants two
	for i := range layers {
		lower = append(lower, fmt.Sprintf("%s/l%d", k.dir, layers-1-i))
	}
	require.NoError(t, unix.Mount("overlay", below, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(lower, ":")))
	defer func() { _ = unix.Unmount(below, unix.MNT_DETACH) }()
	changes, err := archive.ChangesDirs(k.merged, below)
	require.NoError(t, err)
	for _, c := range changes {
		out = append(out, c.String())
	}
	return sorted(out)
}

// dockerLayer is the tar that moby makes of the upper directory.
func (k *realUnion) dockerLayer(t rapid.TB) *fs.Tree {
	r, err := archive.TarWithOptions(k.upper, &archive.TarOptions{WhiteoutFormat: archive.OverlayWhiteoutFormat})
	require.NoError(t, err)
	defer r.Close()
	tree, _, err := fs.ReadLayer(r, nil, fs.DefaultLimits)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, r)
	return tree
}

// withoutTimes is the tree with all times alike.
func withoutTimes(t *fs.Tree) *fs.Tree {
	b := fs.NewBuilder()
	first := map[fs.Ino]string{}
	for p := range t.All() {
		if old, ok := first[p.Ino]; ok {
			_ = b.Link(p.Path, old)
			continue
		}
		first[p.Ino] = p.Path
		n := *p.Node
		n.Mtime = observedT0 * 1e9
		_ = b.Put(p.Path, n)
	}
	return b.Tree()
}
