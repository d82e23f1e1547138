package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/docker/owned"
	"twinlayer/sim"
)

func TestRun(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c, out := run(t, e, spec("sh", "-c", "echo out; echo err >&2; echo x > /new; rm /etc/passwd; exit 3"))
		require.Equal(t, sim.Output{Stdout: "out\n", Stderr: "err\n", Exit: 3}, out)
		logs, err := e.Logs(t.Context(), c.ID, false)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "out\n", Stderr: "err\n"}, logs)
		exit, err := e.Wait(t.Context(), c.Name)
		require.NoError(t, err)
		require.Equal(t, 3, exit)
		changes, err := e.Changes(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, []fs.Change{{Kind: fs.Modify, Path: "/etc"}, {Kind: fs.Delete, Path: "/etc/passwd"}, {Kind: fs.Add, Path: "/new"}}, changes)
		layer, err := e.Layer(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"/etc", "/etc/passwd", "/new"}, paths(layer))
		require.True(t, layer.Lookup("/etc/passwd").IsWhiteout())
		facts, err := e.Evidence(t.Context(), c.ID)
		require.NoError(t, err)
		require.Greater(t, len(facts), 6)
	})
}

// A log that is followed tells each line when it is printed, and ends with its
// container, even one that removes itself, or when it is given up. A line that
// comes right before the end is told with the output alone. Podman may remove a
// container's log before all of it has been read.
func TestFollow(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		s := spec("sh", "-c", "echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two; sleep 1; exit 7")
		s.AutoRemove = !e.cfg.Podman
		c := create(t, e, s)
		_, err := e.Start(t.Context(), c.ID, true)
		require.NoError(t, err)

		given, giveUp := context.WithCancel(t.Context())
		out, err := e.Logs(sim.WithProgress(given, func(sim.Progress) { giveUp() }), c.ID, true)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "one\n"}, out)

		var lines []string
		out, err = e.Logs(sim.WithProgress(t.Context(), func(p sim.Progress) {
			if lines = append(lines, p.Action); p.Action == "one" {
				_, err := e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"touch", "/go"}})
				require.NoError(t, err)
			}
		}), c.ID, true)
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two"}, lines)
		require.Equal(t, sim.Output{Stdout: "one\ntwo\n"}, out)
	})
}

func paths(tree *fs.Tree) (names []string) {
	for p := range tree.All() {
		names = append(names, p.Path)
	}
	return names
}

// TestCommittedLayer: what the engine commits of a layer is its upper
// directory.
func TestCommittedLayer(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c, _ := run(t, e, spec("sh", "-c", "echo x > /new; rm -r /home; mkdir /home; chmod 700 /root; ln /new /hard"))
		upper, err := e.Layer(t.Context(), c.ID)
		require.NoError(t, err)
		k, _ := e.known(c.ID)
		committed, err := e.committed(t.Context(), k)
		require.NoError(t, err)
		if e.cfg.Podman {
			lower, err := e.layers(t.Context(), k.image)
			require.NoError(t, err)
			committed = withoutMountPoints(committed, fs.Merge(lower...))
		}
		require.Equal(t, paths(upper), paths(committed))
		want, err := upper.Digest()
		require.NoError(t, err)
		got, err := committed.Digest()
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestLines(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		s := spec("sh")
		s.Interactive = true
		c, out := run(t, e, s)
		require.Equal(t, c.ID, out.Shell)
		line := func(text string) sim.Output {
			out, err := e.Line(t.Context(), c.ID, text)
			require.NoError(t, err)
			return out
		}
		line("cd /tmp; x=5")
		require.Equal(t, sim.Output{Stdout: "/tmp 5\n", Exit: 0, Shell: c.ID}, line("echo $PWD $x"))
		require.Equal(t, 1, line("false").Exit)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := e.Line(ctx, c.ID, "sleep 60")
		require.NoError(t, err)
		require.Less(t, time.Since(began), 20*time.Second)
		top, err := e.Top(t.Context(), c.ID)
		if err == nil {
			require.Contains(t, strings.Join(top[0], " "), "PID")
			require.Len(t, top, 2, "sleep is gone, its shell is not")
			out, err = e.Line(t.Context(), c.ID, "exit 7")
			require.NoError(t, err)
			require.Equal(t, sim.Output{Exit: 7}, out)
		}
		logs, err := e.Logs(t.Context(), c.ID, false)
		require.NoError(t, err)
		require.Equal(t, "/tmp 5\n", logs.Stdout)
	})
}

