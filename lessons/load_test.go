package lessons

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"twinlayer/sim/say"
)

func TestAll(t *testing.T) {
	all, err := All()
	require.NoError(t, err)
	for _, l := range all {
		quiz := slices.ContainsFunc(l.Steps, func(s Step) bool { return s.Quiz != nil })
		predict := slices.ContainsFunc(l.Steps, func(s Step) bool { return s.Predict != nil })
		require.True(t, quiz, "%s asks nothing", l.ID)
		require.True(t, predict, "%s lets nothing be predicted", l.ID)
	}
}

// No directory here is without its lesson.
func TestEveryDirectoryIsALesson(t *testing.T) {
	all, err := All()
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
	for _, lang := range Languages {
		fsys["good/"+lang+".md"] = fsys["good/en.md"]
		fsys["also/"+lang+".md"] = fsys["good/en.md"]
	}
	fsys["README"] = fsys["good/en.md"]
	_, err := LoadAll(fsys)
	require.EqualError(t, err, "good/lesson.yaml:3:8: lesson also has this number too")
	fsys["also/lesson.yaml"].Data = []byte("order: x")
	delete(fsys, "good/lesson.yaml")
	_, err = LoadAll(fsys)
	require.EqualError(t, err, "also/lesson.yaml:1:1: format_version must be 1\ngood/lesson.yaml: file does not exist")
}

// Prose is read aloud: no line has more than a sentence's length, none is
// wrapped, and Chinese is written with its own marks.
func TestProseIsShort(t *testing.T) {
	all, err := All()
	require.NoError(t, err)
	for _, l := range all {
		for _, s := range l.Steps {
			eachLine(l.In(say.English).Steps[s.ID], func(line string) {
				require.Less(t, len(strings.Fields(line)), 34, "%s, %s: %s", l.ID, s.ID, line)
				require.Regexp(t, "[.?!:\"`]$", line, "%s, %s", l.ID, s.ID)
			})
			eachLine(l.In("zh").Steps[s.ID], func(line string) {
				require.Less(t, runewidth.StringWidth(line), 120, "%s, %s: %s", l.ID, s.ID, line)
				require.Regexp(t, "[。？！：”`]$", line, "%s, %s", l.ID, s.ID)
				require.NotRegexp(t, `\p{Han}[,;:?!]`, line, "%s, %s", l.ID, s.ID)
			})
		}
	}
}

func eachLine(w StepWords, see func(string)) {
	all := append([]string{w.Prose, w.After, w.Predict, w.Quiz.Question, w.Quiz.Why}, w.Hints...)
	for _, text := range append(all, slices.Collect(maps.Values(w.Wrong))...) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				see(line)
			}
		}
	}
}

const goodYAML = `format_version: 1
id: good
order: 3
containers: [lesson-x]
images: [busybox:latest]
differs:
  docker: {lines: [ls], verdict: limit}
steps:
  - id: one
    predict:
      changes: lesson-x
    run:
      - docker run -it --name lesson-x busybox
      - ls
      - "! cat /nosuch"
      - :detach
    goals:
      - container: {name: lesson-x, status: running}
  - id: two
    solution: [docker exec lesson-x touch /new]
    goals:
      - image: {ref: busybox:latest, layers: 1}
      - unchanged:
          container: lesson-x
          path: /etc
      - change: {container: lesson-x, kind: add, path: /new}
    wrong:
      - id: old
        run: [docker exec lesson-x touch /old]
        when: [{change: {container: lesson-x, kind: add, path: /old}}]
    quiz: {right: 2}
`

const goodText = "# A good one\n\n## on docker\nAnother order.\n\n## one\n\nFirst.\nThen.\n\n```\n# no heading\n```\n\n### predict\nWhat?\n\n### after\nSo.\n\n" +
	"## two\nLast.\n### hint\nDo.\n### hint\nIt.\n### wrong old\nNo.\n### quiz\nQ?\n1. A\n2. B\n\nWhy.\n"

func files(yaml, text string) fstest.MapFS {
	return fstest.MapFS{"good/lesson.yaml": {Data: []byte(yaml)}, "good/en.md": {Data: []byte(text)}}
}

