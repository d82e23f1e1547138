package lessons

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"twinlayer/sim/say"
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
		{"container: {name: lesson-x, status: running}", "lesson-x is stopped, not running"},
		{"container: {name: lesson-z, status: running}", "there is no container lesson-z: did you mean lesson-y?"},
		{"change: {container: lesson-x, kind: modify, path: /etc/motd}", ""},
		{"change: {container: lesson-x, kind: modify, path: /etc}", ""},
		{"change: {container: lesson-x, kind: add, path: /srv/new}", ""},
		{"change: {container: lesson-x, kind: delete, path: /etc/group}", ""},
		{"change: {container: lesson-x, kind: add, path: /etc/motd}", "lesson-x has modified /etc/motd, not added it"},
		{"change: {container: lesson-x, kind: modify, path: /etc/passwd}", "lesson-x has not modified /etc/passwd; it has changed /etc, /etc/group, /etc/motd, /srv, /srv/new"},
		{"change: {container: lesson-x, kind: add, path: /tmp/new}", "lesson-x has not added /tmp/new; it has changed /etc, /etc/group, /etc/motd, /srv, /srv/new"},
		{"change: {container: lesson-x, kind: add, path: /var/x}", "lesson-x has not added /var/x; it has changed /etc, /etc/group, /etc/motd, /srv, /srv/new"},
		{"change: {container: lesson-y, kind: delete, path: /etc/group}", "lesson-y has not deleted /etc/group; lesson-x has"},
		{"change: {container: lesson-y, kind: delete, path: /etc/passwd}", "lesson-y has not deleted /etc/passwd; it has changed nothing"},
		{"change: {container: lesson-z, kind: add, path: /x}", "there is no container lesson-z: did you mean lesson-y?"},
		{"change: {container: lesson-x, kind: modify, path: /etc/mtod}", "lesson-x's changes have /etc/motd: did you mean /etc/mtod?"},
		{"gone: {container: lesson-z}", ""},
		{"gone: {image: nosuch:1}", ""},
		{"gone: {container: lesson-x}", "lesson-x is still there"},
		{"gone: {image: mine:1}", "mine:1 is still there"},
		{"container: {name: lesson-y, image: busybox:latest}", ""},
		{"container: {name: lesson-y, image: hello-world:latest}", "lesson-y is of the image busybox, not hello-world:latest"},
		{"shared: {images: ['hello-world:latest', 'mine:1'], layers: 1}", ""},
		{"shared: {images: ['hello-world:latest', 'busybox:latest'], layers: 1}", "hello-world:latest and busybox:latest share 0 layers, not 1"},
		{"size: {image: mine:1, smaller_than: busybox:latest}", ""},
		{"size: {image: mine:1, as_big_as: hello-world:latest}", ""},
		{"size: {image: mine:1, bigger_than: hello-world:latest}", "mine:1 has 642B, and hello-world:latest has 642B"},
		{"config: {image: mine:1, field: Cmd, has: /hello}", ""},
		{"config: {image: mine:1, field: Entrypoint, has: /hello}", "Entrypoint of mine:1 is empty"},
		{"history: {image: mine:1, has: COPY hello}", ""},
		{"history: {image: mine:1, lacks: RUN}", ""},
		{"history: {image: mine:1, lacks: COPY}", "the history of mine:1 tells of COPY"},
		{"volume: {name: data}", "there is no volume data; there is no volume at all"},
		{"unchanged: {container: lesson-x, path: /etc/passwd}", ""},
		{"unchanged: {container: lesson-y, path: /etc/motd}", ""},
		{"unchanged: {container: lesson-x, path: /etc/motd}", "lesson-x has modified /etc/motd"},
		{"unchanged: {container: lesson-x, path: /etc/group}", "lesson-x has deleted /etc/group"},
		{"unchanged: {container: lesson-z, path: /x}", "there is no container lesson-z: did you mean lesson-y?"},
	} {
		got, err := check(t.Context(), s, []Goal{goal(t, c.goal)})
		require.NoError(t, err)
		require.Len(t, got[0].Answers, 2)
		for _, a := range got[0].Answers {
			require.Equal(t, "model", a.World)
			require.Equal(t, c.miss, say.Text(a.Why), c.goal)
			require.Equal(t, c.miss == "", a.State == Met, c.goal)
			require.NotContains(t, say.In("zh", a.Why), "%!", c.goal)
		}
		require.Equal(t, c.miss == "", got[0].Met(), c.goal)
		require.NotEmpty(t, say.In("zh", got[0].Goal.Says()))
	}
}

func TestGoalsOfAnEmptyWorld(t *testing.T) {
	for text, miss := range map[string]string{
		"image: {ref: a:b}":                   "there is no image a:b; there is no image at all",
		"container: {name: c}":                "there is no container c; there is no container at all",
		"unchanged: {container: c, path: /x}": "there is no container c; there is no container at all",
	} {
		got, err := check(t.Context(), alone(), []Goal{goal(t, text)})
		require.NoError(t, err)
		require.Equal(t, miss, say.Text(got[0].Answers[0].Why))
	}
}

// The worlds are asked one by one.
func TestGoalInOneWorld(t *testing.T) {
	s := twins()
	_, err := s.Real.Pull(t.Context(), "hello-world")
	require.NoError(t, err)
	got, err := check(t.Context(), s, []Goal{goal(t, "image: {ref: hello-world:latest, layers: 1}")})
	require.NoError(t, err)
	require.Equal(t, Missed, got[0].Answers[0].State)
	require.Equal(t, Met, got[0].Answers[1].State)
	require.False(t, got[0].Met())
}

// A path's story through layers, as the union has it.
func TestStory(t *testing.T) {
	stack := []layer{
		{"/etc": 0, "/etc/motd": 5, "/srv": 0, "/srv/a": 1, "/big": 9},
		{"/etc": 0, "/etc/motd": 7, "/srv": 0, "/srv/*": hides, "/srv/b": 1},
		{"/big": hides},
	}
	for _, c := range []struct {
		path   string
		from   int
		hidden []int
	}{
		{"/etc/motd", 2, []int{1}},
		{"/big", 0, []int{1}},
		{"/srv/a", 0, []int{1}},
		{"/srv/b", 2, nil},
		{"/nosuch", 0, nil},
	} {
		from, hidden := story(stack, c.path)
		require.Equal(t, c.from, from, c.path)
		require.Equal(t, c.hidden, hidden, c.path)
	}
}

func TestClosest(t *testing.T) {
	require.Equal(t, "/etc/motd", Closest("/etc/mtod", []string{"/etc", "/etc/motd", "/tmp"}))
	require.Equal(t, "lesson-a", Closest("lesson-b", []string{"other", "lesson-a"}))
	require.Empty(t, Closest("/etc/motd", []string{"/usr/bin"}))
	require.Empty(t, Closest("/x", []string{"/x"}), "what is there was not meant otherwise")
}
