package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/simtest"
)

// TestDroppedInLines: what a container's root was not given, its waiting shell
// has not got either.
func TestDroppedInLines(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	const line = "touch /x; chown 7 /x; echo $?; (chown 7 /x); echo $?"
	simtest.Do(t, s, "docker run -it --name less --cap-drop CHOWN busybox")
	require.Equal(t, "1\n1\n", simtest.Do(t, s, line).Model.Stdout)
	simtest.Do(t, s, "exit")
	simtest.Do(t, s, "docker run -it --name all busybox")
	require.Equal(t, "0\n0\n", simtest.Do(t, s, line).Model.Stdout)
}

// TestSignalsToTheFirst: of the signals that stop a process only the one that
// cannot be handled reaches a container's first.
func TestSignalsToTheFirst(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -d --name waits busybox sleep 1000")
	for _, sig := range []string{"TSTP", "TTIN", "USR1", "RTMIN+1", "CLD"} {
		require.NoError(t, s.Model.Kill(t.Context(), "waits", sig), sig)
	}
	var unknown *sim.Unknown
	require.ErrorAs(t, s.Model.Kill(t.Context(), "waits", "STOP"), &unknown)
	var refusal *sim.Refusal
	require.ErrorAs(t, s.Model.Kill(t.Context(), "waits", "RTMIN+99"), &refusal)
	k, err := s.Model.Container(t.Context(), "waits")
	require.NoError(t, err)
	require.Equal(t, sim.Running, k.Status)
}

// TestPageCache: containers of one image, and of one that stands on it, share
// their program in memory; one that runs a copy of its own does not.
func TestPageCache(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	for _, line := range []string{
		"docker run -d --name one busybox sleep 1000", "docker run -d --name two busybox sleep 1000", "docker run --name made busybox touch /x", "docker commit made mine",
		"docker run -d --name three mine sleep 1000", "docker run -d --name own busybox sh -c 'cp /bin/busybox /sleep; exec /sleep 1000'", "docker run -d --name stopped busybox sleep 1000", "docker kill stopped",
	} {
		require.Zero(t, simtest.Do(t, s, line).Model.Exit, line)
	}
	w := s.Model.State().World()
	pids := map[string]int{}
	for _, c := range w.Containers {
		if c.Status == sim.Running {
			pids[c.Name] = c.Processes[0].PID
		}
	}
	image, err := s.Model.Images(t.Context())
	require.NoError(t, err)
	base := image[len(image)-1].Layers[0].String()
	own, err := s.Model.Container(t.Context(), "own")
	require.NoError(t, err)
	require.Len(t, w.PageCache, 2)
	shared, copied := w.PageCache[0], w.PageCache[1]
	require.Equal(t, sim.CachedNow{Layer: base, Path: "/bin/busybox", Bytes: shared.Bytes, PIDs: []int{pids["one"], pids["two"], pids["three"]}}, shared)
	require.Equal(t, sim.CachedNow{Layer: own.ID, Path: "/sleep", Bytes: shared.Bytes, PIDs: []int{pids["own"]}}, copied)
}