func TestLoad(t *testing.T) {
	l, err := Load(files(goodYAML, goodText), "good", say.English)
	require.NoError(t, err)
	require.Equal(t, 3, l.Order)
	require.Equal(t, []string{"docker run -it --name lesson-x busybox", "ls", "! cat /nosuch", ":detach"}, l.Steps[0].Run)
	require.Equal(t, Words{
		Title: "A good one",
		On:    map[string]string{"docker": "Another order."},
		Steps: map[string]StepWords{
			"one": {Prose: "First.\nThen.\n\n```\n# no heading\n```", After: "So.", Predict: "What?", Wrong: map[string]string{}},
			"two": {Prose: "Last.", Hints: []string{"Do.", "It."}, Wrong: map[string]string{"old": "No."},
				Quiz: QuizWords{"Q?", []string{"A", "B"}, "Why."}},
		},
	}, l.In("zh"), "English where there is no other")
	var goals []string
	for _, s := range l.Steps {
		for _, g := range s.Goals {
			goals = append(goals, g.Kind+": "+say.Text(g.Says()))
		}
	}
	require.Equal(t, []string{
		"container: container lesson-x is running",
		"image: there is an image busybox:latest of 1 layer",
		"unchanged: lesson-x has not changed /etc",
		"change: lesson-x has added /new",
	}, goals)
}

func TestLoadIsNoJudgeOfLineEnds(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	l, err := Load(files(crlf(goodYAML), "\ufeff"+crlf(goodText)), "good")
	require.NoError(t, err)
	require.Equal(t, "A good one", l.In("").Title)
	require.Equal(t, "Last.", l.In("").Steps["two"].Prose)
}

