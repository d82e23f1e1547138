package model_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

// endless are commands that write until a disk is full, or for ever.
var endless = []string{
	"head -c 100G /dev/zero > /f",
	"dd if=/dev/zero of=/f",
	"dd if=/dev/zero of=/f bs=32M",
	"dd if=/dev/zero of=/f bs=1 seek=5",
	"yes > /f",
	"yes | tee /f > /dev/null",
	"cat /dev/urandom > /dev/shm/f",
	"echo 1 > f; while cat f f > g; do cp g f; done",
	"echo 1 > f; while cat f f f f >> g; do cp g f; done",
	"i=0; while mkdir $i; do i=$((i+1)); done",
	"i=0; while ln -s /a/long/target $i; do i=$((i+1)); done",
	"while echo 1 >> f; do :; done",
	"while :; do echo 1 > f || exit 1; done",
	"i=0; while truncate -s 1K f$i; do i=$((i+1)); done",
}

// TestRoom: what writes without an end is told that the disk is full, and
// leaves a session that says what it cannot know and goes on.
func TestRoom(t *testing.T) {
	for _, script := range endless {
		t.Run(script, func(t *testing.T) {
			s := simtest.Session(t, model.Config{Room: 1 << 20})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			before := heap()
			r, err := s.Run(ctx, "docker run --name box busybox sh -c '"+script+"'", func(string) string { return "" })
			require.NoError(t, err)
			require.NoError(t, ctx.Err())
			require.Contains(t, r.Model.Stderr, "No space left on device")
			require.Contains(t, say.Text(r.Model.Unknown), "what a real disk holds")
			require.Less(t, heap()-before, 50.0)
			runtime.KeepAlive(r)
			r = simtest.Do(t, s, "docker run --rm busybox sh -c 'echo on > /f; cat /f'")
			require.Equal(t, "on\n", r.Model.Stdout)
			require.Empty(t, r.Model.Unknown)
		})
	}
}

// TestRoomOfFiles: holes take no memory, and so does the copy of a file. Each
// command has all of the room, be it a line of a shell.
func TestRoomOfFiles(t *testing.T) {
	s := simtest.Session(t, model.Config{Room: 1 << 20})
	for _, line := range []string{
		"docker run -it busybox",
		"truncate -s 10M hole", "dd if=/dev/zero of=far bs=1 count=1 seek=10M", "for i in 1 2 3 4 5 6 7 8 9; do cp hole copy$i; done",
		"head -c 900k /dev/zero > a", "head -c 900k /dev/zero > b", "for i in 1 2 3 4 5 6 7 8 9; do cp a c$i; done", "exit",
	} {
		r := simtest.Do(t, s, line)
		require.Empty(t, r.Model.Unknown, line)
		require.Zero(t, r.Model.Exit, "%s: %s", line, r.Model.Stderr)
	}
}

// TestRoomDetached: nobody sees what a detached process is told; that it cannot
// be known any more is said all the same.
func TestRoomDetached(t *testing.T) {
	s := simtest.Session(t, model.Config{Room: 1 << 20})
	r := simtest.Do(t, s, "docker run -d --name box busybox sh -c 'yes > f; sleep 1000'")
	require.Contains(t, say.Text(r.Model.Unknown), "what a real disk holds")
	simtest.Do(t, s, "docker run -d --name box2 busybox sleep 1000")
	r = simtest.Do(t, s, "docker exec -d box2 sh -c 'yes > f'")
	require.Contains(t, say.Text(r.Model.Unknown), "what a real disk holds")
}

// TestStepsOfOne: a command that does without an end what takes no room keeps
// no more steps than are of use; what comes after them has happened all the
// same.
func TestStepsOfOne(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	r := simtest.Do(t, s, "docker run --name box busybox sh -c 'i=0; while [ $i -lt 17000 ]; do echo $i > f; i=$((i+1)); done'")
	require.Zero(t, r.Model.Exit)
	require.Less(t, len(r.Steps), 1<<14+50)
	require.Greater(t, len(r.Steps), 1<<14)
	require.True(t, slices.ContainsFunc(r.Steps, func(s sim.Step) bool { return s.Op == "steps" }))
	simtest.Do(t, s, "docker commit box mine")
	require.Equal(t, "16999\n", simtest.Do(t, s, "docker run --rm mine cat f").Model.Stdout)
}
