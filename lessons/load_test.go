package lessons

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestAll(t *testing.T) {
	for _, lang := range []string{"", "en"} {
		all, err := All(lang)
		require.NoError(t, err)
		var have []string
		for _, l := range all {
			have = append(have, l.ID)
			require.NotEmpty(t, l.Title)
			for _, s := range l.Steps {
				require.NotEmpty(t, s.Prose, s.ID)
			}
		}
		require.Equal(t, []string{"hello-world", "change-etc"}, have)
	}
}

// No directory here is without its lesson.
func TestEveryDirectoryIsALesson(t *testing.T) {
	all, err := All("")
	require.NoError(t, err)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		isLesson := slices.ContainsFunc(all, func(l Lesson) bool { return l.ID == e.Name() })
		require.Equal(t, e.IsDir() && e.Name() != "testdata", isLesson, e.Name())
	}
}

func TestLoadAll(t *testing.T) {
	fsys := files(goodYAML, goodText)
	fsys["also/lesson.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(goodYAML, "id: good", "id: also", 1))}
	fsys["also/en.md"] = fsys["good/en.md"]
	fsys["README"] = fsys["good/en.md"]
	_, err := LoadAll(fsys, "en")
	require.EqualError(t, err, "good/lesson.yaml:3:8: lesson also has this number too")
	fsys["also/lesson.yaml"].Data = []byte("order: x")
	delete(fsys, "good/lesson.yaml")
	_, err = LoadAll(fsys, "en")
	require.EqualError(t, err, "also/lesson.yaml:1:1: format_version must be 1\ngood/lesson.yaml: file does not exist")
}

// Prose is read aloud: no line has more than one sentence's length, and none
// is wrapped.
func TestProseIsShort(t *testing.T) {
	all, err := All("")
	require.NoError(t, err)
	for _, l := range all {
		for _, s := range l.Steps {
			for line := range strings.Lines(s.Prose) {
				require.Less(t, len(strings.Fields(line)), 34, "%s, %s: %s", l.ID, s.ID, line)
				require.Regexp(t, `[.?!:]\n?$`, line, "%s, %s", l.ID, s.ID)
			}
		}
	}
}

func TestOtherLanguage(t *testing.T) {
	_, err := All("zh")
	require.EqualError(t, err, "change-etc/zh.md: file does not exist\nhello-world/zh.md: file does not exist")
}

const goodYAML = `format_version: 1
id: good
order: 3
containers: [lesson-x]
images: [busybox:latest]
steps:
  - id: one
    run:
      - docker run -it --name lesson-x busybox
      - ls
      - :detach
    goals:
      - container: {name: lesson-x, status: running}
      - verdict: same
  - id: two
    run: [docker diff lesson-x]
    goals:
      - image: {ref: busybox:latest, layers: 1}
      - unchanged:
          container: lesson-x
          path: /etc
      - change: {container: lesson-x, kind: add, path: /new}
`

const goodText = "# A good one\n\n## one\n\nFirst.\nThen.\n\n```\n# no heading\n```\n\n## two\nLast.\n"

func files(yaml, text string) fstest.MapFS {
	return fstest.MapFS{"good/lesson.yaml": {Data: []byte(yaml)}, "good/en.md": {Data: []byte(text)}}
}

func TestLoad(t *testing.T) {
	l, err := Load(files(goodYAML, goodText), "good", "")
	require.NoError(t, err)
	require.Equal(t, "A good one", l.Title)
	require.Equal(t, 3, l.Order)
	require.Equal(t, "First.\nThen.\n\n```\n# no heading\n```", l.Steps[0].Prose)
	require.Equal(t, "Last.", l.Steps[1].Prose)
	require.Equal(t, []string{"docker run -it --name lesson-x busybox", "ls", ":detach"}, l.Steps[0].Run)
	var goals []string
	for _, s := range l.Steps {
		for _, g := range s.Goals {
			goals = append(goals, g.Kind+": "+g.String())
		}
	}
	require.Equal(t, []string{
		"container: container lesson-x is running",
		"verdict: both worlds agree",
		"image: there is an image busybox:latest of 1 layer",
		"unchanged: lesson-x has not changed /etc",
		"change: lesson-x has added /new",
	}, goals)
}

func TestLoadIsNoJudgeOfLineEnds(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	l, err := Load(files(crlf(goodYAML), "\ufeff"+crlf(goodText)), "good", "en")
	require.NoError(t, err)
	require.Equal(t, "A good one", l.Title)
	require.Equal(t, "Last.", l.Steps[1].Prose)
}

// Each case changes one thing of the good lesson, and names the place.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"syntax":            {"order: 3", "order: [", `good/lesson.yaml:3:8: sequence end token ']' not found`},
		"unknown field":     {"order: 3", "order: 3\nlable: x", `good/lesson.yaml:4:1: unknown field "lable"`},
		"unknown in step":   {"    run: [docker", "    runs: [docker", `good/lesson.yaml:16:5: unknown field "runs"`},
		"unknown in goal":   {"layers: 1", "layer: 1", `good/lesson.yaml:18:38: unknown field "layer"`},
		"duplicate key":     {"order: 3", "order: 3\norder: 4", `good/lesson.yaml:4:1: mapping key "order" already defined at [3:1]`},
		"no number":         {"order: 3", "order: third", `good/lesson.yaml:3:8: a number belongs here, not a string`},
		"mapping as line":   {"- ls", "- echo a: b", `good/lesson.yaml:10:15: a string belongs here, not a mapping`},
		"number in goal":    {"layers: 1", "layers: one", `good/lesson.yaml:18:46: a number belongs here, not a string`},
		"format":            {"format_version: 1", "format_version: 2", `good/lesson.yaml:1:17: format_version must be 1`},
		"no format":         {"format_version: 1\n", "", `good/lesson.yaml:1:1: format_version must be 1`},
		"empty file":        {goodYAML, "# nothing", `good/lesson.yaml:1:1: there is no lesson in it`},
		"no mapping":        {goodYAML, "- id: good", `good/lesson.yaml:1:1: sequence was used where mapping is expected`},
		"empty step":        {"  - id: two\n    run: [docker diff lesson-x]\n    goals:\n      - image: {ref: busybox:latest, layers: 1}\n      - unchanged:\n          container: lesson-x\n          path: /etc\n      - change: {container: lesson-x, kind: add, path: /new}\n", "  -\n", "good/lesson.yaml:15:5: an id is of small letters, digits and dashes, not \"\"\ngood/lesson.yaml:15:5: a step runs something\ngood/lesson.yaml:15:5: a step has a goal\ngood/en.md:12:1: no step is called two"},
		"two documents":     {"order: 3", "order: 3\n---", `good/lesson.yaml:5:1: a second document begins, but a lesson is one`},
		"other id":          {"id: good", "id: bad", `good/lesson.yaml:2:5: id must be good, the directory's name`},
		"no order":          {"order: 3\n", "", `good/lesson.yaml:1:1: order must be a number from 1`},
		"foreign container": {"[lesson-x]", "[lesson-x, web]", `good/lesson.yaml:4:24: a lesson's container is called lesson-…, so that it is no one else's; not "web"`},
		"untagged image":    {"[busybox:latest]", "[busybox]", `good/lesson.yaml:5:10: an image is written as docker images has it, name:tag; not "busybox"`},
		"step id":           {"id: two", "id: Two", "good/lesson.yaml:15:9: an id is of small letters, digits and dashes, not \"Two\"\ngood/lesson.yaml:15:9: en.md has no section for it: ## Two\ngood/en.md:12:1: no step is called two"},
		"step without id":   {"id: two\n    run", "run", "good/lesson.yaml:15:5: an id is of small letters, digits and dashes, not \"\"\ngood/en.md:12:1: no step is called two"},
		"same step":         {"id: two", "id: one", "good/lesson.yaml:15:9: step 1 is called one too\ngood/lesson.yaml:15:9: en.md has no section for it: ## one\ngood/en.md:12:1: no step is called two"},
		"empty run":         {"run: [docker diff lesson-x]", "run: []", `good/lesson.yaml:16:10: a step runs something`},
		"empty line":        {"- ls", "-", `good/lesson.yaml:10:8: the line is empty`},
		"bad first line":    {"docker diff lesson-x", "ls", `good/lesson.yaml:16:11: a step begins outside of any container, so its first line is docker's`},
		"unknown word":      {":detach", ":deatch", `good/lesson.yaml:11:9: :deatch is no word of a lesson; :detach is`},
		"bad docker line":   {"docker diff lesson-x", "docker dif lesson-x", `good/lesson.yaml:16:11: docker: unknown command: docker dif`},
		"bad flag":          {"docker run -it", "docker run --its", `good/lesson.yaml:9:9: unknown flag: --its`},
		"help":              {"docker diff lesson-x", "docker diff --help", `good/lesson.yaml:16:11: the line only asks for help`},
		"run without name":  {" --name lesson-x", "", `good/lesson.yaml:9:9: docker run needs --name with one of the lesson's containers, or --rm`},
		"run of another":    {"--name lesson-x", "--name lesson-y", `good/lesson.yaml:9:9: docker run needs --name with one of the lesson's containers, or --rm`},
		"unknown goal":      {"verdict: same", "verdikt: same", `good/lesson.yaml:14:9: there is no such kind of goal, but change, container, image, unchanged, verdict`},
		"goal of two":       {"- verdict: same", "- {verdict: same, image: {ref: a:b}}", `good/lesson.yaml:14:9: a goal has one key, its kind: change, container, image, unchanged, verdict`},
		"goal as text":      {"- verdict: same", "- verdict", `good/lesson.yaml:14:9: a goal has one key, its kind: change, container, image, unchanged, verdict`},
		"empty goal":        {"- verdict: same", "-", `good/lesson.yaml:14:8: the goal is empty`},
		"no goal":           {"    goals:\n      - container: {name: lesson-x, status: running}\n      - verdict: same\n", "", `good/lesson.yaml:7:5: a step has a goal`},
		"status":            {"status: running", "status: runs", `good/lesson.yaml:13:45: status is created, running or exited, not "runs"`},
		"goal's container":  {"{name: lesson-x,", "{name: lesson-y,", `good/lesson.yaml:13:27: "lesson-y" is none of the lesson's containers`},
		"verdict":           {"verdict: same", "verdict: bug", `good/lesson.yaml:14:18: the worst verdict is same, expected or limit, not "bug"`},
		"goal's image":      {"ref: busybox:latest", "ref: busybox", `good/lesson.yaml:18:22: ref is an image as docker images has it, name:tag; not "busybox"`},
		"goal's layers":     {"layers: 1", "layers: -1", `good/lesson.yaml:18:46: an image cannot have -1 layers`},
		"goal's path":       {"path: /etc", "path: etc/", `good/lesson.yaml:21:17: path begins with / and is as short as it can be; not "etc/"`},
		"goal's kind":       {"kind: add", "kind: added", `good/lesson.yaml:22:45: kind is add, modify or delete, not "added"`},
		"goal's field":      {", path: /new", "", `good/lesson.yaml:22:18: path begins with / and is as short as it can be; not ""`},
		"no title":          {"# A good one\n", "", `good/en.md:1:1: the lesson has no title: # …`},
		"two titles":        {"First.", "# Again", `good/en.md:5:1: the title is there already`},
		"lost line":         {"# A good one\n", "# A good one\nHello.\n", `good/en.md:2:1: the line is in no step's section, so nobody would read it`},
		"orphan":            {"Last.", "Last.\n## three\nMore.", `good/en.md:14:1: no step is called three`},
		"missing section":   {"## two\nLast.\n", "", `good/lesson.yaml:15:9: en.md has no section for it: ## two`},
		"section twice":     {"Last.", "Last.\n## two\nMore.", `good/en.md:14:1: section two is there already`},
		"empty section":     {"Last.\n", "", `good/en.md:12:1: section two says nothing`},
		"deep heading":      {"Then.", "### hints", `good/en.md:6:1: headings go no deeper than ## <step id>`},
		"not UTF-8":         {"First.", "Caf\xe9.", `good/en.md:5:1: the line is not UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(goodYAML+goodText, c.old), "the case changes one place")
			_, err := Load(files(strings.Replace(goodYAML, c.old, c.new, 1), strings.Replace(goodText, c.old, c.new, 1)), "good", "en")
			require.EqualError(t, err, c.want)
			require.ErrorAs(t, err, new(*Fault))
		})
	}
}

// Whatever a file holds, what is wrong with it is told and nothing panics.
func FuzzLoad(f *testing.F) {
	f.Add(goodYAML, goodText)
	f.Add("steps: [{goals: [{image: }, {}, ~, {verdict: {}}]}, ]\nformat_version: 1", "## a\n~~~")
	f.Add("a: &a\n  format_version: 1\n<<: *a\n", "#")
	f.Fuzz(func(t *testing.T, yaml, text string) {
		l, err := Load(files(yaml, text), "good", "en")
		if err == nil && (l.Title == "" || len(l.Steps) == 0) {
			t.Fatal("it is no lesson, and nothing is said of it")
		}
	})
}
