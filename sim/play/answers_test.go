package play_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/lessons"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

// said are the notices among these, in English.
func said(all []play.Body) (out []string) {
	for _, n := range each[play.Notice](all) {
		out = append(out, say.Text(n.Text))
	}
	return out
}

// learns is somebody who has begun a lesson.
func learns(t *testing.T, name string) *screen {
	t.Helper()
	return converse(t, play.Config{Person: true, Course: play.Course{Play: []lessons.Lesson{lesson(t, name)}}})
}

// TestSkippedAnswers: whoever skips a question sees the answer all the same.
func TestSkippedAnswers(t *testing.T) {
	s := learns(t, "1")
	s.do(play.Line(""))
	require.Equal(t, play.NoQuestion, s.prompt().Question)
	score := one[play.Score](t, s.do(play.Line("")))
	require.Empty(t, score.Guess)
	require.False(t, score.Right)
	require.Equal(t, "1", score.Worlds[0].Is)
	s.do(play.Line("next"), play.Line("next"), play.Line("next"), play.Line("next"))
	require.Equal(t, play.Quiz, s.prompt().Question)
	score = one[play.Score](t, s.do(play.Line("")))
	require.False(t, score.Right)
	require.Equal(t, 2, score.Answer)
	require.NotEmpty(t, score.Why["en"])
	require.Equal(t, play.NoQuestion, s.prompt().Question)
}

// TestLateAnswers: an answer that is typed late is one, and no docker command.
func TestLateAnswers(t *testing.T) {
	s := learns(t, "1")
	s.do(play.Line(""))
	require.Contains(t, said(s.do(play.Line("1"))), "Noted.")
	require.True(t, one[play.Score](t, s.do(play.Line(""))).Right)
	got := s.do(play.Line("2"))
	require.Empty(t, each[play.Result](got))
	require.False(t, one[play.Score](t, got).Right, "also when the step is done")
	s.do(play.Line("next"), play.Line("next"), play.Line("next"), play.Line("next"), play.Line(""))
	require.True(t, one[play.Score](t, s.do(play.Line("2"))).Right)
	require.True(t, one[play.Score](t, s.do(play.Line("copy hello /"))).Right)
	require.False(t, one[play.Score](t, s.do(play.Answer("from scratch"))).Right)
	s.do(play.Line("next"))
	require.NotEmpty(t, each[play.Result](s.do(play.Line("2"))), "the next step has asked nothing")
}

// TestAnswersInWords: an option can be named by words of it that no other has,
// in each language.
func TestAnswersInWords(t *testing.T) {
	for _, c := range []struct {
		answer string
		taken  bool
		right  bool
	}{
		{"2", true, true}, {"COPY", true, true}, {"copy hello /.", true, true}, {"FROM", true, false}, {"cmd", true, false},
		{"/", false, false}, {"hello", false, false}, {"7", false, false}, {"0", false, false}, {"something else", false, false},
	} {
		s := learns(t, "1")
		s.do(play.Line(""), play.Line("next"), play.Line("next"), play.Line("next"), play.Line("next"), play.Line("next"))
		require.Equal(t, play.Quiz, s.prompt().Question)
		scores := each[play.Score](s.do(play.Line(c.answer)))
		require.Equal(t, c.taken, len(scores) == 1, c.answer)
		require.Equal(t, c.taken, s.prompt().Question == play.NoQuestion, "the question stays open: %s", c.answer)
		require.Equal(t, c.right, c.taken && scores[0].Right, c.answer)
	}
}

// TestOtherWords: a step that only shows something is done by any line that
// asks for the same.
func TestOtherWords(t *testing.T) {
	s := learns(t, "1")
	s.do(play.Line(""), play.Line("next"), play.Line("next"))
	require.Equal(t, 2, s.step().Number)
	require.Empty(t, each[play.Done](s.do(play.Line("docker ps"))))
	require.Len(t, each[play.Done](s.do(play.Line("docker image ls"))), 1)
	s.do(play.Line("next"))
	require.Len(t, each[play.Done](s.do(play.Line("docker image history hello-world"))), 1)
	s.do(play.Line("2"), play.Line("next"))
	for _, line := range []string{"docker inspect -f '{{json .RootFS.Layers}}' hello-world", "docker inspect -f '{{json .Config.Cmd}}' hello-world", "docker inspect -f '{{.Size}}' hello-world"} {
		require.Empty(t, each[play.Done](s.do(play.Line(line))), "audit is still missing")
	}
	require.Len(t, each[play.Done](s.do(play.Line("audit hello-world"))), 1)
}

