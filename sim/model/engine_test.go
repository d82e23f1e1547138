package model_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

func spec(n byte, image string, args ...string) sim.Spec {
	return sim.Spec{ID: string(bytes.Repeat([]byte{'0' + n}, 64)), Name: "box" + string('0'+n), Image: image, Args: args, Created: time.Unix(100, 0)}
}

// made runs a script in a new container of busybox.
func made(t *testing.T, m *model.Model, n byte, script string) sim.Container {
	t.Helper()
	_, err := m.Pull(t.Context(), "busybox")
	require.NoError(t, err)
	k, err := m.Create(t.Context(), spec(n, "busybox", "sh", "-c", script))
	require.NoError(t, err)
	out, err := m.Start(t.Context(), k.ID, false)
	require.NoError(t, err)
	require.Empty(t, out.Stderr)
	return k
}

func TestModelCommits(t *testing.T) {
	m := simtest.Session(t, model.Config{}).Model
	m.At(time.Unix(1000, 0))
	k := made(t, m, 1, "echo a > /f; ln /f /g; rm /etc/passwd")
	base, err := m.Image(t.Context(), "busybox")
	require.NoError(t, err)
	config := sim.ContainerConfig(base.Config.Config, *k.Spec)
	at := time.Unix(500, 0)
	img, err := m.Commit(t.Context(), sim.Commit{Container: k.ID, Ref: "mine:1", Config: config, Created: at, Latest: at})
	require.NoError(t, err)
	require.Equal(t, []string{"mine:1"}, img.Tags)
	require.Equal(t, base.ID, img.Parent)
	require.Len(t, img.Layers, len(base.Layers)+1)
	again, err := m.Commit(t.Context(), sim.Commit{Container: k.ID, Config: config, Created: at, Latest: at})
	require.NoError(t, err)
	require.Equal(t, img.ID, again.ID, "the same files, configuration and times make the same image")
	trees, err := m.Layers(t.Context(), "mine:1")
	require.NoError(t, err)
	top := trees[len(trees)-1]
	require.EqualValues(t, 500e9, top.Lookup("/f").Mtime)
	require.EqualValues(t, 2, top.Lookup("/g").Nlink)
	require.True(t, top.Lookup("/etc/passwd").IsWhiteout())

	child, err := m.Create(t.Context(), spec(2, "mine:1", "sh", "-c", "cat /f /g; ls /etc/passwd"))
	require.NoError(t, err)
	out, err := m.Start(t.Context(), child.ID, false)
	require.NoError(t, err)
	require.Equal(t, "a\na\n", out.Stdout)
	require.Contains(t, out.Stderr, "No such file")

	empty, err := m.Create(t.Context(), spec(3, "mine:1", "true"))
	require.NoError(t, err)
	none, err := m.Commit(t.Context(), sim.Commit{Container: empty.ID, Config: config, Created: at})
	require.NoError(t, err)
	require.Equal(t, img.Layers, none.Layers, "an empty layer is none")

	_, err = m.RemoveImage(t.Context(), img.ID.String(), true)
	require.ErrorContains(t, err, "has dependent child images")
	for _, id := range []string{child.ID, empty.ID} {
		require.NoError(t, m.RemoveContainer(t.Context(), id, sim.RemoveOptions{}))
	}
	_, err = m.RemoveImage(t.Context(), "mine:1", false)
	require.NoError(t, err)
	removed, err := m.RemoveImage(t.Context(), none.ID.String(), false)
	require.NoError(t, err)
	require.Contains(t, removed.Deleted, img.ID, "the untagged parent goes with its last child")
}

func TestModelCopies(t *testing.T) {
	m := simtest.Session(t, model.Config{}).Model
	m.At(time.Unix(1000, 0))
	k := made(t, m, 1, "ln -s /etc /e; echo old > /etc/motd")
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/etc/motd", fs.Node{Mode: fs.S_IFREG | 0o600, Mtime: 7e9, Data: fs.DataOf([]byte("new\n"))}))
	require.NoError(t, b.Put("/etc/deep/x", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))}))
	require.NoError(t, m.CopyIn(t.Context(), k.ID, "/", b.Tree()))
	require.ErrorContains(t, m.CopyIn(t.Context(), k.ID, "/nosuch", b.Tree()), "Could not find the file")
	out, err := m.CopyOut(t.Context(), k.ID, "/e/motd")
	require.NoError(t, err)
	text, err := out.Lookup("/motd").Data.Bytes()
	require.NoError(t, err)
	require.Equal(t, "new\n", string(text))
	require.EqualValues(t, fs.S_IFREG|0o600, out.Lookup("/motd").Mode)
	require.EqualValues(t, 7e9, out.Lookup("/motd").Mtime)
	dir, err := m.CopyOut(t.Context(), k.ID, "/etc")
	require.NoError(t, err)
	require.NotNil(t, dir.Lookup("/etc/deep/x"))
	require.NotNil(t, dir.Lookup("/etc/passwd"), "the image's files too")
	whole, err := m.CopyOut(t.Context(), k.ID, "/")
	require.NoError(t, err)
	require.NotNil(t, whole.Lookup("/bin/busybox"))

	var tar bytes.Buffer
	require.NoError(t, whole.WriteTar(&tar))
	img, err := m.Import(t.Context(), sim.Import{Root: &tar, Ref: "flat:1", Created: time.Unix(1, 0)})
	require.NoError(t, err)
	require.Len(t, img.Layers, 1)
	c, err := m.Create(t.Context(), spec(2, "flat:1", "cat", "/e/motd"))
	require.NoError(t, err)
	printed, err := m.Start(t.Context(), c.ID, false)
	require.NoError(t, err)
	require.Equal(t, "new\n", printed.Stdout)
}

