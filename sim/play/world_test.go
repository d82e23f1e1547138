package play_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/simtest"
)

// TestWorld: of a container's layer and of the layers below it, the picture has
// what hides and what is hidden, where it comes from and who shares it.
func TestWorld(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run -d --name box -v data:/data busybox sleep 1000"), play.Line("docker create --name other busybox"))
	s.do(play.Line("docker exec box sh -c 'echo hi > /etc/motd; rm /etc/passwd; rm -r /home; mkdir /home; ln -s /etc /link; mkdir /new; echo new > /new/file'"))
	w := one[play.Moment](t, s.do(play.Look{Paths: []string{"/root"}})).World
	require.Len(t, w.Images, 1)
	require.Len(t, w.Containers, 2)
	box := w.Containers[slices.IndexFunc(w.Containers, func(c play.Container) bool { return c.Name == "box" })]
	require.Equal(t, sim.Running, box.Status)
	require.Equal(t, box.ID, w.Focus)
	require.Equal(t, "sleep 1000", box.Processes[0].Cmd)
	require.Equal(t, 1, box.Processes[0].Inner)
	require.NotZero(t, box.Namespaces["mnt"])
	require.Equal(t, []play.Mount{{Type: "overlay", Source: "overlay", Target: "/"}, {Type: "volume", Source: "data", Target: "/data"}}, box.Mounts)

	require.Equal(t, []play.Cached{{
		ID: box.Layers[0] + ":/bin/busybox", Layer: box.Layers[0], Path: "/bin/busybox", Bytes: w.PageCache[0].Bytes, PIDs: []int{box.Processes[0].PID},
	}}, w.PageCache)
	require.Greater(t, w.PageCache[0].Bytes, int64(1000))

	stack := w.Stack(box.ID)
	base, own := stack[0], stack[len(stack)-1]
	require.Equal(t, w.Images[0].Layers, []string{base.ID})
	require.Equal(t, []string{"busybox:latest", "other", "box"}, base.SharedBy)
	require.False(t, base.Writable)
	require.True(t, own.Writable)
	require.Equal(t, []string{"box"}, own.SharedBy)
	entry := func(l play.Layer, name string) play.Entry {
		i := slices.IndexFunc(l.Entries, func(e play.Entry) bool { return e.Path == name })
		require.GreaterOrEqual(t, i, 0, "%s in %v", name, l.Entries)
		return l.Entries[i]
	}
	below := []string{base.ID}
	for _, want := range []play.Entry{
		{Path: "/etc/motd", Kind: play.File, Size: 3, Mode: 0o644, From: base.ID, Hides: below},
		{Path: "/etc/passwd", Kind: play.Whiteout, Hides: below},
		{Path: "/home", Kind: play.Opaque, Mode: 0o755, From: base.ID, Hides: below},
		{Path: "/etc", Kind: play.Directory, Mode: 0o755, From: base.ID},
		{Path: "/link", Kind: play.Symlink, Mode: 0o777, Target: "/etc"},
		{Path: "/new/file", Kind: play.File, Size: 4, Mode: 0o644},
	} {
		require.Equal(t, want, entry(own, want.Path))
	}
	for _, name := range []string{"/etc/motd", "/etc/passwd", "/home"} {
		require.Equal(t, []string{own.ID}, entry(base, name).HiddenBy)
	}
	require.Empty(t, entry(base, "/root").HiddenBy, "it is looked at")
	require.False(t, slices.ContainsFunc(base.Entries, func(e play.Entry) bool { return e.Path == "/bin" }), "it does not matter")
}