// Nothing that a learner calls by a name stands in the session's way, and the
// logs have nothing of it.
func TestTakenNames(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		s := spec("sh")
		s.Interactive = true
		c, _ := run(t, e, s)
		line := func(text string) sim.Output {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			out, err := e.Line(ctx, c.ID, text)
			require.NoError(t, err)
			require.NoError(t, ctx.Err(), "no answer to %q", text)
			require.Equal(t, c.ID, out.Shell, text)
			return out
		}
		for _, text := range []string{"alias echo=true", "unset -f __t", "echo() { :; }", "command() { :; }", "exec 6>&- 7>&-", "\xff", "echo '\xff", "set -x", "sleep 1000 &"} {
			line(text)
		}
		require.Equal(t, sim.Output{Stdout: "a", Stderr: "+ printf a\n+ exit 3\n", Exit: 3, Shell: c.ID}, line("printf a; (exit 3)"))
		line("set +x")
		line("exec >/out 2>&1")
		require.Equal(t, sim.Output{Shell: c.ID}, line("printf hidden"))
		out, err := e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"cat", "/out"}})
		require.NoError(t, err)
		require.Equal(t, "hidden", out.Stdout)
		logs, err := e.Logs(t.Context(), c.ID, false)
		require.NoError(t, err)
		require.Equal(t, "a", logs.Stdout)
		require.NotContains(t, logs.Stderr, "twl-")
	})
}

func TestExec(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c := create(t, e, spec("sleep", "60"))
		_, err := e.Start(t.Context(), c.ID, true)
		require.NoError(t, err)
		out, err := e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"sh", "-c", "pwd; echo $X; exit 4"}, Dir: "/etc", Env: []string{"X=1"}})
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "/etc\n1\n", Exit: 4}, out)
		_, err = e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"/nosuch"}})
		var refusal *sim.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, 127, refusal.Exit)
		require.NoError(t, e.Stop(t.Context(), c.ID, time.Second))
		all, err := e.Containers(t.Context())
		require.NoError(t, err)
		require.Equal(t, sim.Exited, all[0].Status)
		_, err = e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"true"}})
		require.ErrorAs(t, err, &refusal)
		require.NoError(t, e.RemoveContainer(t.Context(), c.ID, sim.RemoveOptions{}))
	})
}

// TestExecGivenUp: what a learner gives up ends, and what it has started, and
// nothing else in the container, though none of it heeds a signal.
func TestExecGivenUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c := create(t, e, spec("sleep", "60"))
		_, err := e.Start(t.Context(), c.ID, true)
		require.NoError(t, err)
		shell, err := e.Exec(t.Context(), c.ID, sim.Process{ID: "beside", Args: []string{"sh"}, Interactive: true})
		require.NoError(t, err)
		require.Equal(t, "beside", shell.Shell)
		ctx, giveUp := context.WithCancel(t.Context())
		defer time.AfterFunc(time.Second, giveUp).Stop()
		began := time.Now()
		out, err := e.Exec(ctx, c.ID, sim.Process{Args: []string{"sh", "-c", "trap '' INT TERM HUP; echo on; sleep 61 & while :; do sleep 62; done"}})
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "on\n", Exit: 137}, out)
		require.Less(t, time.Since(began), 5*time.Second, "it ends because it was ended")
		out, err = e.Exec(t.Context(), c.ID, sim.Process{Args: []string{"sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"}})
		require.NoError(t, err)
		require.Contains(t, out.Stdout, "sleep 60")
		require.NotContains(t, out.Stdout, "sleep 61")
		require.NotContains(t, out.Stdout, "sleep 62")
		out, err = e.Line(t.Context(), "beside", "echo here")
		require.NoError(t, err)
		require.Equal(t, "here\n", out.Stdout)
		require.NoError(t, e.RemoveContainer(t.Context(), c.ID, sim.RemoveOptions{Force: true}))
	})
}

func TestAutoRemove(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		for _, args := range [][]string{{"true"}, {"/nosuch"}} {
			s := spec(args...)
			s.AutoRemove = true
			c := create(t, e, s)
			e.Start(t.Context(), c.ID, false)
			all, err := e.Containers(t.Context())
			require.NoError(t, err)
			require.Empty(t, all)
		}
	})
}

