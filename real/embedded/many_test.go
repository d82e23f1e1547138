//go:build linux

package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// 200 containers, or 40, are started, changed, committed and removed at the same
// time: every image holds what its container wrote, and nothing else is left.
func TestTwoHundred(t *testing.T) {
	data := scratch(t)
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	many := testenv.Count(0, 40, 200)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := changeAndCommit(t, e, i); err != nil {
				t.Errorf("container %d: %v", i, err)
			}
		})
	}
	all.Wait()
	left, err := e.Containers(timeout(t))
	require.NoError(t, err)
	require.Empty(t, left)
	images, err := e.Images(timeout(t))
	require.NoError(t, err)
	require.Len(t, images, many+1)
	for i := range many {
		s := spec("cat", "/mine")
		s.Image = fmt.Sprintf("many:%d", i)
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d\n", i), out.Stdout)
	}
	require.NoError(t, e.Close())
	gone(t, data)
	requireSound(t, data)
	for _, dir := range []string{"sessions/*", "partial/*", "volumes/*"} {
		names, err := filepath.Glob(filepath.Join(data, dir))
		require.NoError(t, err)
		require.Empty(t, names)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.False(t, strings.Contains(string(mounts), data))
}

// TestKept: containers that are kept cost the engine no open files, no threads
// and no mounts, and a list of them is short on its way.
func TestKept(t *testing.T) {
	e := engine(t)
	keep := func(n int) {
		for range n {
			s := spec("sh", "-c", "echo one; echo two >&2; echo three > /f")
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, sim.Output{Stdout: "one\n", Stderr: "two\n"}, out)
			_, err = e.Start(timeout(t), s.ID, true)
			require.NoError(t, err)
			_, err = e.Wait(timeout(t), s.ID)
			require.NoError(t, err)
			_, err = e.Layer(timeout(t), s.ID)
			require.NoError(t, err)
			logs, err := e.Logs(timeout(t), s.ID, false)
			require.NoError(t, err)
			require.Equal(t, sim.Output{Stdout: "one\none\n", Stderr: "two\ntwo\n"}, logs)
		}
	}
	keep(5)
	before := held(t)
	keep(40)
	after := held(t)
	require.Less(t, after.files, before.files+20, "files")
	require.Less(t, after.threads, before.threads+20, "threads")
	require.Equal(t, before.mounts, after.mounts, "mounts")
	all, err := e.Containers(timeout(t))
	require.NoError(t, err)
	got, err := e.Overview(timeout(t))
	require.NoError(t, err)
	require.Len(t, got, 45)
	require.Equal(t, sim.Overview(all), got)
	for _, k := range all {
		one, err := e.Container(timeout(t), k.ID[:12])
		require.NoError(t, err)
		require.Equal(t, k, one)
	}
}

// held is what this test's engines hold.
func held(t *testing.T) (h struct{ files, threads, mounts int }) {
	for _, pid := range children(t) {
		for name, n := range map[string]*int{"fd": &h.files, "task": &h.threads} {
			entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", pid, name))
			require.NoError(t, err)
			*n += len(entries)
		}
		mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", pid))
		require.NoError(t, err)
		h.mounts += strings.Count(string(mounts), "\n")
	}
	return h
}

func changeAndCommit(t testing.TB, e *embedded.Engine, i int) error {
	c := t.Context()
	s := spec("sh", "-c", fmt.Sprintf("echo %d > /mine; rm /etc/motd; sleep 1000", i))
	k, err := e.Create(c, s)
	if err != nil {
		return err
	}
	if _, err := e.Start(c, s.ID, true); err != nil {
		return err
	}
	if out, err := e.Exec(c, s.ID, sim.Process{Args: []string{"sh", "-c", "while [ -e /etc/motd ]; do sleep 0.05; done"}}); err != nil || out.Exit != 0 {
		return fmt.Errorf("%v %w", out, err)
	}
	img, err := e.Image(c, k.ImageID.String())
	if err != nil {
		return err
	}
	asked := sim.Commit{Container: s.ID, Ref: fmt.Sprintf("many:%d", i), Config: img.Config.Config, Created: s.Created, Pause: i%2 == 0}
	if _, err := e.Commit(c, asked); err != nil {
		return err
	}
	return e.RemoveContainer(c, s.ID, sim.RemoveOptions{Force: true})
}
