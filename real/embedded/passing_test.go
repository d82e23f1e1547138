//go:build linux

package embedded_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// steps makes two images, the second from the first, as a build does.
func steps(t *testing.T, e *embedded.Engine, texts ...string) (made []sim.Image) {
	base := "busybox"
	for _, text := range texts {
		s := spec("sh", "-c", "echo "+text+" > /"+text)
		s.Image = base
		_, err := run(t, e, s)
		require.NoError(t, err)
		c := commit(t, e, s.ID, "")
		c.Step = true
		img, err := e.Commit(timeout(t), c)
		require.NoError(t, err)
		require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))
		made, base = append(made, img), img.ID.String()
	}
	return made
}

// there says whether the session has the image in the next line.
func there(t *testing.T, e *embedded.Engine, img sim.Image) bool {
	t.Helper()
	_, err := e.Refresh(timeout(t))
	require.NoError(t, err)
	_, err = e.Image(timeout(t), img.ID.String())
	if err != nil {
		require.True(t, sim.IsRefusal(err, sim.MissingImage), "%v", err)
	}
	return err == nil
}

// The images of a build's steps are this session's, until one is named or the
// session ends; a session that is killed leaves none without a name.
func TestStepsPass(t *testing.T) {
	busybox(t)
	cfg := embedded.Config{DataDir: scratch(t), Registry: host}
	first, err := embedded.Start(cfg)
	require.NoError(t, err)
	_, err = first.Pull(timeout(t), "busybox")
	require.NoError(t, err)
	second := start(t, cfg)

	named, left := steps(t, first, "a", "b"), steps(t, first, "c", "d")
	require.Equal(t, named[0].ID, named[1].Parent)
	require.False(t, there(t, second, named[0]))
	require.NoError(t, first.Tag(timeout(t), named[1].ID.String(), "named"))
	require.True(t, there(t, second, named[0]))
	require.True(t, there(t, second, named[1]))
	require.False(t, there(t, second, left[0]))
	require.NoError(t, first.Close())
	require.True(t, there(t, second, left[0]), "an orderly end keeps them")
	require.True(t, there(t, second, left[1]))
}

// A killed session's steps are gone, and so are their layers.
func TestStepsKilled(t *testing.T) {
	busybox(t)
	cfg := embedded.Config{DataDir: scratch(t), Registry: host}
	e, err := embedded.Start(cfg)
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), "busybox")
	require.NoError(t, err)
	made := steps(t, e, "a", "b")
	removed := steps(t, e, "c")[0]
	_, err = e.RemoveImage(timeout(t), removed.ID.String(), false)
	require.NoError(t, err)
	require.False(t, there(t, e, removed))
	for _, pid := range children(t) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.NoError(t, e.Close())
	gone(t, cfg.DataDir)
	again := start(t, cfg)
	require.False(t, there(t, again, made[0]))
	require.False(t, there(t, again, made[1]))
	requireSound(t, cfg.DataDir)
	clean(t, again, cfg.DataDir)
}
