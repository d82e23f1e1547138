package repl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
)

// pupil is somebody who plays lessons: presses Enter to go on, answers
// what is asked, takes every hint of a step that is left to them, and then
// types its solution. What there is to do the pupil hears from the events.
type pupil struct {
	out    io.Writer
	lesson lessons.Lesson
	say    []string // what is typed next
	step   play.Step
	done   bool // it is
	asked  play.Asked
	prompt play.Prompt
	over   bool
	at     string // the step that was worked on
}

func (p *pupil) Talks() bool { return true }

func (p *pupil) hear(e play.Event) {
	switch b := e.Body.(type) {
	case play.Step:
		p.step, p.done = b, false
	case play.Done:
		p.done = true
	case play.Asked:
		p.asked = b
	case play.Prompt:
		p.prompt = b
	case play.Over:
		p.over = true
	}
}

func (p *pupil) Line(prompt string) (string, error) {
	if p.over && len(p.say) == 0 {
		return "", io.EOF
	}
	line := p.next()
	fmt.Fprintln(p.out, strings.TrimRight(prompt+line, " "))
	return line, nil
}

func (p *pupil) next() string {
	if len(p.say) == 0 {
		p.say = p.decide()
	}
	line := p.say[0]
	p.say = p.say[1:]
	return line
}

func (p *pupil) decide() []string {
	s := p.lesson.Steps[p.step.Number-1]
	switch {
	case p.prompt.Question != play.NoQuestion:
		return []string{p.answer(s)}
	case p.done || !p.step.Exercise:
		if p.prompt.Shell != "" {
			return []string{":next"}
		}
		return []string{""}
	case p.at == s.ID:
		return []string{":skip"} // what was typed did not do
	}
	p.at = s.ID
	hints := len(p.lesson.In(say.English).Steps[s.ID].Hints) + 2
	var all []string
	for range hints {
		all = append(all, "hint")
	}
	for _, line := range s.Solution {
		all = append(all, strings.TrimPrefix(line, "! "))
	}
	return all
}

// answer is one to the open question, in its form, and mostly wrong.
func (p *pupil) answer(s lessons.Step) string {
	if p.asked.Question == play.Predict && s.Predict.Changes != "" {
		return "A /new"
	}
	return "1"
}