// Each case changes one thing of the good lesson, and names the place.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"syntax":            {"order: 3", "order: [", "good/lesson.yaml:3:8: sequence end token ']' not found"},
		"unknown field":     {"order: 3", "order: 3\nlable: x", "good/lesson.yaml:4:1: unknown field \"lable\": twinlayer lesson format has the fields that there are"},
		"unknown in step":   {"    solution: [", "    solutions: [", "good/lesson.yaml:20:5: unknown field \"solutions\": twinlayer lesson format has the fields that there are"},
		"unknown in goal":   {"layers: 1", "layer: 1", "good/lesson.yaml:22:38: unknown field \"layer\": twinlayer lesson format has the fields that there are"},
		"duplicate key":     {"order: 3", "order: 3\norder: 4", "good/lesson.yaml:4:1: mapping key \"order\" already defined at [3:1]"},
		"no number":         {"order: 3", "order: third", "good/lesson.yaml:3:8: a number belongs here, not a string"},
		"mapping as line":   {"- ls\n", "- echo a: b\n", "good/lesson.yaml:14:15: a string belongs here, not a mapping"},
		"number in goal":    {"layers: 1", "layers: one", "good/lesson.yaml:22:46: a number belongs here, not a string"},
		"format":            {"format_version: 1", "format_version: 2", "good/lesson.yaml:1:17: format_version must be 1"},
		"no format":         {"format_version: 1\n", "", "good/lesson.yaml:1:1: format_version must be 1"},
		"no mapping":        {goodYAML, "- id: good", "good/lesson.yaml:1:1: sequence was used where mapping is expected"},
		"empty file":        {goodYAML, "# nothing", "good/lesson.yaml:1:1: there is no lesson in it"},
		"two documents":     {"order: 3", "order: 3\n---", "good/lesson.yaml:5:1: a second document begins, but a lesson is one"},
		"other id":          {"id: good", "id: bad", "good/lesson.yaml:2:5: id must be good, the directory's name"},
		"no order":          {"order: 3\n", "", "good/lesson.yaml:1:1: order must be a number from 1"},
		"foreign container": {"[lesson-x]\nim", "[lesson-x, web]\nim", "good/lesson.yaml:4:24: a lesson's container is called lesson-…, so that it is no one else's; not \"web\""},
		"untagged image":    {"[busybox:latest]", "[busybox]", "good/lesson.yaml:5:10: an image is written as docker images has it, name:tag; not \"busybox\""},
		"file elsewhere":    {"order: 3", "order: 3\nfiles: {../x: y}", "good/lesson.yaml:4:9: a file is in the lesson's directory, not \"../x\""},
		"unknown engine":    {"docker: {lines", "doker: {lines", "good/lesson.yaml:7:11: an engine is model, embedded, docker, podman; not \"doker\"\ngood/lesson.yaml:7:11: en.md has no section for it: ## on doker\ngood/en.md:3:1: no step is called on docker"},
		"declared verdict":  {"verdict: limit", "verdict: bug", "good/lesson.yaml:7:34: a declared verdict is expected or limit, not \"bug\""},
		"declared line":     {"lines: [ls]", "lines: [lx]", "good/lesson.yaml:7:20: no step has this line"},
		"step id":           {"id: two", "id: Two", "good/lesson.yaml:19:9: an id is of small letters, digits and dashes, not \"Two\"\ngood/lesson.yaml:19:9: en.md has no section for it: ## Two\ngood/en.md:21:1: no step is called two"},
		"same step":         {"id: two", "id: one", "good/lesson.yaml:19:9: step 1 is called one too\ngood/lesson.yaml:19:9: en.md has no section for it: ## one\ngood/en.md:21:1: no step is called two"},
		"run and solution":  {"    solution: [", "    run: [docker ps]\n    solution: [", "good/lesson.yaml:21:15: a step either runs something or leaves it to the learner"},
		"empty line":        {"- ls\n", "- ls\n      -\n", "good/lesson.yaml:15:8: the line is empty"},
		"bad first line":    {"docker exec lesson-x touch /new", "ls", "good/lesson.yaml:20:16: a step begins outside of any container, so its first line is docker's, or a word of twinlayer's own as :files"},
		"unknown word":      {":detach", ":deatch", "good/lesson.yaml:16:9: :deatch is no word of a lesson; :detach, :file and :boot, :steps, :layers, :why, :audit, :diff, :evidence, :files are"},
		"file of a line":    {":detach", ":file /etc/x", "good/lesson.yaml:16:9: a file is in the lesson's directory, not \"/etc/x\""},
		"bad docker line":   {"docker exec lesson-x touch /new", "docker dif lesson-x", "good/lesson.yaml:20:16: docker: unknown command: docker dif"},
		"bad flag":          {"docker run -it", "docker run --its", "good/lesson.yaml:13:9: unknown flag: --its"},
		"help":              {"docker exec lesson-x touch /new", "docker diff --help", "good/lesson.yaml:20:16: the line only asks for help"},
		"run without name":  {" --name lesson-x", "", "good/lesson.yaml:13:9: docker run needs --name with one of the lesson's containers, or --rm"},
		"unknown goal":      {"unchanged:", "unchangd:", "good/lesson.yaml:23:9: there is no such kind of goal, but alike, change, config, container, file, gone, history, image, shared, size, story, unchanged, volume"},
		"goal of two":       {"- container: {name: lesson-x, status: running}", "- {gone: {image: a:b}, image: {ref: a:b}}", "good/lesson.yaml:18:9: a goal has one key, its kind: alike, change, config, container, file, gone, history, image, shared, size, story, unchanged, volume"},
		"goal as text":      {"- container: {name: lesson-x, status: running}", "- container", "good/lesson.yaml:18:9: a goal has one key, its kind: alike, change, config, container, file, gone, history, image, shared, size, story, unchanged, volume"},
		"empty goal":        {"- change: {container: lesson-x, kind: add, path: /new}", "-", "good/lesson.yaml:26:8: the goal is empty"},
		"no goal":           {"    goals:\n      - image: {ref: busybox:latest, layers: 1}\n      - unchanged:\n          container: lesson-x\n          path: /etc\n      - change: {container: lesson-x, kind: add, path: /new}\n", "", "good/lesson.yaml:19:5: a step that is left to the learner has a goal"},
		"no wrong":          {"    wrong:\n      - id: old\n        run: [docker exec lesson-x touch /old]\n        when: [{change: {container: lesson-x, kind: add, path: /old}}]\n", "", "good/lesson.yaml:19:5: a step that is left to the learner has a wrong attempt\ngood/en.md:27:1: step two has nothing that ### wrong old is for"},
		"no solution":       {"solution: [docker exec lesson-x touch /new]", "run: [docker exec lesson-x touch /new]", "good/lesson.yaml:9:3: no step has a solution, so the learner has nothing to do"},
		"not recognised":    {"        when: [{change: {container: lesson-x, kind: add, path: /old}}]\n", "", "good/lesson.yaml:28:9: a wrong attempt is recognised by a state, when, or it is a common mistake: docker-inside, image-for-container, other-container, shrink"},
		"unknown mistake":   {"        when: [{change: {container: lesson-x, kind: add, path: /old}}]\n", "        mistake: trip\n", "good/lesson.yaml:30:18: a common mistake is docker-inside, image-for-container, other-container, shrink; not \"trip\"\ngood/en.md:27:1: step two has nothing that ### wrong old is for"},
		"predicts nothing":  {"      changes: lesson-x", "      change: lesson-x", "good/lesson.yaml:11:7: there is no such prediction, but changes, layers, prints, shared"},
		"predicts a line":   {"      changes: lesson-x", "      prints: ps", "good/lesson.yaml:11:15: the step has no line \"ps\""},
		"no such answer":    {"right: 2", "right: 3", "good/lesson.yaml:31:19: right is the number of an answer in en.md, which has 2; not 3"},
		"no question":       {"Q?\n", "", "good/lesson.yaml:31:12: the ### quiz of en.md is a question, a numbered list of answers, and why"},
		"status":            {"status: running", "status: runs", "good/lesson.yaml:18:45: status is created, running or exited, not \"runs\""},
		"goal's container":  {"container: {name: lesson-x,", "container: {name: lesson-y,", "good/lesson.yaml:18:27: \"lesson-y\" is none of the lesson's containers"},
		"goal's image":      {"ref: busybox:latest", "ref: busybox", "good/lesson.yaml:22:22: ref is an image as docker images has it, name:tag; not \"busybox\""},
		"goal's layers":     {"layers: 1", "layers: -1", "good/lesson.yaml:22:46: an image cannot have -1 layers"},
		"goal's path":       {"path: /etc\n", "path: etc/\n", "good/lesson.yaml:25:17: path begins with / and is as short as it can be; not \"etc/\""},
		"goal's kind":       {"kind: add, path: /new", "kind: added, path: /new", "good/lesson.yaml:26:45: kind is add, modify or delete, not \"added\""},
		"goal's field":      {", path: /new", "", "good/lesson.yaml:26:18: path begins with / and is as short as it can be; not \"\""},
		"no title":          {"# A good one\n", "", "good/en.md:1:1: the lesson has no title: # …"},
		"two titles":        {"First.", "# Again", "good/en.md:8:1: the title is there already"},
		"lost line":         {"# A good one\n", "# A good one\nHello.\n", "good/en.md:2:1: the line is in no step's section, so nobody would read it"},
		"orphan":            {"Why.", "Why.\n## three\nMore.", "good/en.md:35:1: no step is called three"},
		"orphaned part":     {"Last.", "Last.\n### predict\nWhat?", "good/en.md:23:1: step two has nothing that ### predict is for"},
		"missing section":   {"## two\nLast.\n", "", "good/lesson.yaml:19:9: en.md has no section for it: ## two\ngood/en.md:25:1: step one has nothing that ### wrong old is for\ngood/en.md:27:1: step one has nothing that ### quiz is for"},
		"missing predict":   {"### predict\nWhat?\n", "", "good/lesson.yaml:11:7: en.md has no section for it: ### predict"},
		"missing hint":      {"### hint\nDo.\n### hint\nIt.\n", "", "good/lesson.yaml:20:15: en.md has no section for it: ### hint"},
		"missing wrong":     {"### wrong old\nNo.\n", "", "good/lesson.yaml:28:9: en.md has no section for it: ### wrong old"},
		"missing engine":    {"## on docker\nAnother order.\n", "", "good/lesson.yaml:7:12: en.md has no section for it: ## on docker"},
		"section twice":     {"Why.", "Why.\n## two\nMore.", "good/en.md:35:1: section two is there already\ngood/en.md:35:1: no step is called two"},
		"part twice":        {"Last.", "Last.\n### quiz\nMore?", "good/lesson.yaml:31:19: right is the number of an answer in en.md, which has 0; not 2\ngood/en.md:31:1: two has a ### quiz already\ngood/en.md:31:1: step two has nothing that ### quiz is for"},
		"empty section":     {"Last.\n", "", "good/en.md:21:1: section two says nothing"},
		"deep heading":      {"Then.", "#### hints", "good/en.md:9:1: headings go no deeper than ###"},
		"not UTF-8":         {"First.", "Caf\xe9.", "good/en.md:8:1: the line is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(goodYAML+goodText, c.old), "the case changes one place")
			_, err := Load(files(strings.Replace(goodYAML, c.old, c.new, 1), strings.Replace(goodText, c.old, c.new, 1)), "good")
			require.EqualError(t, err, c.want)
			require.ErrorAs(t, err, new(*Fault))
		})
	}
}