// TestCommit: the same container makes the image that sim says it makes, and
// times no later than asked for make the same one again.
func TestCommit(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		then := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		var ids []digest.Digest
		for range 2 {
			c, _ := run(t, e, spec("sh", "-c", "mkdir /new; echo x > /new/x"))
			base, err := e.Image(t.Context(), "busybox")
			require.NoError(t, err)
			made := sim.ContainerConfig(base.Config.Config, *c.Spec)
			made.Labels = map[string]string{"a": "b"}
			img, err := e.Commit(t.Context(), sim.Commit{
				Container: c.ID, Ref: "ana/app", Config: made, CreatedBy: "by hand", Author: "Ana", Comment: "first", Created: then, Latest: then})
			require.NoError(t, err)
			require.Equal(t, []string{"ana/app:latest"}, img.Tags)
			require.Equal(t, base.Layers, img.Layers[:1])
			require.EqualValues(t, 2, img.Sizes[1])
			require.Equal(t, made, img.Config.Config)
			last := img.Config.History[len(img.Config.History)-1]
			require.Equal(t, "by hand", last.CreatedBy)
			require.Equal(t, "first", last.Comment)
			require.False(t, last.EmptyLayer)
			require.Equal(t, base.ID, img.Parent)
			ids = append(ids, img.ID)
			time.Sleep(1100 * time.Millisecond)
		}
		require.Equal(t, ids[0], ids[1])
		layers, err := e.Layers(t.Context(), "ana/app")
		require.NoError(t, err)
		require.Equal(t, []string{"/new", "/new/x"}, paths(layers[1]))
	})
}

func TestCommitOfNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c, _ := run(t, e, spec("true"))
		img, err := e.Commit(t.Context(), sim.Commit{Container: c.ID, Created: time.Now()})
		require.NoError(t, err)
		require.Len(t, img.Layers, 1)
		require.Empty(t, img.Tags)
		require.True(t, img.Config.History[len(img.Config.History)-1].EmptyLayer)
		all, err := e.Images(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2, "an image without a tag is listed")
	})
}

func TestImportSaveLoad(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		root := tarOf(t, "etc/motd", "hello\n")
		img, err := e.Import(t.Context(), sim.Import{Root: root, Ref: "ana/root:1", Comment: "from a tar", Created: time.Unix(1e9, 0)})
		require.NoError(t, err)
		require.Equal(t, []string{"ana/root:1"}, img.Tags)
		require.EqualValues(t, 6, img.Size())
		var archive bytes.Buffer
		require.NoError(t, e.Save(t.Context(), []string{"ana/root:1"}, &archive))
		removed, err := e.RemoveImage(t.Context(), "ana/root:1", false)
		require.NoError(t, err)
		require.Equal(t, img.ID, removed.Deleted[0])
		_, err = e.Image(t.Context(), img.ID.String())
		require.True(t, sim.IsRefusal(err, sim.MissingImage))
		for _, drop := range []string{"", "manifest.json"} { // as Docker's, and as an OCI layout
			refs, err := e.Load(t.Context(), without(t, archive.Bytes(), drop))
			require.NoError(t, err)
			require.Equal(t, []string{"ana/root:1"}, refs)
			again, err := e.Image(t.Context(), "ana/root:1")
			require.NoError(t, err)
			require.Equal(t, img.ID, again.ID)
		}
	})
}

func tarOf(t testing.TB, name, content string) io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
	_, err := io.WriteString(w, content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return &b
}

// without is an archive without one of its files.
func without(t testing.TB, archive []byte, drop string) io.Reader {
	var b bytes.Buffer
	in, out := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&b)
	for {
		h, err := in.Next()
		if err == io.EOF {
			require.NoError(t, out.Close())
			return &b
		}
		require.NoError(t, err)
		if h.Name != drop {
			require.NoError(t, out.WriteHeader(h))
			_, err := io.Copy(out, in)
			require.NoError(t, err)
		}
	}
}