// TestMissedGoal: after a line that has changed something, but not what was
// asked for, something is said; after a look nothing is.
func TestMissedGoal(t *testing.T) {
	const notThere = "Not there yet: `goals` shows what is missing, `hint` helps."
	s := learns(t, "1")
	for s.step().Number < 7 {
		s.do(play.Line("skip"))
	}
	require.True(t, s.step().Exercise)
	require.NotContains(t, said(s.do(play.Line("docker ps -a"))), notThere)
	require.Contains(t, said(s.do(play.Line("docker run --name other hello-world"))), notThere)
	require.Contains(t, said(s.do(play.Line("docker run --name lesson-hello-2 nosuch"))), notThere)
	s.do(play.Line("docker run -it --name box busybox"))
	require.NotContains(t, said(s.do(play.Line("ls /"))), notThere)
	require.Contains(t, said(s.do(play.Line("touch /x"))), notThere)
}

// TestLeavesTheShell: a lesson's next step begins outside, and says so.
func TestLeavesTheShell(t *testing.T) {
	s := learns(t, "9")
	s.do(play.Line("docker run -it --name zed busybox"))
	require.Contains(t, said(s.do(play.Line(":next"))), "zed goes on without you; docker attach zed goes back.")
	require.Empty(t, s.prompt().Shell)
}

// TestWideColon: a word's colon may be the one of a Chinese keyboard.
func TestWideColon(t *testing.T) {
	s := learns(t, "9")
	require.NotEmpty(t, each[play.Goals](s.do(play.Line("：goals"))))
	s.do(play.Line("docker run -it --name zed busybox"))
	require.Len(t, each[play.Lessons](s.do(play.Line(" ：lessons"))), 1)
	require.NotEmpty(t, s.prompt().Shell)
}

// TestHeldStepsInAShell: what is said of steps that wait can be done where one
// is; Enter is the shell's there.
func TestHeldStepsInAShell(t *testing.T) {
	s := converse(t, play.Config{Person: true, Step: true})
	require.Contains(t, said(s.do(play.Line("docker run -it --name box busybox")))[0], "`:next` shows one")
	require.Len(t, each[play.Moment](s.do(play.Line(":next"))), 1)
	require.Contains(t, said(s.do(play.Line(":end"), play.Line("exit"), play.Line("end"), play.Line("docker volume create vol")))[0], "One step of the model waits")
}

// TestHalfDone: a lesson that was left in the middle is offered where the next
// session begins.
func TestHalfDone(t *testing.T) {
	progress := &lessons.Progress{}
	converse(t, play.Config{Person: true, Course: play.Course{Progress: progress}}).do(play.Line("lesson 9"), play.Line("skip"))
	s := converse(t, play.Config{Person: true, Course: play.Course{Progress: progress}})
	require.Equal(t, []string{"Lesson 9 is half done: `resume` goes on at step 2 of 9."}, said(s.bodies()))
	require.Equal(t, 2, one[play.Step](t, s.do(play.Line("resume"))).Number)
	require.Empty(t, said(converse(t, play.Config{Course: play.Course{Progress: progress}}).bodies()), "a script is offered nothing")
}

// TestSkipEarnsNothing: a lesson whose steps were skipped has no mark in the
// list, and whoever skipped them hears so.
func TestSkipEarnsNothing(t *testing.T) {
	s := learns(t, "1")
	var got []play.Body
	for range 8 {
		got = s.do(play.Line("skip"))
	}
	require.Len(t, each[play.Over](got), 1)
	require.Equal(t, []string{"8 step(s) were skipped, so `lessons` has no mark for it: `lesson N` plays it again."}, said(got))
	require.False(t, one[play.Lessons](t, s.do(play.Line("lessons"))).Lessons[0].Over)
}

