package lessons

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// images are the bundled images, with this test as busybox.
var images = sync.OnceValue(func() *bundle.Bundle {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return bundle.New(exe, userland.Applets())
})

func model() *sim.Model {
	return sim.NewModel(sim.ModelConfig{Registry: images(), Programs: images().Programs})
}

// alone is the model without a real engine; twins has a second model in the
// place of the real one.
func alone() *sim.Session { return &sim.Session{Model: model()} }
func twins() *sim.Session { return &sim.Session{Model: model(), Real: model()} }

// do runs lines that must succeed.
func do(t *testing.T, s *sim.Session, lines ...string) {
	t.Helper()
	for _, line := range lines {
		r, err := s.Run(t.Context(), line, noEnv)
		require.NoError(t, err)
		require.Zero(t, r.Model.Exit, "%s: %s", line, r.Model.Stderr)
	}
}

func lesson(t *testing.T, id string) Lesson {
	t.Helper()
	all, err := All("")
	require.NoError(t, err)
	i := slices.IndexFunc(all, func(l Lesson) bool { return l.ID == id })
	require.GreaterOrEqual(t, i, 0)
	return all[i]
}

// playAll plays a lesson to its end, and hands every step to see.
func playAll(t *testing.T, s *sim.Session, l Lesson, see func(Played)) {
	t.Helper()
	run := l.Start(s)
	for {
		p, ok, err := run.Next(t.Context())
		require.NoError(t, err)
		if !ok {
			return
		}
		see(p)
	}
}

func TestCheckAll(t *testing.T) {
	all, err := All("")
	require.NoError(t, err)
	for _, l := range all {
		for name, world := range map[string]func() *sim.Session{"alone": alone, "twins": twins} {
			t.Run(l.ID+" "+name, func(t *testing.T) {
				s := world()
				require.NoError(t, Check(t.Context(), s, l))
				require.NoError(t, Check(t.Context(), s, l), "a second time")
			})
		}
	}
}

func TestPlay(t *testing.T) {
	all, err := All("")
	require.NoError(t, err)
	for _, l := range all {
		n := 0
		playAll(t, alone(), l, func(p Played) {
			n++
			require.Equal(t, n, p.Number)
			require.Equal(t, len(l.Steps), p.Of)
			require.Equal(t, l.Steps[n-1].Prose, p.Prose)
			require.Empty(t, p.Strayed)
			require.Len(t, p.Lines, len(p.Run))
			require.Len(t, p.Checked, len(p.Goals))
			for _, c := range p.Checked {
				untold := c.Goal.Kind == "verdict"
				require.Equal(t, untold, c.some(Untold), "%s: %s: %+v", p.ID, c.Goal, c.Answers)
				require.Equal(t, !untold, c.Met(), "%s: %s: %+v", p.ID, c.Goal, c.Answers)
			}
		})
		require.Equal(t, len(l.Steps), n)
	}
}

// The verdict is told where there are two worlds.
func TestPlayTwins(t *testing.T) {
	playAll(t, twins(), lesson(t, "change-etc"), func(p Played) {
		for _, c := range p.Checked {
			require.True(t, c.Met(), "%s: %s: %+v", p.ID, c.Goal, c.Answers)
			require.Len(t, c.Answers, map[bool]int{true: 1, false: 2}[c.Goal.Kind == "verdict"])
		}
	})
}

// steps of the model in one step of the lesson, as "op path".
func stepsOf(p Played) (out []string) {
	for _, line := range p.Lines {
		if line.Result == nil {
			continue
		}
		for _, s := range line.Result.Steps {
			out = append(out, s.Op+" "+s.Path)
		}
	}
	return out
}

