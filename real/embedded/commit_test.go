//go:build linux

package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// commit is a commit of a container with its own configuration.
func commit(t testing.TB, e sim.Engine, id, ref string) sim.Commit {
	t.Helper()
	k := state(t, e, id)
	img, err := e.Image(timeout(t), k.ImageID.String())
	require.NoError(t, err)
	return sim.Commit{Container: id, Ref: ref, Config: sim.ContainerConfig(img.Config.Config, *k.Spec), CreatedBy: "by", Author: "ana", Comment: "why", Created: time.Unix(1e9, 0), Pause: true}
}

func TestCommit(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		base, err := e.Image(timeout(t), "busybox")
		require.NoError(t, err)
		s := spec("sh", "-c", "echo one > /one; rm /etc/motd; rm -r /home; mkdir /home; touch /ready; sleep 1000")
		detached(t, e, s)
		require.Eventually(t, func() bool { _, err := e.CopyOut(timeout(t), s.ID, "/ready"); return err == nil }, 5*time.Second, 5*time.Millisecond)
		c := commit(t, e, s.ID, "mine:1")
		running, err := e.Commit(timeout(t), c)
		require.NoError(t, err)
		require.NoError(t, e.Kill(timeout(t), s.ID, "KILL"))
		c.Ref = "mine:2"
		stopped, err := e.Commit(timeout(t), c)
		require.NoError(t, err)
		require.Equal(t, running.ID, stopped.ID, "the same files, configuration and times")
		require.Equal(t, []string{"mine:1", "mine:2"}, stopped.Tags)
		require.Equal(t, base.ID, stopped.Parent)
		require.Len(t, stopped.Layers, len(base.Layers)+1)
		last := stopped.Config.History[len(stopped.Config.History)-1]
		require.Equal(t, "by ana why false", fmt.Sprint(last.CreatedBy, " ", last.Author, " ", last.Comment, " ", last.EmptyLayer))

		// The container goes on without touching the image.
		_, err = e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"true"}})
		require.Error(t, err)
		s3 := spec("sh", "-c", "cat /one; ls /etc/motd; ls /home; echo two >> /one")
		s3.Image = "mine:2"
		out, err := run(t, e, s3)
		require.NoError(t, err)
		require.Equal(t, "one\n", out.Stdout)
		require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))

		empty := spec("true")
		_, err = run(t, e, empty)
		require.NoError(t, err)
		img, err := e.Commit(timeout(t), commit(t, e, empty.ID, ""))
		require.NoError(t, err)
		require.Empty(t, img.Tags)
		require.Equal(t, base.Layers, img.Layers)
		require.True(t, img.Config.History[len(img.Config.History)-1].EmptyLayer)
	})
}

// A layer that was committed stays as it was, whatever its container does.
func TestCommitThenChange(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "echo x >> /log; ln -f /log /hard; cat /log")
		_, err := run(t, e, s)
		require.NoError(t, err)
		c := commit(t, e, s.ID, "log:1")
		_, err = e.Commit(timeout(t), c)
		require.NoError(t, err)
		out, err := e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, "x\nx\n", out.Stdout)
		c.Ref = "log:2"
		_, err = e.Commit(timeout(t), c)
		require.NoError(t, err)
		_, err = e.Commit(timeout(t), c)
		require.NoError(t, err)
		for i, want := range []string{"x\n", "x\nx\n"} {
			s := spec("cat", "/log")
			s.Image = fmt.Sprintf("log:%d", i+1)
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, want, out.Stdout)
		}
	})
}

// Nor does a large file of the layer change, be it that the container appends
// to it, or that something is copied over it from outside, before or after
// another container was made of the image.
func TestCommitThenAppend(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "[ -e /big ] && echo more >> /big || dd if=/dev/zero of=/big bs=1M count=4; ln -f /big /twin; mkdir -p /d; echo small > /d/f")
		_, err := run(t, e, s)
		require.NoError(t, err)
		_, err = e.Commit(timeout(t), commit(t, e, s.ID, "big"))
		require.NoError(t, err)
		look := func() {
			t.Helper()
			s := spec("sh", "-c", "stat -c '%h %s' /big /twin /d/f; tail -c 5 /big | grep -c more")
			s.Image = "big"
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, "2 4194304\n2 4194304\n1 6\n0\n", out.Stdout)
		}
		_, err = e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		look()
		_, err = e.Commit(timeout(t), commit(t, e, s.ID, "bigger"))
		require.NoError(t, err)
		over := fs.NewBuilder()
		require.NoError(t, over.Put("/f", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("other"))}))
		require.NoError(t, e.CopyIn(timeout(t), s.ID, "/d", over.Tree()))
		look()
		s2 := spec("cat", "/d/f")
		s2.Image = "bigger"
		out, err := run(t, e, s2)
		require.NoError(t, err)
		require.Equal(t, "small\n", out.Stdout)
	})
}

