package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/compare"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

var script = []string{
	"docker run -it --name box1 busybox", "echo a > /etc/motd", "rm /etc/passwd", "mkdir /etc/new", "mv /tmp /tmp2", "ln /etc/motd /m",
	"for i in 1 2 3; do echo $i >> /log; done", "exit", "docker tag busybox mine:2", "docker run --name box2 mine:2 ls /", "docker rm box1",
}

// digests are what a state holds of a container, by step.
func digests(t *testing.T, steps []sim.Step, key string) (out []string) {
	for _, s := range steps {
		all := s.After.World().Containers
		i := slices.IndexFunc(all, func(k sim.ContainerNow) bool { return k.Name == key })
		if i < 0 {
			out = append(out, "none")
			continue
		}
		d, err := all[i].Upper.Digest()
		require.NoError(t, err)
		out = append(out, d.String())
	}
	return out
}

// TestSameCommandsSameStates: the model has no clock and no chance of its own.
func TestSameCommandsSameStates(t *testing.T) {
	a, b := simtest.Session(t, model.Config{}), simtest.Session(t, model.Config{})
	for _, line := range script {
		x, y := simtest.Do(t, a, line), simtest.Do(t, b, line)
		require.Equal(t, x.Model, y.Model, line)
		require.Equal(t, len(x.Steps), len(y.Steps), line)
		for i := range x.Steps {
			require.Equal(t, x.Steps[i].Event, y.Steps[i].Event, line)
		}
		require.Equal(t, digests(t, x.Steps, "box1"), digests(t, y.Steps, "box1"), line)
	}
}

// TestOldStatesStay: what a step saw is still there after everything.
func TestOldStatesStay(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	var all []sim.Step
	var then []string
	for _, line := range script {
		r := simtest.Do(t, s, line)
		all, then = append(all, r.Steps...), append(then, digests(t, r.Steps, "box1")...)
	}
	require.Equal(t, then, digests(t, all, "box1"))
	kinds := map[string]bool{}
	for _, step := range all {
		kinds[step.Op] = true
		require.NotEmpty(t, step.Path, step.Op)
		require.NotEmpty(t, step.Why, step.Op)
	}
	for _, op := range []string{"pull", "layer", "create", "mount", "namespaces", "exec", "load", "copy-up", "write", "whiteout", "mkdir", "create", "link", "exit", "remove", "tag"} {
		require.True(t, kinds[op], "%s was not among the steps", op)
	}
}

func TestTimeline(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	var line sim.Timeline
	_, ok := line.Back()
	require.False(t, ok)
	line.Add("boot", s.Model.Steps(), false)
	require.Zero(t, line.Ahead())
	r := simtest.Do(t, s, "docker run --rm hello-world")
	line.Add(r.Cmd, r.Steps, true)
	require.Equal(t, len(r.Steps), line.Ahead())
	first, ok := line.Forward()
	require.True(t, ok && first.Index == 1 && first.Of == len(r.Steps) && first.Cmd == r.Cmd)
	before, ok := line.Back()
	require.True(t, ok)
	require.Equal(t, "boot", before.Cmd)
	line.End()
	require.Zero(t, line.Ahead())
	require.Len(t, line.Last(), len(r.Steps))
}

// TestLongTimeline: the oldest commands go whole, and never too many steps.
func TestLongTimeline(t *testing.T) {
	var line sim.Timeline
	line.Add("huge", make([]sim.Step, 3*sim.StepsKept), false)
	require.Len(t, line.Last(), 3*sim.StepsKept, "the last command is always whole")
	for i := range 3 * sim.StepsKept / 2 {
		line.Add(fmt.Sprint(i), make([]sim.Step, 10), false)
	}
	require.True(t, line.Cut())
	n, first := 0, sim.Moment{}
	for m, ok := line.Back(); ok; m, ok = line.Back() {
		n, first = n+1, m
	}
	require.GreaterOrEqual(t, n, sim.StepsKept-1)
	require.LessOrEqual(t, n, 2*sim.StepsKept+10)
	require.Equal(t, 1, first.Index, "a command is kept whole, or not at all")
	for range n {
		_, ok := line.Forward()
		require.True(t, ok)
	}
	require.Zero(t, line.Ahead())
}

// TestUnknownProgram: the model says what it cannot know.
func TestUnknownProgram(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run -it --name box1 busybox")
	simtest.Do(t, s, `printf '\177ELF\000made up' > /prog; chmod +x /prog`)
	r := simtest.Do(t, s, "/prog")
	require.Contains(t, say.Text(r.Model.Unknown), "/prog")
	require.Equal(t, sim.Limit, sim.Verdict(compare.Comparison{Pairs: &compare.ImageMap{}, AsTyped: strings.Clone}.Of(r.Model, sim.View{Exit: 7})))
	r = simtest.Do(t, s, "cp /bin/busybox /tmp/busybox; /tmp/busybox echo known")
	require.Equal(t, "known\n", r.Model.Stdout)
	require.Empty(t, r.Model.Unknown)
}

func TestFindUser(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/sh\nana:x:7:8::/home/ana:/bin/sh\n"
	const group = "root:x:0:\nstaff:x:50:ana,bob\nana:x:8:\n"
	u, refusal := sim.FindUser("ana", passwd, group)
	require.Nil(t, refusal)
	require.Equal(t, sim.User{UID: 7, GID: 8, Groups: []int{8, 50}, Home: "/home/ana"}, u)
	u, refusal = sim.FindUser("9:staff", passwd, group)
	require.Nil(t, refusal)
	require.Equal(t, sim.User{UID: 9, GID: 50, Groups: []int{50}, Home: "/"}, u)
	_, refusal = sim.FindUser("eve", passwd, group)
	require.Equal(t, "unable to find user eve: no matching entries in passwd file", refusal.Text)
	_, refusal = sim.FindUser("ana:eve", passwd, group)
	require.Equal(t, "unable to find group eve: no matching entries in group file", refusal.Text)
}

// TestLeftInBackground: a state that is reached does not change any more,
// whatever a shell has left running; a program of docker exec runs on.
func TestLeftInBackground(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run --name box1 busybox sh -c 'while true; do echo > /x; ls / > /y; done & echo a'")
	simtest.Do(t, s, "docker run -d --name box2 busybox sleep 1000")
	r := simtest.Do(t, s, "docker exec box2 sh -c 'while true; do echo > /x; done & sleep 900 & echo b'")
	require.Equal(t, "b\n", r.Model.Stdout)
	before := digests(t, r.Steps[len(r.Steps)-1:], "box1")
	r = simtest.Do(t, s, "docker exec box2 ps")
	require.Contains(t, r.Model.Stdout, "sleep 900")
	require.Equal(t, before, digests(t, r.Steps[len(r.Steps)-1:], "box1"))
}