// TestCancelledFile: control-C gives a file up that is being typed, and leaves
// the one that is there.
func TestCancelledFile(t *testing.T) {
	s := learns(t, "17")
	file := func() string {
		all := one[play.Files](t, s.do(play.Line("files"))).Files
		i := slices.IndexFunc(all, func(f lessons.File) bool { return f.Name == "Dockerfile" })
		require.GreaterOrEqual(t, i, 0)
		return all[i].Content
	}
	s.do(play.Line("file Dockerfile"), play.Line("FROM one"), play.Line("."))
	require.Equal(t, "FROM one\n", file())
	s.do(play.Line("file Dockerfile"), play.Line("FROM two"), play.Cancel{})
	require.Equal(t, "FROM one\n", file())
	require.Equal(t, "The lesson has no file nosuch: `files` lists them.", say.Text(one[play.Error](t, s.do(play.Line("files nosuch"))).Text))
}

// TestShellThatFailed: a shell's status is that of its last line, which is no
// failure of the container's.
func TestShellThatFailed(t *testing.T) {
	s := converse(t, play.Config{Person: true, Session: simtest.Session(t, model.Config{})})
	got := s.do(play.Line("docker run -it --name box busybox"), play.Line("nosuch"), play.Line("exit"), play.Line("docker commit box img"))
	require.Empty(t, one[play.Result](t, got).Hints)
	s.do(play.Line("docker run --name failed busybox sh -c 'exit 3'"))
	require.Len(t, one[play.Result](t, s.do(play.Line("docker commit failed img"))).Hints, 1)
}

// TestHelp: help in a lesson is what matters there, in ten lines.
func TestHelp(t *testing.T) {
	s := learns(t, "17")
	require.LessOrEqual(t, len(one[play.Help](t, s.do(play.Line("help"))).Words), 10)
	require.Empty(t, one[play.Help](t, s.do(play.Line("help"))).Docker)
	require.Contains(t, one[play.Help](t, s.do(play.Line("help docker run"))).Docker, "Usage:  docker run")
	require.Len(t, one[play.Help](t, s.do(play.Line("help layers"))).Words, 1)
	all := one[play.Help](t, s.do(play.Line("help all")))
	require.Equal(t, play.Words()[0].Name, all.Words[0].Name)
	require.NotEmpty(t, all.Docker)
	require.NotEmpty(t, one[play.Help](t, converse(t, play.Config{Person: true}).do(play.Line("help"))).Docker)
}

// TestHostWords: what is typed as in a machine's shell shows the lesson's files,
// or points the way.
func TestHostWords(t *testing.T) {
	s := learns(t, "15")
	s.do(play.WriteFile{Name: "mine", Content: "FROM busybox\n"})
	listed := one[play.Files](t, s.do(play.Line("ls -l")))
	require.True(t, slices.ContainsFunc(listed.Files, func(f lessons.File) bool { return f.Name == "mine" && f.Content == "" }))
	require.Equal(t, "FROM busybox\n", one[play.Files](t, s.do(play.Line("cat mine"))).Files[0].Content)
	require.Equal(t, "mine", one[play.Edit](t, s.do(play.Line("vi mine"))).Name)
	require.Contains(t, said(s.do(play.Line("cd /tmp")))[0], "one directory")
	require.Contains(t, said(s.do(play.Line("clear")))[0], "Control-L")
	for line, told := range map[string]bool{
		"docker ps | grep x": true, "docker run --rm busybox echo hi > /x": true, "docker run --rm busybox sh -c 'echo hi | cat'": false,
	} {
		require.Equal(t, told, slices.ContainsFunc(said(s.do(play.Line(line))), func(text string) bool { return strings.Contains(text, "belongs to a shell") }), line)
	}
	s.do(play.Line("docker run -it --name box busybox"))
	require.Equal(t, "bin\n", one[play.Result](t, s.do(play.Line("ls -d bin"))).Model.Stdout, "in a container ls is the container's")
}