// ofRun is what is another in each run or build: ids, digests and sizes.
var ofRun = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`twinlayer-lesson-\d+`), "twinlayer-lesson-…"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b…?`), "…"},
	{regexp.MustCompile(`( *)\b\d+(\.\d+)? ?[kMG]?B\b`), "$1…B"},
	{regexp.MustCompile(`\d+ bytes`), "… bytes"},
	{regexp.MustCompile(` {2,}…B`), "  …B"},
	{regexp.MustCompile(`…B {2,}`), "…B  "},
	{regexp.MustCompile(`file:[0-9a-f]{8,}…?`), "file:…"},
	{regexp.MustCompile(`(?m)^\d+$`), "…"},
	{regexp.MustCompile(`\d+ paths, …`), "… paths, …"},
	{regexp.MustCompile(`\d+ files and directories`), "… files and directories"},
}

func normalLesson(s string) string {
	for _, r := range ofRun {
		s = r.is.ReplaceAllString(s, r.as)
	}
	lines := strings.Split(s, "\n")
	for i := 0; i < len(lines); i++ {
		n := i
		for n < len(lines) && strings.HasSuffix(lines[n], " months ago  …B") {
			n++
		}
		slices.Sort(lines[i:n]) // images of one age come in the order of their ids
		i = max(i, n-1)
	}
	return strings.Join(lines, "\n")
}

// TestLessonTranscripts plays each lesson in each language as a pupil does,
// and compares what is seen, at 80 columns, with the file of its name.
func TestLessonTranscripts(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the transcripts have the names of amd64")
	}
	all, err := lessons.All()
	require.NoError(t, err)
	for _, l := range all {
		for _, lang := range lessons.Languages {
			if testing.Short() && l.Order%5 != 1 {
				continue
			}
			t.Run(l.ID+" "+lang, func(t *testing.T) {
				var out strings.Builder
				p := &pupil{out: &out, lesson: l}
				r := over(t, p, &out, play.Config{Course: play.Course{Play: []lessons.Lesson{l}}}, Config{Plain: true, Lang: lang})
				r.Play.Listen(p.hear)
				require.NoError(t, r.Run(context.Background()))
				require.Zero(t, r.Play.Missed())
				require.NotContains(t, out.String(), ":skip", "the solution does it")
				require.NotContains(t, out.String(), "%!")
				require.NotContains(t, out.String(), "is no word of twinlayer")
				requireNarrow(t, out.String())
				compareGolden(t, "testdata/lessons/"+l.ID+"."+lang+".out", normalLesson(out.String()))
			})
		}
	}
}

// requireNarrow wants whatever twinlayer itself says to fit into 80 columns;
// what programs print may be wider.
func requireNarrow(t *testing.T, out string) {
	for line := range strings.Lines(out) {
		if chinese := regexp.MustCompile(`\p{Han}`).MatchString(line); chinese {
			require.LessOrEqual(t, width(line), 80, line)
		}
	}
}

// TestCourse plays the whole course without a learner.
func TestCourse(t *testing.T) {
	if testing.Short() {
		t.Skip("the transcripts play lessons too")
	}
	all, err := lessons.All()
	require.NoError(t, err)
	var out strings.Builder
	r := run(t, NewScript(strings.NewReader("")), &out, play.Config{Course: play.Course{Play: all, Auto: true}})
	require.Zero(t, r.Missed())
	require.Zero(t, r.Bugs())
	require.Empty(t, r.Session.Model.State().Images())
	for _, l := range all {
		require.Contains(t, out.String(), l.In(say.English).Title)
	}
}

// memory keeps a learner's progress.
type memory struct{ text []byte }

func (*memory) Name() string             { return "memory" }
func (m *memory) Load() ([]byte, error)  { return m.text, nil }
func (m *memory) Save(text []byte) error { m.text = text; return nil }

// TestProgressIsKept leaves a lesson halfway and resumes it in another
// session.
func TestProgressIsKept(t *testing.T) {
	kept := &memory{}
	session := func(script string) string {
		progress, err := lessons.LoadProgress(kept)
		require.NoError(t, err)
		var out strings.Builder
		r := over(t, NewScript(strings.NewReader(script)), &out, play.Config{Course: play.Course{Progress: progress}}, Config{Plain: true, Lang: progress.Lang})
		require.NoError(t, r.Run(context.Background()))
		return out.String()
	}
	session("lesson 9\nnext\nnext\nlang zh")
	out := session("lessons\nresume\nnext")
	require.Contains(t, out, "3/9   9  在一个容器里改")
	require.Contains(t, out, "[4/9]")
	require.NotContains(t, out, "[3/9]\n\n[3/9]")
	require.Contains(t, session("resume"), "[4/9]")
}

// TestAnswersInAScript: off a terminal a question waits only for the word
// answer.
func TestAnswersInAScript(t *testing.T) {
	var out strings.Builder
	script := "lesson 1\nanswer 2\nnext\nanswer 1\nlesson 1\nnext"
	run(t, NewScript(strings.NewReader(script)), &out, play.Config{})
	require.Contains(t, out.String(), "You predicted: 2\n!! model: not right; it is: 1\n")
	require.Contains(t, out.String(), "Nothing was asked.")
	require.Equal(t, 1, strings.Count(out.String(), "You predicted"))
}

// TestSlipsOfTheFinger: what is no command is pointed at the word that was
// meant, and what is no answer leaves the question open.
func TestSlipsOfTheFinger(t *testing.T) {
	var out strings.Builder
	in := &typed{strings.Split("lesson 1\ntwo\nhint\n\nhnit\n7\ndocker comit\n\n\n\n\n\nthe first\n2\ndocker run -it --name lesson-hello busybox\nhint\nhnit\n:hnit\nfrob\nexit", "\n"), &out}
	run(t, in, &out, play.Config{})
	for _, said := range []string{
		"? two\nAnswer with a number.\nEnter leaves the question.\n? hint\nA question is open: answer it, or leave it with Enter.\n\nhello-world is the smallest",
		"Did you mean `hint`?\ntwinlayer> 7\nNoted.\n", "Did you mean `commit`?\n",
		"? the first\nAnswer with a number from 1 to 3.\nEnter leaves the question.\n? 2\nok Right.\n",
		"In a container twinlayer's own words have a colon in front: `:hint`.\n",
		"Did you mean `:hint`?\nlesson-hello:/ # :hnit\nDid you mean `:hint`?\n", "`resume` goes on there.",
	} {
		require.Contains(t, out.String(), said)
	}
	require.NotContains(t, out.String(), ":edit", "exit is a command, whatever its status")
}

// TestQuestionWaits: a shell that is begun while a question is open gets its
// lines, and the question waits.
func TestQuestionWaits(t *testing.T) {
	var out strings.Builder
	in := &typed{strings.Split("lesson 1\n1\n\n\ngoals\nC /etc\nls\n\n\n\ndocker run -it --name lesson-hello busybox\necho in the shell\nexit\n2\ndocker run --name lesson-hello-2 busybox\ndocker run helo-world\ndokcer ps\ndocker run busybox --name x", "\n"), &out}
	run(t, in, &out, play.Config{Pullable: []string{"hello-world"}})
	for _, said := range []string{
		"Did you mean `hello-world`?", "Did you mean `docker`?", "docker's own flags come in front of it",
		"This step has no goal: it only shows something.\n", "No question is open now.\n", "`docker exec CONTAINER ls` runs it in one",
		"lesson-hello:/ # echo in the shell\nmodel (no real engine)\nin the shell\n",
		"A question is open: answer it, or leave it with Enter.\n? 2\nok Right.\n", "lesson-hello-2 has ended already: its program is a shell",
	} {
		require.Contains(t, out.String(), said)
	}
}

// TestRunsAhead: what a step is for may be there when it is opened.
func TestRunsAhead(t *testing.T) {
	var out strings.Builder
	in := &typed{strings.Split("lesson 1\nskip\nskip\nskip\nskip\nskip\n\n\n\ndocker run --name lesson-hello-2 hello-world\n\n3", "\n"), &out}
	run(t, in, &out, play.Config{})
	_, step, _ := strings.Cut(out.String(), "[7/8]")
	require.Contains(t, step, "ok container lesson-hello-2 is stopped (model)\n")
	require.Contains(t, step, "That is it.\n\nYou now have two containers.")
	require.Contains(t, step, "? 3\nok Right.\n")
}

// TestTablesAreFolded: the columns of a table that have no room go on below.
func TestTablesAreFolded(t *testing.T) {
	lines := []string{"ID    NAMES      SIZE", "one   a name     12B", "two   another…   13B", "what is said below it, at length"}
	require.Equal(t, [][]string{
		{"ID    NAMES", "    SIZE"}, {"one   a name", "    12B"}, {"two   another…", "    13B"}, {"what is said below", "it, at length"},
	}, folded(lines, 18))
	require.Equal(t, [][]string{{"ID", "    NAMES", "        SIZE"}, {"one", "    a name", "        12B"}, {"two", "    another…", "        13B"}}, folded(lines[:3], 13))
	require.Equal(t, [][]string{{"NAMES", "OF IT", "ID"}, {"a long", "name", "1"}}, folded([]string{"NAMES OF IT   ID", "a long name   1"}, 7), "no column has room")
	require.Equal(t, [][]string{{"aaaaaaaa", "aaa b"}}, folded([]string{"aaaaaaaaaaa b"}, 8))
}

// TestWideTables: where the worlds' tables differ and are too wide for half the
// screen, they are drawn one below the other.
func TestWideTables(t *testing.T) {
	var out strings.Builder
	p := newPainter(ink.NewPen(&out), true, 60)
	p.beside([]string{"model", "NAMES   STATUS", "one     Up 14 seconds, and counting"}, []string{"real", "NAMES   STATUS", "one     Up 15 seconds, and counting"})
	rule := strings.Repeat("-", 60)
	require.Equal(t, "model\n"+rule+"\nNAMES   STATUS\none     Up 14 seconds, and counting\nreal\n"+rule+"\nNAMES   STATUS\none     Up 15 seconds, and counting\n", out.String())
}

// TestPathsAreNamed: a long directory that comes again has a name.
func TestPathsAreNamed(t *testing.T) {
	long := "/var/lib/" + strings.Repeat("x", 60)
	names, short := shortPaths([]sim.Evidence{{What: say.Verbatim("w"), Shown: long + "/upper:" + long + "-not", Again: "ls " + long + "/upper " + long + "/work"}})
	require.Equal(t, []string{"A=" + long}, names)
	require.Equal(t, []sim.Evidence{{What: say.Verbatim("w"), Shown: "$A/upper:" + long + "-not", Again: "ls $A/upper $A/work"}}, short)
}

func TestWrapping(t *testing.T) {
	require.Equal(t, []string{"你好，", "世界"}, painter{}.wrapWords("你好，世界", 6))
	require.Equal(t, []string{"你", "好，", "世界"}, painter{}.wrapWords("你好，世界", 4), "no line begins with a comma")
	require.Equal(t, []string{"用 docker", "diff 看"}, painter{}.wrapWords("用 docker diff 看", 10))
}

// TestStepsAreRetold: of all that the model says in the course, and of its
// steps in a long session, nothing stays English in Chinese.
func TestStepsAreRetold(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about words")
	}
	s := modelOnly(t)
	n := 0
	told := func(result sim.Result) {
		all := append(slices.Clone(result.Model.Hints), result.Model.Adopted...)
		for _, step := range result.Steps {
			all = append(all, step.Why)
		}
		for _, what := range all {
			n++
			english, chinese := say.Text(what), say.In("zh", what)
			require.NotEqual(t, english, chinese)
			require.NotContains(t, english+chinese, "%!")
		}
	}
	course, err := lessons.All()
	require.NoError(t, err)
	for _, l := range course {
		run, err := l.Start(t.Context(), s)
		require.NoError(t, err)
		for more := true; more; {
			require.NoError(t, run.Play(t.Context(), func(line lessons.Line) error {
				if line.Result != nil {
					told(*line.Result)
				}
				return nil
			}))
			more, err = run.Next(t.Context())
			require.NoError(t, err)
		}
		require.NoError(t, run.End(t.Context()))
	}
	lines, err := os.ReadFile("../userland/testdata/mixed.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(lines)) {
		result, err := s.Run(t.Context(), strings.TrimSuffix(line, "\n"), func(string) string { return "" })
		require.NoError(t, err)
		told(result)
	}
	require.Greater(t, n, 1000)
}

// noted is an editor that notes what it was opened for.
type noted struct {
	files []string
	err   error
}

func (*noted) Name() string { return "ed" }

func (n *noted) Edit(_ context.Context, file string) error {
	n.files = append(n.files, file)
	return n.err
}

// TestEditor: a file is edited with the editor that the screen was given, and
// nothing else; without one, and where it fails, the learner hears what to do.
func TestEditor(t *testing.T) {
	t.Setenv("EDITOR", "false")
	in := func(e Editor) string {
		var out bytes.Buffer
		screen := Config{Plain: true, Editor: e}
		lines := &typed{[]string{"lesson hello-world", "1", "edit Dockerfile", "quit"}, &out}
		require.NoError(t, over(t, lines, &out, play.Config{}, screen).Run(t.Context()))
		return strings.Join(strings.Fields(out.String()), " ")
	}
	works := &noted{}
	require.NotContains(t, in(works), "could not be run")
	require.Len(t, works.files, 1)
	require.Equal(t, "Dockerfile", filepath.Base(works.files[0]))
	require.Contains(t, in(&noted{err: errors.New("no terminal")}), "ed could not be run: no terminal. The lesson's files are in "+filepath.Dir(works.files[0])[:4])
	require.Contains(t, in(nil), "There is no editor here: `file Dockerfile` takes its lines")
}

// TestCutOff: what is cut off is told in the language of whoever looks.
func TestCutOff(t *testing.T) {
	p := painter{lang: "zh"}
	lines := p.screenLines(strings.Repeat("x\n", linesMost+7))
	require.Len(t, lines, linesMost+1)
	require.Equal(t, "…… 还有 7 行", lines[linesMost])
	require.Equal(t, strings.Repeat("x", lineMost)+"…… 还有 1 字节", p.clipped(strings.Repeat("x", lineMost+1)))
	require.Equal(t, "… and 1 more lines", painter{}.screenLines(strings.Repeat("x\n", linesMost+1))[linesMost])
}

// TestOnlyCopies: a layer that holds copies as they are in the image is not
// empty, and the line above its digest says why.
func TestOnlyCopies(t *testing.T) {
	var out strings.Builder
	in := &typed{[]string{"docker run -it --name box busybox", "chmod 755 /etc", "exit"}, &out}
	run(t, in, &out, play.Config{})
	require.Contains(t, out.String(), "box:/ # chmod 755 /etc\nmodel (no real engine)\nno changes to the image's files: the layer holds copies that are as in the image\nlayer")
}

// TestGoalsTwice: what is missing is told alike each time, of both worlds once.
func TestGoalsTwice(t *testing.T) {
	why := say.Verbatim("nothing is there")
	goals := play.Goals{Looked: true, Goals: []play.Goal{{Says: say.Verbatim("a goal"), Answers: []play.WorldGoal{{World: "model", Why: why}, {World: sim.Embedded, Why: why}}}}}
	for range 2 {
		var out strings.Builder
		newPainter(ink.NewPen(&out), true, 80).goals(goals)
		require.Equal(t, "!! a goal\n   model, real: nothing is there\n", out.String())
	}
}
