package lessons

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/session"
)

const soundYAML = `format_version: 1
id: good
order: 3
containers: [lesson-x, lesson-y]
images: [hello-world:latest]
steps:
  - id: one
    run: [docker pull hello-world]
    goals:
      - image: {ref: hello-world:latest}
  - id: two
    solution: [docker run --name lesson-x hello-world]
    goals:
      - container: {name: lesson-x, status: exited}
    wrong:
      - id: other
        run: [docker run --name lesson-y hello-world]
        when: [{container: {name: lesson-y}}]
`

const soundText = "# Good\n## one\nLook.\n## two\nDo.\n### hint\nIt.\n### wrong other\nNo.\n"

// Each case makes a sound lesson unsound, and Check tells it all.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		want     []string
	}{
		"sound":              {"", "", nil},
		"goal missed":        {"status: exited", "status: running", []string{`step two: goal "container lesson-x is running" in model: lesson-x is stopped, not running`}},
		"line fails":         {"[docker pull hello-world]", "[docker pull hello-world, docker diff lesson-y]", []string{"step one: docker diff lesson-y: exit status 1 in model: Error response from daemon: No such container: lesson-y"}},
		"line does not fail": {"[docker pull hello-world]", "[docker pull hello-world, '! docker ps']", []string{"step one: docker ps: it should fail in model"}},
		"idle step":          {"image: {ref: hello-world:latest}", "gone: {container: lesson-x}", []string{"step one: all goals are met before it: give it one that only its own lines reach"}},
		"met at the start":   {"      - container: {name: lesson-x, status: exited}\n", "      - container: {name: lesson-x, status: exited}\n      - gone: {container: lesson-y}\n", []string{"step two: at the start of the lesson, there is no container lesson-y any more already"}},
		"wrong is right":     {"run: [docker run --name lesson-y", "run: [docker run --name lesson-x", []string{"step two: the wrong attempt other meets the goals"}},
		"wrong is nobody's":  {"when: [{container: {name: lesson-y}}]", "when: [{container: {name: lesson-y, status: running}}]", []string{"step two: the wrong attempt other is not recognised: container lesson-x is stopped: model: missed there is no container lesson-x: did you mean lesson-y?"}},
		"wrong is another's": {"when: [{container: {name: lesson-y}}]", "mistake: docker-inside", []string{"step two: the wrong attempt other is not recognised: container lesson-x is stopped: model: missed there is no container lesson-x: did you mean lesson-y?"}},
		"not known":          {"[docker pull hello-world]", "[docker pull hello-world, docker pull example.com/x/y]", []string{"step one: docker pull example.com/x/y: the model cannot know: the image is on the registry example.com, and the model has no network"}},
		"declared":           {"steps:", "differs: {model: {lines: [docker pull example.com/x/y], verdict: limit}}\nsteps:", nil},
	} {
		t.Run(name, func(t *testing.T) {
			yaml, text := strings.Replace(soundYAML, c.old, c.new, 1), soundText
			if name == "wrong is another's" {
				text = strings.Replace(text, "### wrong other\nNo.\n", "", 1)
			}
			if name == "declared" {
				yaml = strings.Replace(yaml, "[docker pull hello-world]", "[docker pull hello-world, docker pull example.com/x/y]", 1)
				text += "## on model\nUnknown.\n"
			}
			l, err := Load(files(yaml, text), "good")
			require.NoError(t, err)
			err = Check(t.Context(), alone(), l)
			if len(c.want) == 0 {
				require.NoError(t, err)
				return
			}
			for i := range c.want {
				c.want[i] = "lesson good: " + c.want[i]
			}
			require.Error(t, err)
			require.Equal(t, c.want[0], strings.Split(err.Error(), "\n")[0])
		})
	}
}

// forgetful is an engine that says it removed an image, and keeps it.
type forgetful struct{ sim.Engine }

func (f forgetful) RemoveImage(context.Context, string, bool) (r sim.RemoveResult, err error) {
	return r, nil
}

func TestCheckAgainstAnEngine(t *testing.T) {
	l, err := Load(files(soundYAML, soundText), "good")
	require.NoError(t, err)
	require.NoError(t, Check(t.Context(), twins(), l))
	s := &session.Session{Model: newModel(), Real: forgetful{newModel()}}
	require.ErrorContains(t, Check(t.Context(), s, l), "hello-world:latest is left in model")
}