// TestMoments: what is sent of a walk through a command's steps is little, and
// makes the same worlds of each other.
func TestMoments(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run -d --name box debian sleep 1000"), play.Line("docker exec box apt-get update"))
	result := one[play.Result](t, s.do(play.Line("docker exec box apt-get install -y vim")))
	n := len(result.Steps)
	require.Greater(t, n, 150)
	all := one[play.Steps](t, s.do(play.Line("steps"))).Steps
	require.Len(t, all, n)
	for range n - 1 {
		s.do(play.Back{})
	}
	first := each[play.Moment](s.bodies())
	seen := map[string]play.World{}
	for _, m := range first {
		seen[m.Side] = apply(seen[m.Side], m.Delta)
	}
	bytes, from := s.bytes, len(s.all)
	for range n - 1 {
		m := one[play.Moment](t, s.do(play.Next{}))
		seen[m.Side] = apply(seen[m.Side], m.Delta)
		require.Equal(t, m.World, seen[m.Side])
	}
	require.Less(t, s.bytes-bytes, 200_000)
	copied := each[play.Moment](s.bodies()[from:])
	i := slices.IndexFunc(copied, func(m play.Moment) bool { return m.Op == "copy-up" && m.Bytes > 0 })
	require.GreaterOrEqual(t, i, 0)
	require.NotEmpty(t, copied[i].From)
	require.Equal(t, copied[i].World.Focus, copied[i].Layer)
	t.Logf("%d moments in %d bytes", n, s.bytes-bytes)
}

// apply is the world that a delta makes of the one before, as a reader of JSON
// makes it.
func apply(w play.World, d play.Delta) play.World {
	if d.Whole {
		w = play.World{}
	}
	out := play.World{Focus: d.Focus, Machine: w.Machine}
	if d.Machine != nil {
		out.Machine = *d.Machine
	}
	out.Images = patched(w.Images, d.Images, d.Gone["images"], func(i play.Image) string { return i.ID })
	out.Containers = patched(w.Containers, d.Containers, d.Gone["containers"], func(c play.Container) string { return c.ID })
	before := map[string]play.Layer{}
	for _, l := range w.Layers {
		before[l.ID] = l
	}
	var layers []play.Layer
	for _, l := range d.Layers {
		l.Entries = patched(before[l.ID].Entries, l.Entries, d.Gone[l.ID], func(e play.Entry) string { return e.Path })
		slices.SortFunc(l.Entries, func(a, b play.Entry) int {
			return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
		})
		layers = append(layers, l)
	}
	out.PageCache = patched(w.PageCache, d.PageCache, d.Gone["page_cache"], func(f play.Cached) string { return f.ID })
	slices.SortFunc(out.PageCache, func(a, b play.Cached) int { return cmp.Compare(a.ID, b.ID) })
	out.Layers = patched(w.Layers, layers, d.Gone["layers"], func(l play.Layer) string { return l.ID })
	slices.SortFunc(out.Layers, func(a, b play.Layer) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func patched[T any](old, news []T, gone []string, id func(T) string) []T {
	all := map[string]T{}
	order := []string{}
	for _, o := range append(slices.Clone(old), news...) {
		if _, there := all[id(o)]; !there {
			order = append(order, id(o))
		}
		all[id(o)] = o
	}
	maps.DeleteFunc(all, func(k string, _ T) bool { return slices.Contains(gone, k) })
	out := []T{}
	for _, k := range order {
		if o, there := all[k]; there {
			out = append(out, o)
		}
	}
	return out
}

// TestObserve: of the model as an engine among engines the picture is the one
// that its state gives, but for what no engine shows.
func TestObserve(t *testing.T) {
	session := simtest.Session(t, model.Config{})
	s := converse(t, play.Config{Session: session})
	s.do(play.Line("docker run -d --name box busybox sh -c 'rm /etc/passwd; sleep 1000'"))
	seen, err := sim.Observe(t.Context(), session.Model)
	require.NoError(t, err)
	state := session.Model.State().World()
	require.Len(t, seen.Containers, 1)
	got, want := seen.Containers[0], state.Containers[0]
	require.Equal(t, want.Container, got.Container)
	require.Equal(t, want.Image.ID, got.Image.ID)
	require.NotNil(t, got.Upper.Lookup("/etc/passwd"))
	require.Equal(t, want.Processes[0].PID, got.Processes[0].PID)
	require.Equal(t, want.Processes[0].Cmd, got.Processes[0].Cmd)
	for _, ns := range []string{"mnt", "pid", "uts", "ipc", "net"} {
		require.Equal(t, want.Namespaces[ns], got.Namespaces[ns], ns)
	}
}
