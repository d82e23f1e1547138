//go:build linux

package real_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// The wall clock is set back and forward during a session, by a second up to
// years: the worlds go on to agree, also in the order of what they list.
func TestClockJumps(t *testing.T) {
	s := both(t)
	var jump time.Duration
	s.Clock = func() time.Time { return time.Now().Add(jump).Round(0) }
	day := 24 * time.Hour
	do := func(line string) sim.Result {
		r, err := s.Run(context.Background(), line, os.Getenv)
		require.NoError(t, err)
		require.NoError(t, s.Broken())
		require.NotEqual(t, sim.Bug, r.Verdict, "%s: %+v", line, r.Differences)
		return r
	}
	do("docker pull -q busybox")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/Dockerfile", []byte("FROM busybox\nRUN echo 1 > /f\nCOPY Dockerfile /\n"), 0o644))
	for i, by := range []time.Duration{0, -time.Second, -day, 400 * day, -3650 * day, day} {
		jump = by
		name := string(rune('a'+i)) + "1"
		do("docker run --name " + name + " busybox sh -c 'echo x > /f; rm /etc/passwd'")
		do("docker run -d --name d" + name + " busybox sleep infinity") // the kernel sleeps by its monotonic clock, as the model does without this test
		do("docker commit " + name + " my:" + name)
		do("docker build -q -t built:" + name + " " + dir)
		do("docker ps -a")
		do("docker ps -n 2 --format {{.Names}}")
		do("docker images -a --format {{.Repository}}:{{.Tag}}")
		do("docker history -q --no-trunc my:" + name)
		do("docker stop -t 0 d" + name)
		do("docker start d" + name)
		do("docker restart -t 0 d" + name)
	}
	require.Len(t, do("docker ps -aq").Model.Containers, 12)
}
