package lessons

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

const soundYAML = `format_version: 1
id: good
order: 3
containers: [lesson-x]
images: [hello-world:latest]
steps:
  - id: one
    run: [docker run --name lesson-x hello-world]
    goals:
      - container: {name: lesson-x, status: exited}
  - id: two
    run: [docker diff lesson-x]
    goals:
      - verdict: same
`

// Each case makes a sound lesson unsound, and Check tells it all.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		want     []string
	}{
		"sound":         {"", "", nil},
		"goal missed":   {"status: exited", "status: running", []string{`step one: goal "container lesson-x is running" in model: lesson-x is exited, not running`}},
		"line fails":    {"run: [docker diff lesson-x]", "run: [docker diff lesson-y]", []string{"step two: docker diff lesson-y: exit status 1: Error response from daemon: No such container: lesson-y"}},
		"idle step":     {"verdict: same", "container: {name: lesson-x}", []string{"step two: all goals are met before it"}},
		"image is left": {"images: [hello-world:latest]\n", "", []string{"model/image/hello-world:latest is left"}},
		"strays":        {"run: [docker diff lesson-x]", "run: [docker diff lesson-x, ls]", []string{`step two: "ls" belongs into a container's shell, and none is attached`}},
		"not known":     {"run: [docker diff lesson-x]", "run: [docker pull example.com/x/y]", []string{"step two: docker pull example.com/x/y: the model cannot know: the image is on the registry example.com, and the model has no network"}},
	} {
		t.Run(name, func(t *testing.T) {
			yaml := strings.Replace(soundYAML, c.old, c.new, 1)
			l, err := Load(files(yaml, goodText), "good", "")
			require.NoError(t, err)
			err = Check(t.Context(), alone(), l)
			if len(c.want) == 0 {
				require.NoError(t, err)
				return
			}
			for i := range c.want {
				c.want[i] = "lesson good: " + c.want[i]
			}
			require.Equal(t, c.want, strings.Split(err.Error(), "\n"))
		})
	}
}

// A goal that is met at the start is no goal.
func TestCheckStart(t *testing.T) {
	yaml := strings.Replace(soundYAML, "images: [hello-world:latest]\n", "", 1)
	yaml = strings.Replace(yaml, "- verdict: same", "- verdict: same\n      - image: {ref: hello-world:latest}", 1)
	l, err := Load(files(yaml, goodText), "good", "")
	require.NoError(t, err)
	s := alone()
	do(t, s, "docker pull hello-world")
	require.EqualError(t, Check(t.Context(), s, l), "lesson good: step two: at the start of the lesson, there is an image hello-world:latest already")
}

// forgetful is an engine that says it removed an image, and keeps it.
type forgetful struct{ sim.Engine }

func (f forgetful) RemoveImage(context.Context, string, bool) (r sim.Removed, err error) {
	return r, nil
}

func TestCheckAgainstAnEngine(t *testing.T) {
	l, err := Load(files(soundYAML, goodText), "good", "")
	require.NoError(t, err)
	require.NoError(t, Check(t.Context(), twins(), l))
	s := &sim.Session{Model: model(), Real: forgetful{model()}}
	err = Check(t.Context(), s, l)
	require.ErrorContains(t, err, "model/image/hello-world:latest is left")
	require.ErrorContains(t, err, "verdict bug")
}
