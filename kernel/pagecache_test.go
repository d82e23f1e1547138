package kernel

import (
	"strings"
	"testing"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
)

// layer is a layer of files, with a directory for each.
func layer(t *testing.T, files map[string]string) *fs.Tree {
	b := fs.NewBuilder()
	for name, text := range files {
		require.NoError(t, b.Put(name, fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf([]byte(text))}))
	}
	return b.Tree()
}

// contained is a process's view of a container that stands on layers, and what
// starts processes in it.
type contained struct {
	sys *vfs.Sys
	ns  Namespaces
}

func (m *testMachine) container(layers ...*fs.Tree) contained {
	var c contained
	var stack []vfs.Layer
	for _, l := range layers {
		stack = append(stack, vfs.Layer{Tree: l})
	}
	merged := fs.Merge(layers...)
	m.Machine, c.ns = m.NewNamespaces()
	mounts := m.ContainerMounts(vfs.NewUnion(stack, merged, vfs.NewUpper(merged, 0)), Files{}, time.Unix(0, 0))
	c.sys = &vfs.Sys{Mounts: mounts, Clock: time.Now}
	return c
}

type testMachine struct{ Machine }

func (m *testMachine) run(c contained, name string) int {
	var p Process
	m.Machine, p = m.Start(Process{Args: []string{name}, Text: c.sys.Text(name), Namespaces: c.ns})
	return p.PID
}

// TestPageCache: a program of a layer is in memory once for all containers that
// stand on the layer, be it as one image or as two; a copy of its own is not
// shared, and neither are two layers that hold the same bytes.
func TestPageCache(t *testing.T) {
	up, _ := booted(t)
	m := &testMachine{up}
	base := layer(t, map[string]string{"/bin/sh": strings.Repeat("s", 1000), "/bin/cat": "cat"})
	top := layer(t, map[string]string{"/bin/cat": "other cat"})
	one, two, on := m.container(base), m.container(base), m.container(base, top)
	pids := []int{m.run(one, "/bin/sh"), m.run(one, "/bin/sh"), m.run(two, "/bin/sh"), m.run(on, "/bin/sh")}
	require.Len(t, m.PageCache(), 1)
	sh := m.PageCache()[0]
	require.Equal(t, base, sh.Layer)
	require.Equal(t, "/bin/sh", sh.Path)
	require.EqualValues(t, 1000, sh.Bytes)
	require.Equal(t, pids, sh.PIDs)

	below, above := m.run(one, "/bin/cat"), m.run(on, "/bin/cat")
	all := m.PageCache()
	require.Len(t, all, 3, "what hides a file is another one")
	require.Equal(t, [][]int{pids, {below}, {above}}, [][]int{all[0].PIDs, all[1].PIDs, all[2].PIDs})
	require.Equal(t, top, all[2].Layer)

	require.NoError(t, two.sys.FS().Chmod("/bin/sh", 0o700), "it is copied up")
	require.Equal(t, pids, m.PageCache()[0].PIDs, "who runs it already goes on with the layer's")
	own := []int{m.run(two, "/bin/sh"), m.run(two, "/bin/sh")}
	all = m.PageCache()
	require.Len(t, all, 4)
	require.Equal(t, own, all[3].PIDs, "within the container they share it")
	require.Nil(t, all[3].Layer)
	require.NoError(t, one.sys.FS().Chmod("/bin/sh", 0o700))
	another := m.run(one, "/bin/sh")
	all = m.PageCache()
	require.Len(t, all, 5, "two copies of one file are two files")
	require.Equal(t, []int{another}, all[4].PIDs)

	m.Machine = m.Exit(above)
	require.Len(t, m.PageCache(), 4, "nobody maps it any more")
	m.Machine, _ = m.Exec(below, []string{"sh"}, on.sys.Text("/bin/sh"))
	all = m.PageCache()
	require.Len(t, all, 3)
	require.Equal(t, append(pids, below), all[0].PIDs)

	same := m.container(layer(t, map[string]string{"/bin/sh": strings.Repeat("s", 1000)}))
	m.run(same, "/bin/sh")
	require.Len(t, m.PageCache(), 4, "no kernel compares contents")
	m.run(same, "/nothing")
	require.Len(t, m.PageCache(), 4)
}

// TestPageCacheOfAVolume: two containers that have it mounted share what is in
// it; a tmpfs is each one's own.
func TestPageCacheOfAVolume(t *testing.T) {
	up, _ := booted(t)
	m := &testMachine{up}
	files := layer(t, map[string]string{"/tool": "tool"})
	var started []int
	for range 2 {
		c := m.container(files)
		c.sys.Mounts = vfs.NewMounts(append(c.sys.Mounts.List(),
			vfs.Mount{Source: "data", Target: "/dev/shm/data", Type: "bind", FS: vfs.NewTmpfs(files)},
			vfs.Mount{Source: "tmpfs", Target: "/dev/shm/own", Type: "tmpfs", FS: vfs.NewTmpfs(files)})...)
		require.NoError(t, c.sys.FS().MkdirAll("/dev/shm/data", 0o755))
		require.NoError(t, c.sys.FS().MkdirAll("/dev/shm/own", 0o755))
		started = append(started, m.run(c, "/dev/shm/data/tool"), m.run(c, "/dev/shm/own/tool"))
	}
	var pids [][]int
	for _, f := range m.PageCache() {
		require.Nil(t, f.Layer)
		pids = append(pids, f.PIDs)
	}
	require.Equal(t, [][]int{{started[0], started[2]}, {started[1]}, {started[3]}}, pids)
}