func TestChangeEtcShowsTheCopyUp(t *testing.T) {
	found := map[string][]string{}
	var last []string
	playAll(t, alone(), lesson(t, "change-etc"), func(p Played) {
		found[p.ID] = stepsOf(p)
		if p.ID == "write" {
			last = found["write"]
		}
	})
	require.Contains(t, found["read"], "read /etc/motd")
	require.NotContains(t, strings.Join(found["read"], "\n"), "copy-up")
	require.Equal(t, []string{"copy-up /etc", "copy-up /etc/motd", "write /etc/motd"}, last, "as the prose tells it")
	for id, steps := range found {
		if id != "write" {
			require.NotContains(t, strings.Join(steps, "\n"), "copy-up", id)
		}
	}
}

// The learner's own containers and images outlive a lesson.
func TestLearnersOwnStays(t *testing.T) {
	s := twins()
	do(t, s, "docker pull hello-world", "docker run --name mine busybox true")
	for _, id := range []string{"hello-world", "change-etc"} {
		playAll(t, s, lesson(t, id), func(p Played) {
			for _, c := range p.Checked {
				require.True(t, c.Met(), "%s: %s: %+v", p.ID, c.Goal, c.Answers)
			}
		})
	}
	for _, w := range []sim.Engine{s.Model, s.Real} {
		all, err := w.Images(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"hello-world:latest", "busybox:latest"}, tags(all))
		containers, err := w.Containers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"mine"}, names(containers))
	}
}

// Leftovers of a lesson that was left halfway do not disturb the next.
func TestAfterHalfALesson(t *testing.T) {
	s := twins()
	l := lesson(t, "change-etc")
	run := l.Start(s)
	for range 4 {
		_, ok, err := run.Next(t.Context())
		require.True(t, ok)
		require.NoError(t, err)
	}
	do(t, s, "docker attach lesson-b")
	require.NoError(t, Check(t.Context(), s, l))
	require.Empty(t, s.Attached())
}

func TestEnd(t *testing.T) {
	s := alone()
	run := lesson(t, "hello-world").Start(s)
	done, err := run.End(t.Context())
	require.NoError(t, err)
	require.Empty(t, done, "nothing was begun")
	_, ok, err := run.Next(t.Context())
	require.False(t, ok)
	require.NoError(t, err)

	run = lesson(t, "hello-world").Start(s)
	_, _, err = run.Next(t.Context())
	require.NoError(t, err)
	require.Len(t, s.Model.State().Images(), 1)
	done, err = run.End(t.Context())
	require.NoError(t, err)
	require.Len(t, done, 2)
	require.Empty(t, s.Model.State().Images())
	_, ok = run.Ahead()
	require.False(t, ok)
}

// A learner may run anything between two steps.
func TestLearnerInBetween(t *testing.T) {
	s := alone()
	run := lesson(t, "change-etc").Start(s)
	for i := 0; ; i++ {
		p, ok, err := run.Next(t.Context())
		require.NoError(t, err)
		if !ok {
			break
		}
		require.Empty(t, p.Strayed, p.ID)
		do(t, s, fmt.Sprintf("docker run -it --name mine-%d busybox", i), "echo hi > /etc/motd")
	}
}

// One who ended the shell that a step needs is told so.
func TestStrayed(t *testing.T) {
	s := alone()
	run := lesson(t, "change-etc").Start(s)
	for range 2 {
		_, _, err := run.Next(t.Context())
		require.NoError(t, err)
	}
	do(t, s, "docker attach lesson-a", "exit")
	p, ok, err := run.Next(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "read", p.ID)
	require.Equal(t, `"cat /etc/motd" belongs into a container's shell, and none is attached`, p.Strayed)
	require.Len(t, p.Lines, 1)
}

// broken is an engine that breaks when it is asked for images.
type broken struct{ sim.Engine }

func (b broken) Images(context.Context) ([]sim.Image, error) { return nil, errors.New("no luck") }

func TestBrokenEngine(t *testing.T) {
	s := &sim.Session{Model: model(), Real: broken{model()}}
	l := lesson(t, "hello-world")
	p, ok, err := l.Start(s).Next(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []Answer{{"model", Met, ""}, {"model", Untold, "the real engine has stopped: no luck"}}, p.Checked[0].Answers)
	require.ErrorContains(t, Check(t.Context(), s, l), "no luck")
}
