//go:build linux

package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// Where an image has symlinks at the places of mounts, these are followed
// inside the container: nothing is mounted or made outside.
func TestMountsFollowNoLinkOut(t *testing.T) {
	busybox(t)
	outside := t.TempDir()
	require.NoError(t, os.Chmod(outside, 0o777))
	up := strings.Repeat("../", 20)
	push(t, "links", v1.Config{Env: []string{"PATH=/bin"}}, busyboxLayer(t), layerTar(
		link("up", up+outside), link("absolute", outside+"/new"), link("file", up+outside+"/file"),
		link("dir", up), link("loop", "loop")))
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "links")
		require.NoError(t, err)
		given := filepath.Join(scratchDir(t), "given")
		require.NoError(t, os.WriteFile(given, []byte("given\n"), 0o644))
		s := spec("sh", "-c", "cd "+outside+" && echo x > v && echo x > new/w && cat file && ls -d /up/v /absolute/w /deep/n")
		s.Image = "links"
		s.Mounts = []sim.Mount{
			{Type: sim.InStore, Source: "up", Target: "/up"},
			{Type: sim.InStore, Source: "absolute", Target: "/absolute"},
			{Type: sim.InStore, Source: "deep", Target: "/dir/deep/n"},
			{Type: sim.Bind, Source: given, Target: "/file"},
		}
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, 0, out.Exit, out.Stderr)
		require.Equal(t, "given\n/absolute/w\n/deep/n\n/up/v\n", out.Stdout)
		left, err := os.ReadDir(outside)
		require.NoError(t, err)
		require.Empty(t, left, "nothing is seen outside")
		s = spec("true")
		s.Image, s.Mounts = "links", []sim.Mount{{Type: sim.InStore, Source: "loop", Target: "/loop"}}
		_, err = e.Create(timeout(t), s)
		require.NoError(t, err)
		_, err = e.Start(timeout(t), s.ID, false)
		require.ErrorContains(t, err, "too many levels of symbolic links")
	})
}

// scratchDir is a directory that every user can look into.
func scratchDir(t testing.TB) string {
	dir := scratch(t)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

// forkBomb is a program that starts others without an end, which do so too.
const forkBomb = "bomb() { while :; do sleep 1000 & done; }; bomb & bomb"

// Whatever a container has started ends with it, and while it goes on, the
// engine answers.
func TestForkBomb(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) { killBomb(t, e, spec("sh", "-c", forkBomb), 100) })
}

func TestForkBombWithLimit(t *testing.T) {
	e := engine(t)
	s := spec("sh", "-c", "bomb() { while :; do sleep 1000 & sleep 0 || :; done; }; (bomb) & (bomb) & while :; do read x || :; done")
	s.PIDs = 20
	_, err := e.Create(timeout(t), s)
	require.NoError(t, err)
	if _, err := e.Start(timeout(t), s.ID, true); err != nil {
		if os.Geteuid() != 0 {
			t.Skip("an ordinary user may write to no cgroup here")
		}
		testenv.Lacking(t, "a cgroup that can be written to is missing")
	}
	for range 20 {
		rows, err := e.Top(timeout(t), s.ID)
		require.NoError(t, err)
		require.LessOrEqual(t, len(rows)-1, 20)
	}
	require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{Force: true}))
	gone(t, s.ID)
}

// killBomb starts a container, kills it when it has many processes, and finds
// none of them left.
func killBomb(t *testing.T, e *embedded.Engine, s sim.Spec, many int) {
	detached(t, e, s)
	for limit := timeout(t); ; time.Sleep(time.Millisecond) {
		rows, err := e.Top(limit, s.ID)
		require.NoError(t, err)
		if len(rows) > many {
			break
		}
	}
	require.NoError(t, e.Kill(timeout(t), s.ID, "KILL"))
	status, err := e.Wait(timeout(t), s.ID)
	require.NoError(t, err)
	require.Equal(t, 137, status)
	gone(t, s.ID)
	require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))
}
