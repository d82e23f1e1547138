package lessons

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

func goal(t *testing.T, text string) (g Goal) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &g, yaml.Strict()))
	return g
}

// A world with two images and two containers, one of which has changed its
// files in every way. Each goal is met there, or misses it as told.
func TestGoals(t *testing.T) {
	s := twins()
	do(t, s, "docker pull hello-world", "docker tag hello-world mine:1",
		`docker run --name lesson-x busybox sh -c 'echo x >> /etc/motd; mkdir /srv; touch /srv/new; rm /etc/group'`,
		"docker run -it --name lesson-y busybox")
	s.Detach()
	for _, c := range []struct{ goal, miss string }{
		{"image: {ref: hello-world:latest, layers: 1}", ""},
		{"image: {ref: mine:1}", ""},
		{"image: {ref: mine:1, layers: 2}", "mine:1 has 1 layer, not 2"},
		{"image: {ref: yours:1, layers: 2}", "there is no image yours:1; there is busybox:latest, hello-world:latest, mine:1"},
		{"container: {name: lesson-x}", ""},
		{"container: {name: lesson-x, status: exited}", ""},
		{"container: {name: lesson-y, status: running}", ""},
		{"container: {name: lesson-x, status: running}", "lesson-x is exited, not running"},
		{"container: {name: lesson-z, status: running}", "there is no container lesson-z; there is lesson-y, lesson-x"},
		{"change: {container: lesson-x, kind: modify, path: /etc/motd}", ""},
		{"change: {container: lesson-x, kind: modify, path: /etc}", ""},
		{"change: {container: lesson-x, kind: add, path: /srv/new}", ""},
		{"change: {container: lesson-x, kind: delete, path: /etc/group}", ""},
		{"change: {container: lesson-x, kind: add, path: /etc/motd}", "lesson-x has modified /etc/motd, not added it"},
		{"change: {container: lesson-x, kind: modify, path: /etc/passwd}", "lesson-x has not modified /etc/passwd; it has modified /etc"},
		{"change: {container: lesson-x, kind: add, path: /tmp/new}", "lesson-x has not added /tmp/new; it has added /srv/new"},
		{"change: {container: lesson-x, kind: add, path: /var/x}", "lesson-x has not added /var/x; it has changed /etc, /etc/group, /etc/motd, /srv, /srv/new"},
		{"change: {container: lesson-y, kind: delete, path: /etc/group}", "lesson-y has not deleted /etc/group; lesson-x has"},
		{"change: {container: lesson-y, kind: delete, path: /etc/passwd}", "lesson-y has not deleted /etc/passwd; it has changed nothing"},
		{"change: {container: lesson-z, kind: add, path: /x}", "there is no container lesson-z; there is lesson-y, lesson-x"},
		{"unchanged: {container: lesson-x, path: /etc/passwd}", ""},
		{"unchanged: {container: lesson-y, path: /etc/motd}", ""},
		{"unchanged: {container: lesson-x, path: /etc/motd}", "lesson-x has modified /etc/motd"},
		{"unchanged: {container: lesson-x, path: /etc/group}", "lesson-x has deleted /etc/group"},
		{"unchanged: {container: lesson-z, path: /x}", "there is no container lesson-z; there is lesson-y, lesson-x"},
	} {
		got, err := goal(t, c.goal).check(t.Context(), s, nil)
		require.NoError(t, err)
		want := answer("model", c.miss)
		require.Equal(t, []Answer{want, want}, got.Answers, c.goal)
		require.Equal(t, c.miss == "", got.Met(), c.goal)
	}
}

func TestGoalsOfAnEmptyWorld(t *testing.T) {
	for text, miss := range map[string]string{
		"image: {ref: a:b}":                   "there is no image a:b; there is no image at all",
		"container: {name: c}":                "there is no container c; there is no container at all",
		"unchanged: {container: c, path: /x}": "there is no container c; there is no container at all",
	} {
		got, err := goal(t, text).check(t.Context(), alone(), nil)
		require.NoError(t, err)
		require.Equal(t, []Answer{{"model", Missed, miss}}, got.Answers)
	}
}

// The worlds are asked one by one.
func TestGoalInOneWorld(t *testing.T) {
	s := twins()
	_, err := s.Real.Pull(t.Context(), "hello-world")
	require.NoError(t, err)
	got, err := goal(t, "image: {ref: hello-world:latest, layers: 1}").check(t.Context(), s, nil)
	require.NoError(t, err)
	require.Equal(t, []Answer{
		{"model", Missed, "there is no image hello-world:latest; there is no image at all"},
		{"model", Met, ""},
	}, got.Answers)
	require.False(t, got.Met())
}

func TestVerdictGoal(t *testing.T) {
	ran := func(classes ...sim.Class) (out []sim.Result) {
		for _, c := range classes {
			out = append(out, sim.Result{Cmd: "docker x", Differences: []sim.Difference{{What: "stdout", Class: c, Reason: "so it is"}}})
		}
		return append(out, sim.Result{})
	}
	for _, c := range []struct {
		goal string
		ran  []sim.Result
		miss string
	}{
		{"verdict: same", nil, "nothing was run yet"},
		{"verdict: same", ran(), ""},
		{"verdict: same", ran(sim.Expected), "docker x: stdout differs (expected): so it is"},
		{"verdict: expected", ran(sim.Expected), ""},
		{"verdict: expected", ran(sim.Expected, sim.Limit), "docker x: stdout differs (limit): so it is"},
		{"verdict: limit", ran(sim.Limit, sim.Expected), ""},
		{"verdict: limit", ran(sim.Limit, sim.Bug), "docker x: stdout differs (bug): so it is"},
	} {
		got, err := goal(t, c.goal).check(t.Context(), twins(), c.ran)
		require.NoError(t, err)
		require.Equal(t, []Answer{answer("both", c.miss)}, got.Answers, c.goal)
	}
	got, err := goal(t, "verdict: same").check(t.Context(), alone(), ran())
	require.NoError(t, err)
	require.Equal(t, []Answer{{"both", Untold, "there is no real engine to compare with"}}, got.Answers)
	require.False(t, got.Met())
}
