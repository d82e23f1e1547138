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
