//go:build linux

package real_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/session"
)

// TestBuildCutOff ends an engine in the middle of a build, as the kernel does
// when twinlayer is killed. The next session has, in both worlds, the images of
// the steps that were done, and goes on from them.
func TestBuildCutOff(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	write := func(last string) {
		text := "FROM busybox\nENV A=1\nRUN echo 1 > /1\nRUN " + last + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	}
	first := bothAt(t, data)
	agreed(t, first, "docker pull busybox")
	write("sleep 1000")
	done := make(chan struct{})
	go func() {
		defer close(done)
		embeddedDo(first, "docker build -t cut "+dir) // it breaks off
	}()
	require.Eventually(t, func() bool {
		all, err := first.Real.Containers(context.Background())
		return err == nil && slices.ContainsFunc(all, func(k sim.Container) bool {
			return k.Status == sim.Running && strings.Contains(strings.Join(k.Path, " "), "sleep")
		})
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, first.Real.Close())
	<-done

	next := bothAt(t, data)
	require.Len(t, agreed(t, next, "docker images -a").Real.Images, 2, "those of the steps that were done")
	agreed(t, next, "docker pull busybox")
	write("echo 2 > /2")
	r := agreed(t, next, "docker build -t cut "+dir)
	require.Contains(t, r.Real.Stdout, "Using cache")
	agreed(t, next, "docker images -a")
}

// agreed runs a line in both worlds, which must agree.
func agreed(t *testing.T, s *session.Session, line string) sim.Result {
	t.Helper()
	r, err := s.Run(context.Background(), line, func(string) string { return "" })
	require.NoError(t, err)
	require.NoError(t, s.Broken())
	require.NotEqual(t, sim.Bug, r.Verdict, "%s: %v", line, r.Differences)
	require.Zero(t, r.Real.Exit, r.Real.Stderr)
	return r
}