func TestModelVolumes(t *testing.T) {
	m := simtest.Session(t, model.Config{}).Model
	_, err := m.Pull(t.Context(), "busybox")
	require.NoError(t, err)
	run := func(n byte, script string, mounts ...sim.Mount) sim.Output {
		s := spec(n, "busybox", "sh", "-c", script)
		s.Mounts = mounts
		k, err := m.Create(t.Context(), s)
		require.NoError(t, err)
		out, err := m.Start(t.Context(), k.ID, false)
		require.NoError(t, err)
		layer, err := m.Layer(t.Context(), k.ID)
		require.NoError(t, err)
		require.Nil(t, layer.Lookup("/data/f"), "what is in a volume is in no layer")
		return out
	}
	data := sim.Mount{Type: sim.InStore, Source: "v", Target: "/data"}
	require.Empty(t, run(1, "echo kept > /data/f", data).Stderr)
	require.Equal(t, "kept\n", run(2, "cat /data/f", data).Stdout)
	ro := data
	ro.ReadOnly = true
	require.Contains(t, run(3, "echo x > /data/f", ro).Stderr, "Read-only file system")
	require.Contains(t, run(4, "ls /v", sim.Mount{Type: sim.InStore, Target: "/etc"}, sim.Mount{Type: sim.InStore, Source: "w", Target: "/v"}).Stdout, "")
	require.Contains(t, run(5, "cat /etc/passwd", sim.Mount{Type: sim.InStore, Target: "/etc"}).Stdout, "root:", "an empty volume gets what the image has there")
	require.Contains(t, run(6, "echo t > /t/x; cat /t/x", sim.Mount{Type: sim.Tmpfs, Target: "/t"}).Stdout, "t\n")
	all, err := m.Volumes(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.ErrorContains(t, m.RemoveVolume(t.Context(), "v"), "volume is in use")
	for n := byte(1); n <= 6; n++ {
		require.NoError(t, m.RemoveContainer(t.Context(), "box"+string('0'+n), sim.RemoveOptions{Volumes: true}))
	}
	require.NoError(t, m.RemoveVolume(t.Context(), "v"))
	all, err = m.Volumes(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1, "the anonymous ones went with their containers")
}

func TestDetached(t *testing.T) {
	m := simtest.Session(t, model.Config{}).Model
	m.At(time.Unix(1000, 0))
	_, err := m.Pull(t.Context(), "busybox")
	require.NoError(t, err)
	detach := func(n byte, script string) string {
		k, err := m.Create(t.Context(), spec(n, "busybox", "sh", "-c", script))
		require.NoError(t, err)
		out, err := m.Start(t.Context(), k.ID, true)
		require.NoError(t, err)
		require.Empty(t, out.Unknown)
		return k.ID
	}
	status := func(id string) sim.Status {
		all, err := m.Containers(t.Context())
		require.NoError(t, err)
		k, err := sim.FindContainer(all, id)
		require.NoError(t, err)
		return k.Status
	}
	logs := func(id string) string {
		out, err := m.Logs(t.Context(), id, false)
		require.NoError(t, err)
		return out.Stdout
	}
	short := detach(1, "echo done")
	require.Equal(t, sim.Exited, status(short))
	require.Equal(t, "done\n", logs(short))
	long := detach(2, "echo one; sleep 10; echo two; sleep 100")
	require.Equal(t, sim.Running, status(long))
	require.Equal(t, "one\n", logs(long))
	top, err := m.Top(t.Context(), long)
	require.NoError(t, err)
	require.Len(t, top, 3, "the shell and its sleep: %v", top)
	m.At(time.Unix(1011, 0))
	require.Equal(t, "one\ntwo\n", logs(long))
	m.At(time.Unix(1200, 0))
	require.Equal(t, sim.Exited, status(long))
	stuck := detach(3, "while true; do date >> /log; sleep 1; done")
	require.NoError(t, m.Stop(t.Context(), stuck, 10*time.Second))
	require.Equal(t, sim.Exited, status(stuck))
	waits := detach(4, "sleep 3; exit 5")
	exit, err := m.Wait(t.Context(), waits)
	require.NoError(t, err)
	require.Equal(t, 5, exit)
	followed := detach(5, "echo one; sleep 10; echo two")
	out, err := m.Logs(t.Context(), followed, true)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Stdout: "one\ntwo\n"}, out)
	require.Equal(t, sim.Exited, status(followed), "in the model time passes at once")
	endless := detach(6, "while true; do echo x; sleep 1; done")
	idle := detach(7, "echo x; sleep infinity; echo y")
	for _, id := range []string{endless, idle, endless} {
		out, err = m.Logs(t.Context(), id, true)
		require.NoError(t, err)
		require.Equal(t, "x\n", out.Stdout, "no time has passed")
		require.Contains(t, say.Text(out.Unknown), "does not come")
	}
	require.ErrorContains(t, m.Kill(t.Context(), waits, "KILL"), "is not running")
	require.ErrorContains(t, m.Kill(t.Context(), waits, "FROB"), "invalid signal")
}