func TestCopies(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		c := create(t, e, spec("true"))
		b := fs.NewBuilder()
		require.NoError(t, b.Put("/etc", fs.Node{Mode: fs.S_IFDIR | 0o700, UID: 5}))
		require.NoError(t, b.Put("/etc/new", fs.Node{Mode: fs.S_IFREG | 0o640, UID: 7, GID: 8, Data: fs.DataOf([]byte("x"))}))
		require.NoError(t, b.Put("/etc/d", fs.Node{Mode: fs.S_IFDIR | 0o711}))
		require.NoError(t, e.CopyIn(t.Context(), c.ID, "/", b.Tree()))
		got, err := e.CopyOut(t.Context(), c.ID, "/etc/new")
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Lookup("/new").Size())
		layer, err := e.Layer(t.Context(), c.ID)
		require.NoError(t, err)
		n := layer.Lookup("/etc/new")
		require.Equal(t, []uint32{fs.S_IFREG | 0o640, 7, 8}, []uint32{n.Mode, n.UID, n.GID})
		dir, err := e.CopyOut(t.Context(), c.ID, "/etc")
		require.NoError(t, err)
		require.Equal(t, uint32(fs.S_IFDIR|0o755), dir.Lookup("/etc").Mode, "it was there")
		require.Equal(t, uint32(fs.S_IFDIR|0o711), dir.Lookup("/etc/d").Mode)
		all, err := e.CopyOut(t.Context(), c.ID, "/")
		require.NoError(t, err)
		require.NotNil(t, all.Lookup("/etc/new"))
		_, err = e.CopyOut(t.Context(), c.ID, "/nosuch")
		var refusal *sim.Refusal
		require.ErrorAs(t, err, &refusal)
	})
}

func TestVolumes(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		s := spec("sh", "-c", "echo kept > /data/x")
		s.Mounts = []sim.Mount{{Type: sim.InStore, Source: "data", Target: "/data"}}
		c, _ := run(t, e, s)
		s = spec("cat", "/data/x")
		s.Mounts = []sim.Mount{{Type: sim.InStore, Source: "data", Target: "/data", ReadOnly: true}, {Type: sim.Tmpfs, Target: "/t"}}
		_, out := run(t, e, s)
		require.Equal(t, "kept\n", out.Stdout)
		all, err := e.Volumes(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "data", all[0].Name)
		var refusal *sim.Refusal
		require.ErrorAs(t, e.RemoveVolume(t.Context(), "data"), &refusal, "it is in use")
		for _, id := range []string{c.ID, s.ID} {
			require.NoError(t, e.RemoveContainer(t.Context(), id, sim.RemoveOptions{}))
		}
		require.NoError(t, e.RemoveVolume(t.Context(), "data"))
	})
}

// TestStrangers: what twinlayer did not make stays as it is, though it has the
// same names, and is not shown.
func TestStrangers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		s := spec("true")
		create(t, e, s)
		img, err := e.find(t.Context(), "busybox")
		require.NoError(t, err)
		foreign := foreigner(t, e, img)
		s2 := spec("true")
		s2.Name = "stranger"
		create(t, e, s2)
		require.NoError(t, e.CreateVolume(t.Context(), sim.Volume{Name: "stranger"}))
		all, err := e.Containers(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
		volumes, err := e.Volumes(t.Context())
		require.NoError(t, err)
		require.Len(t, volumes, 1)
		_, err = clean(t.Context(), e.client, func(s owned.Session) bool { return s == e.session })
		require.NoError(t, err)
		all, err = e.Containers(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
		images, err := e.Images(t.Context())
		require.NoError(t, err)
		require.Empty(t, images)
		_, err = e.client.ContainerInspect(t.Context(), foreign, client.ContainerInspectOptions{})
		require.NoError(t, err)
		_, err = e.client.ImageInspect(t.Context(), "stranger.invalid/busybox:latest")
		require.NoError(t, err)
		_, err = e.client.VolumeInspect(t.Context(), "stranger", client.VolumeInspectOptions{})
		require.NoError(t, err)
	})
}

