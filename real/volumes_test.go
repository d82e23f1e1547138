//go:build linux

package real_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// What a program that the model cannot run writes to a volume, the model takes
// over, and goes on from there; also in the next session.
func TestForeignWritesToVolume(t *testing.T) {
	data := t.TempDir()
	s := bothAt(t, data)
	debianBusybox(t, s)
	foreign := "docker run --rm -v data:/data " + realBusybox
	for _, c := range []struct {
		line    string
		verdict sim.Class
		prints  string
	}{
		{"docker pull -q busybox", sim.Same, "busybox:latest\n"},
		{foreign + " sh -c 'echo hi > /data/f; ln -s f /data/l; mkdir /data/d; echo x > /data/d/x'", sim.Limit, ""},
		{"docker run --rm -v data:/data busybox cat /data/l /data/d/x", sim.Same, "hi\nx\n"},
		{"docker run --rm -v data:/data busybox sh -c 'echo more >> /data/f'", sim.Same, ""},
		{foreign + " sh -c 'cat /data/f; rm -r /data/d'", sim.Limit, "hi\nmore\n"},
		{"docker run --rm -v data:/data busybox sh -c 'ls /data; cat /data/f'", sim.Same, "f\nl\nhi\nmore\n"},
	} {
		r, err := s.Run(context.Background(), c.line, os.Getenv)
		require.NoError(t, err)
		require.NoError(t, s.Broken())
		require.Equal(t, c.verdict, r.Verdict, "%s: %+v", c.line, r.Differences)
		require.Contains(t, r.Real.Stdout, c.prints, c.line)
		if strings.HasPrefix(c.line, foreign) {
			require.Contains(t, adoptedPaths(r), "/d", c.line)
		}
	}
	require.NoError(t, s.Real.Close())
	s = bothAt(t, data)
	r, err := s.Run(context.Background(), "docker run --rm -v data:/data busybox cat /data/f", os.Getenv)
	require.NoError(t, err)
	require.Equal(t, sim.Same, r.Verdict, "%+v", r.Differences)
	require.Equal(t, "hi\nmore\n", r.Model.Stdout)
}

// What such a program does when nobody waits for it is taken over too, before
// the next command.
func TestForeignProgramGoesOn(t *testing.T) {
	s := both(t)
	debianBusybox(t, s)
	do := func(line string) sim.Result {
		r, err := s.Run(context.Background(), line, os.Getenv)
		require.NoError(t, err)
		require.NoError(t, s.Broken())
		require.NotEqual(t, sim.Bug, r.Verdict, "%s: %+v", line, r.Differences)
		return r
	}
	do("docker pull -q busybox")
	do("docker run --name alone -d -v data:/data " + realBusybox + " sh -c 'until test -f /data/go; do sleep 0.01; done; sleep 0.3; echo said; echo end > /f; echo x > /data/x; exit 3'")
	require.Equal(t, "alone\n", do("docker ps --format {{.Names}}").Model.Stdout)
	do("docker run --rm -v data:/data busybox touch /data/go")
	require.Equal(t, "3\n", do("docker wait alone").Real.Stdout)
	for line, prints := range map[string]string{
		"docker ps -a --filter status=exited --format {{.Names}}": "alone\n",
		"docker diff alone": "A /f\n",
		"docker logs alone": "said\n",
		"docker run --rm -v data:/data busybox cat /data/x": "x\n",
		"docker inspect -f {{.State.ExitCode}} alone":       "3\n",
	} {
		r := do(line)
		require.Equal(t, sim.Same, r.Verdict, "%s: %+v", line, r.Differences)
		require.Contains(t, r.Model.Stdout, prints, line)
	}
}

func adoptedPaths(r sim.Result) (paths []string) {
	for _, s := range r.Steps {
		if s.Why.Key == "adopt.adopted" {
			paths = append(paths, s.Path)
		}
	}
	return paths
}