func digestOf(t testing.TB, tree *fs.Tree) string {
	t.Helper()
	d, err := tree.Digest()
	require.NoError(t, err)
	return d.String()
}

// The files of a committed layer have the names that the layer gives them and
// no other, though the container they came from is still there.
func TestCommitSharesNoNames(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "echo x > /x; ln -s x /l; mkfifo /p; dd if=/dev/zero of=/big bs=1M count=4")
		_, err := run(t, e, s)
		require.NoError(t, err)
		_, err = e.Commit(timeout(t), commit(t, e, s.ID, "names"))
		require.NoError(t, err)
		before, err := e.Layer(timeout(t), s.ID)
		require.NoError(t, err)
		made := spec("stat", "-c", "%h %n", "/x", "/l", "/p", "/big")
		made.Image = "names"
		out, err := run(t, e, made)
		require.NoError(t, err)
		require.Equal(t, "1 /x\n1 /l\n1 /p\n1 /big\n", out.Stdout)
		after, err := e.Layer(timeout(t), s.ID)
		require.NoError(t, err)
		require.Equal(t, digestOf(t, before), digestOf(t, after))
	})
}

// With a latest time the same work makes the same image.
func TestCommitIsReproducible(t *testing.T) {
	e := engine(t)
	ids := map[string]bool{}
	for range 2 {
		s := spec("sh", "-c", "echo x > /x; mkdir /d")
		_, err := run(t, e, s)
		require.NoError(t, err)
		c := commit(t, e, s.ID, "")
		c.Latest = time.Unix(1e9, 0)
		img, err := e.Commit(timeout(t), c)
		require.NoError(t, err)
		ids[img.ID.String()] = true
		time.Sleep(10 * time.Millisecond)
	}
	require.Len(t, ids, 1)
}

// Processes do not write while their container is committed, and go on after.
func TestCommitPauses(t *testing.T) {
	e := engine(t)
	s := detached(t, e, spec("sh", "-c", "while :; do echo $i > /a; echo $i > /b; i=$((i+1)); done"))
	for i := range 10 {
		ref := fmt.Sprintf("paused:%d", i)
		_, err := e.Commit(timeout(t), commit(t, e, s.ID, ref))
		require.NoError(t, err)
	}
	before, err := e.CopyOut(timeout(t), s.ID, "/b")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := e.CopyOut(timeout(t), s.ID, "/b")
		return err == nil && content(t, now, "/b") != content(t, before, "/b")
	}, 5*time.Second, 10*time.Millisecond, "it goes on")
}

func TestCommitRefusals(t *testing.T) {
	e := engine(t)
	_, err := e.Commit(timeout(t), sim.Commit{Container: "nosuch"})
	refused(t, err, "No such container: nosuch", 1)
	s := spec("sh", "-c", "echo > /.wh.x")
	_, err = run(t, e, s)
	require.NoError(t, err)
	_, err = e.Commit(timeout(t), commit(t, e, s.ID, "x"))
	require.ErrorContains(t, err, "rename it and commit again")
	_, err = e.Commit(timeout(t), commit(t, e, s.ID, "Bad Name"))
	require.True(t, strings.HasPrefix(err.Error(), "invalid reference format"), err)
}

// What commits leave in the store is sound, and survives its session.
func TestCommitsLast(t *testing.T) {
	data := scratch(t)
	cfg := embedded.Config{DataDir: data, Registry: host}
	e, err := embedded.Start(cfg)
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	s := spec("sh", "-c", "echo kept > /kept")
	_, err = run(t, e, s)
	require.NoError(t, err)
	_, err = e.Commit(timeout(t), commit(t, e, s.ID, "kept"))
	require.NoError(t, err)
	require.NoError(t, e.Close())
	requireSound(t, data)
	again := start(t, cfg)
	s = spec("cat", "/kept")
	s.Image = "kept"
	out, err := run(t, again, s)
	require.NoError(t, err)
	require.Equal(t, "kept\n", out.Stdout)
}