// What one language says, the others say too.
func TestLanguagesAreAlike(t *testing.T) {
	_, err := Load(files(goodYAML, goodText), "good", Languages...)
	require.EqualError(t, err, "good/zh.md: file does not exist")
	for cut, want := range map[string]string{
		"### after\nSo.\n": "good/lesson.yaml:9:9: one of en.md and zh.md has an ### after, and one has none",
		"### hint\nIt.\n":  "good/lesson.yaml:19:9: en.md has 2 hints, and zh.md has 1",
	} {
		fsys := files(goodYAML, goodText)
		fsys["good/zh.md"] = &fstest.MapFile{Data: []byte(strings.Replace(goodText, cut, "", 1))}
		_, err = Load(fsys, "good", Languages...)
		require.EqualError(t, err, want)
	}
}

// Whatever a file holds, what is wrong with it is told and nothing panics.
func FuzzLoad(f *testing.F) {
	f.Add(goodYAML, goodText)
	f.Add("steps: [{goals: [{image: }, {}, ~, {verdict: {}}]}, ]\nformat_version: 1", "## a\n~~~")
	f.Add("a: &a\n  format_version: 1\n<<: *a\n", "#")
	f.Fuzz(func(t *testing.T, yaml, text string) {
		l, err := Load(files(yaml, text), "good", say.English)
		if err == nil && (l.In(say.English).Title == "" || len(l.Steps) == 0) {
			t.Fatal("it is no lesson, and nothing is said of it")
		}
	})
}