// foreigner makes a container, an image and a volume as a person would.
func foreigner(t testing.TB, e *Engine, img image) string {
	_, err := e.client.ImageTag(t.Context(), client.ImageTagOptions{Source: img.engine.String(), Target: "stranger.invalid/busybox:latest"})
	require.NoError(t, err)
	made, err := e.client.ContainerCreate(t.Context(), client.ContainerCreateOptions{Name: "stranger", Image: "stranger.invalid/busybox:latest"})
	require.NoError(t, err)
	_, err = e.client.VolumeCreate(t.Context(), client.VolumeCreateOptions{Name: "stranger"})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		e.client.ContainerRemove(ctx, made.ID, client.ContainerRemoveOptions{Force: true})
		e.client.ImageRemove(ctx, "stranger.invalid/busybox:latest", client.ImageRemoveOptions{})
		e.client.VolumeRemove(ctx, "stranger", client.VolumeRemoveOptions{})
	})
	return made.ID
}

// TestPullByLoad: an engine that cannot see our loopback gets the bundled
// images all the same.
func TestPullByLoad(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		pulled, err := e.Pull(t.Context(), "hello-world")
		require.NoError(t, err)
		want, err := e.Image(t.Context(), "hello-world")
		require.NoError(t, err)
		_, err = e.RemoveImage(t.Context(), "hello-world", false)
		require.NoError(t, err)
		e.cfg.Addr = "127.0.0.1:1" // nobody listens
		loaded, err := e.Pull(t.Context(), "hello-world")
		require.NoError(t, err)
		require.Equal(t, pulled.Digest, loaded.Digest)
		got, err := e.Image(t.Context(), "hello-world")
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = e.Pull(t.Context(), "nosuch")
		require.True(t, sim.IsRefusal(err, sim.DeniedPull))
	})
}

func TestContext(t *testing.T) {
	dir := t.TempDir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(filepath.Join(os.Getenv("HOME"), ".docker")) })
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "")
	id := digest.FromString("work").Encoded()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "contexts", "meta", id), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "contexts", "meta", id, "meta.json"),
		[]byte(`{"Name":"work","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://192.0.2.1:2375","SkipTLSVerify":false}}}`), 0o644))
	found, err := daemon.FindDocker()
	require.NoError(t, err)
	require.Equal(t, client.DefaultDockerHost, found.Host)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"currentContext":"work"}`), 0o644))
	found, err = daemon.FindDocker()
	require.NoError(t, err)
	require.Equal(t, "tcp://192.0.2.1:2375", found.Host)
	t.Setenv("DOCKER_CONTEXT", "nosuch")
	_, err = daemon.FindDocker()
	require.ErrorContains(t, err, "docker context ls")
	t.Setenv("DOCKER_HOST", "unix:///nosuch/docker.sock")
	found, err = daemon.FindDocker()
	require.NoError(t, err)
	_, err = Start(t.Context(), Config{Target: found})
	require.ErrorContains(t, err, "does not answer")
}

func TestExplain(t *testing.T) {
	for said, says := range map[string]string{
		"Error response from daemon: write /x: no space left on device":            "docker system df",
		"client version 1.56 is too new. Maximum supported API version is 1.24":    "1.40 or newer",
		"toomanyrequests: You have reached your pull rate limit":                   "docker login",
		"Error response from daemon: something else":                               "something else",
		"permission denied while trying to connect to the docker API at unix:///x": "usermod",
	} {
		require.ErrorContains(t, daemon.Target{Host: "unix:///x"}.Explain(errors.New(said)), says)
	}
	answer := errors.New("Error response from daemon: something else")
	require.Equal(t, sim.Refuse("something else"), daemon.Target{Host: "unix:///x"}.Explain(answer), "what an engine answers is no loss of it")
}

// TestHeldImage: an image that was removed by force stays with the engine as
// long as a container needs it, shown to nobody, and not longer.
func TestHeldImage(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		var containers []sim.Container
		for range 2 {
			c, _ := run(t, e, spec("true"))
			containers = append(containers, c)
		}
		_, err := e.RemoveImage(t.Context(), "busybox", true)
		require.NoError(t, err)
		for _, c := range containers {
			images, err := e.Images(t.Context())
			require.NoError(t, err)
			require.Empty(t, images)
			out, err := e.Start(t.Context(), c.ID, false)
			require.NoError(t, err)
			require.Zero(t, out.Exit)
			require.NoError(t, e.RemoveContainer(t.Context(), c.ID, sim.RemoveOptions{}))
		}
		all, err := list(t.Context(), e.client, client.ImageListOptions{All: true})
		require.NoError(t, err)
		for _, img := range all {
			require.NotContains(t, strings.Join(img.RepoTags, " "), string(e.session))
		}
	})
}
