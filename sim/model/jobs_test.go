package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

// A command in the background does not keep its line. It is there in the next
// ones, as long as it sleeps.
func TestJobsOfLines(t *testing.T) {
	s := simtest.Session(t, model.Config{}) // a line comes a second after another
	simtest.Do(t, s, "docker run -it --name box busybox")
	began := time.Now()
	for _, line := range []string{"sleep 1000 &", "sleep 3 & sleep 2000 &", "(sleep 1000; touch /late) &"} {
		r := simtest.Do(t, s, line)
		require.Zero(t, r.Model.Exit)
		require.Empty(t, r.Model.Unknown)
	}
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, "[1]  Running\n[2]  Running\n[3]  Running\n[4]  Running\n", simtest.Do(t, s, "jobs; sleep 0.1 & wait $!").Model.Stdout)
	ps := simtest.Do(t, s, "ps").Model.Stdout
	require.Contains(t, ps, "sleep 2000")
	require.NotContains(t, ps, "sleep 3\n", "its time has come")
	simtest.Do(t, s, "kill $(ps | sed -n 's/^ *\\([0-9]*\\).* sleep 2000$/\\1/p')")
	require.NotContains(t, simtest.Do(t, s, "ps").Model.Stdout, "sleep 2000")
	require.Contains(t, simtest.Do(t, s, "ps").Model.Stdout, "sleep 1000")
	r := simtest.Do(t, s, "exit 3")
	require.Equal(t, 3, r.Model.Exit)
	require.EqualValues(t, sim.Exited, r.Model.Containers[0].Status)
}

// What a command in the background does after its sleep is beyond the model.
func TestJobGoesOn(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -it --name box busybox")
	require.Empty(t, simtest.Do(t, s, "(sleep 2; echo late > /late) &").Model.Unknown)
	simtest.Do(t, s, "true")
	require.Contains(t, say.Text(simtest.Do(t, s, "ls /").Model.Unknown), "in the background")
	simtest.Do(t, s, "exit")
	s = simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -it --name box busybox")
	require.Empty(t, simtest.Do(t, s, "while :; do :; done &").Model.Unknown)
	require.Contains(t, say.Text(simtest.Do(t, s, "ls /").Model.Unknown), "in the background")
}

// A line waits for a job that it is told to wait for.
func TestWaitForJob(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -it --name box busybox")
	require.Equal(t, "a\nb\n0\n", simtest.Do(t, s, "(sleep 0.2; echo a) & wait; echo b; echo $?").Model.Stdout)
	simtest.Do(t, s, "sleep 2 &")
	require.Equal(t, "0\n", simtest.Do(t, s, "wait $!; echo $?").Model.Stdout)
}

// A process that has ended ends none of those that it has started: they go on
// as orphans.
func TestOrphans(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -it --name box busybox")
	require.Equal(t, "129\n", simtest.Do(t, s, "sh -c 'sleep 6; touch /never' & sleep 0.2; kill -HUP $!; wait $!; echo $?").Model.Stdout)
	require.Contains(t, simtest.Do(t, s, "ps").Model.Stdout, "sleep 6\n")
	r := simtest.Do(t, s, "wait; ls -d /never; jobs")
	require.Empty(t, r.Model.Stdout+say.Text(r.Model.Unknown), "it is no child of the shell")
	for range 4 {
		r = simtest.Do(t, s, "ps")
	}
	require.NotContains(t, r.Model.Stdout, "sleep 6", "its time has come")
	simtest.Do(t, s, "sh -c 'sleep 1000; true' & sleep 0.2; kill $!")
	simtest.Do(t, s, "kill $(ps | sed -n 's/^ *\\([0-9]*\\).* sleep 1000$/\\1/p')")
	require.NotContains(t, simtest.Do(t, s, "ps").Model.Stdout, "sleep 1000")
	simtest.Do(t, s, "sh -c 'sh -c \"sleep 3; echo > /late; true\"; true' & sleep 0.2; kill $!")
	require.Empty(t, simtest.Do(t, s, "true").Model.Unknown)
	simtest.Do(t, s, "true")
	simtest.Do(t, s, "true")
	require.Contains(t, say.Text(simtest.Do(t, s, "ls /").Model.Unknown), "in the background")
}