// TestFormat: it names every kind of goal and every mistake, and nothing that is
// for programmers.
func TestFormat(t *testing.T) {
	text := Format()
	for kind := range kinds {
		require.Contains(t, text, "\t"+kind+": ")
	}
	for _, name := range mistakeNames() {
		require.Contains(t, text, name)
	}
	require.NotContains(t, text, "//")
	require.NotContains(t, text, "[Run]")
}

// TestExplosions: a file that would take minutes to read, or the whole stack,
// is refused before it is.
func TestExplosions(t *testing.T) {
	const n = 100_000
	deep := "lists and mappings stand in each other too deep here for a lesson"
	long := "a lesson's file has at most 65536 bytes"
	for name, c := range map[string]struct{ yaml, want string }{
		"brackets of 100 kB":    {strings.Repeat("[", n), "good/lesson.yaml: " + long},
		"brackets":              {strings.Repeat("[", fileMost), "good/lesson.yaml:1:33: " + deep},
		"brackets that close":   {strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), "good/lesson.yaml:1:33: " + deep},
		"mappings":              {strings.Repeat("{a: ", fileMost/4), "good/lesson.yaml:1:129: " + deep},
		"dashes":                {strings.Repeat("- ", fileMost/2), "good/lesson.yaml:1:65: " + deep},
		"brackets line by line": {strings.Repeat("[\n", fileMost/2), "good/lesson.yaml:33:1: " + deep},
		"keys of 100 kB":        {strings.Repeat("a: b\n", n), "good/lesson.yaml: " + long},
	} {
		_, err := Load(files(c.yaml, goodText), "good")
		require.EqualError(t, err, c.want, name)
	}
	_, err := Load(files(goodYAML+"# "+strings.Repeat("[", 1000), goodText), "good")
	require.NoError(t, err, "what is quoted, or a comment, stands in nothing")
	_, err = Load(files(goodYAML, goodText+strings.Repeat("x", n)), "good")
	require.EqualError(t, err, "good/en.md: "+long)
	fsys := files(goodYAML, goodText)
	fsys["good/lesson.yaml"].Mode = os.ModeNamedPipe
	_, err = Load(fsys, "good")
	require.EqualError(t, err, "good/lesson.yaml: is not a regular file")
}
