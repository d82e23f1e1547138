package model_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/session"
	"twinlayer/sim/simtest"
)

// going runs a line that does not end by itself, and returns when what it runs
// has printed a first line; the result comes when it has ended.
func going(t *testing.T, s *session.Session, line, name string) <-chan sim.Result {
	t.Helper()
	result := make(chan sim.Result, 1)
	go func() {
		r, _ := s.Run(context.Background(), line, func(string) string { return "" })
		result <- r
	}()
	require.Eventually(t, func() bool {
		out, err := s.Model.Logs(t.Context(), name, false)
		return err == nil && strings.Contains(out.Stdout, "started\n")
	}, 10*time.Second, time.Millisecond)
	return result
}

func ended(t *testing.T, result <-chan sim.Result) sim.View {
	t.Helper()
	select {
	case r := <-result:
		return r.Model
	case <-time.After(10 * time.Second):
		t.Fatal("the run goes on")
		return sim.View{}
	}
}

const unending = "sh -c 'echo started; touch /begun; sleep 1000; echo never'"

// TestKillReachesARun: what runs in the foreground can be looked at and ended
// from beside.
func TestKillReachesARun(t *testing.T) {
	for name, end := range map[string]func(*model.Model) error{
		"kill": func(m *model.Model) error { return m.Kill(t.Context(), "it", "KILL") },
		"stop": func(m *model.Model) error { return m.Stop(t.Context(), "it", 10*time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			s := simtest.Session(t, model.Config{})
			result := going(t, s, "docker run --name it busybox "+unending, "it")
			k, err := s.Model.Container(t.Context(), "it")
			require.NoError(t, err)
			require.Equal(t, sim.Running, k.Status)
			require.Eventually(t, func() bool {
				rows, err := s.Model.Top(t.Context(), "it")
				return err == nil && slices.Contains(rows[len(rows)-1], "sleep 1000")
			}, 10*time.Second, time.Millisecond)
			changes, err := s.Model.Changes(t.Context(), "it")
			require.NoError(t, err)
			require.Len(t, changes, 1)
			require.NoError(t, s.Model.Kill(t.Context(), "it", "TERM"), "process 1 does not ask for it")
			require.NoError(t, end(s.Model))
			k, err = s.Model.Container(t.Context(), "it")
			require.NoError(t, err)
			v := ended(t, result)
			require.Equal(t, "started\n", v.Stdout[strings.LastIndex(v.Stdout, "started"):])
			require.Equal(t, 137, v.Exit)
			k, err = s.Model.Container(t.Context(), "it")
			require.NoError(t, err)
			require.Equal(t, []any{sim.Exited, 137}, []any{k.Status, k.Exit})
			require.Equal(t, "started\n", simtest.Do(t, s, "docker logs it").Model.Stdout)
		})
	}
}

// TestKillBeside: what waits in another container ends while a run goes on,
// and so does a container whose shell is at a line, or that something was
// added to.
func TestKillBeside(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -d --name waits busybox sleep 1000")
	result := going(t, s, "docker run --rm --name it busybox "+unending, "it")
	require.NoError(t, s.Model.Kill(t.Context(), "waits", "9"))
	k, err := s.Model.Container(t.Context(), "waits")
	require.NoError(t, err)
	require.Equal(t, sim.Exited, k.Status)
	var refusal *sim.Refusal
	require.ErrorAs(t, s.Model.Kill(t.Context(), "nope", "9"), &refusal)
	require.NoError(t, s.Model.Kill(t.Context(), "it", "9"))
	require.Equal(t, 137, ended(t, result).Exit)
	require.Equal(t, "waits\n", simtest.Do(t, s, "docker ps -a --format {{.Names}}").Model.Stdout)

	simtest.Do(t, s, "docker run -it --name shell busybox")
	result = going(t, s, "echo started; sleep 1000", "shell")
	require.NoError(t, s.Model.Kill(t.Context(), "shell", "9"))
	v := ended(t, result)
	require.Equal(t, []any{137, ""}, []any{v.Exit, v.Shell})
	require.Empty(t, s.Attached().Shell)

	simtest.Do(t, s, "docker run -d --name host busybox sleep 1000")
	added := make(chan sim.Result, 1)
	go func() {
		r, _ := s.Run(context.Background(), "docker exec host sleep 900", func(string) string { return "" })
		added <- r
	}()
	require.Eventually(t, func() bool {
		rows, _ := s.Model.Top(t.Context(), "host")
		return len(rows) == 3
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Model.Kill(t.Context(), "host", "9"))
	require.Equal(t, 137, ended(t, added).Exit)
	require.Equal(t, "host\nshell\nwaits\n", simtest.Do(t, s, "docker ps -a --filter status=exited --format {{.Names}}").Model.Stdout)
}
