package lessons

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
	"twinlayer/sim/simtest"
	"twinlayer/sim/userland"
)

func newModel() *model.Model {
	return model.New(model.Config{LocalRegistry: "localhost:5000", Registry: simtest.Images(), Programs: simtest.Images().Programs, Sleep: userland.SleepFor})
}

// alone is the model without a real engine; twins has a second model in the
// place of the real one.
func alone() *session.Session {
	return &session.Session{Model: newModel(), Host: sim.NewMemHost(time.Now)}
}
func twins() *session.Session {
	return &session.Session{Model: newModel(), Real: newModel(), Host: sim.NewMemHost(time.Now)}
}

// do runs lines that must succeed.
func do(t *testing.T, s *session.Session, lines ...string) {
	t.Helper()
	for _, line := range lines {
		r, err := s.Run(t.Context(), line, noEnv)
		require.NoError(t, err)
		require.Zero(t, r.Model.Exit, "%s: %s", line, r.Model.Stderr)
	}
}

// typed runs a line as a learner does.
func typed(t *testing.T, s *session.Session, run *Run, text string) Seen {
	t.Helper()
	at := s.Attached()
	r, err := s.Run(t.Context(), text, noEnv)
	require.NoError(t, err)
	seen, err := run.Look(t.Context(), Line{At: at, Text: text, Result: &r})
	require.NoError(t, err)
	return seen
}

func lesson(t *testing.T, id string) Lesson {
	t.Helper()
	l, ok, err := Find(nil, id)
	require.NoError(t, err)
	require.True(t, ok)
	return l
}

func start(t *testing.T, s *session.Session, l Lesson) *Run {
	t.Helper()
	run, err := l.Start(t.Context(), s)
	require.NoError(t, err)
	return run
}

// playStep plays the open step and opens the next.
func playStep(t *testing.T, run *Run) (lines []Line) {
	t.Helper()
	require.NoError(t, run.Play(t.Context(), func(l Line) error { lines = append(lines, l); return nil }))
	require.True(t, run.Done())
	_, err := run.Next(t.Context())
	require.NoError(t, err)
	return lines
}

// TestCheckAll holds every lesson of the course against the model, alone and
// beside another; the engines are held against it in the program's own tests.
func TestCheckAll(t *testing.T) {
	all, err := All()
	require.NoError(t, err)
	for _, l := range all {
		if testing.Short() && l.Order%5 != 1 {
			continue
		}
		for name, world := range map[string]func() *session.Session{"alone": alone, "twins": twins} {
			t.Run(l.ID+" "+name, func(t *testing.T) {
				if name == "alone" && l.Order%5 != 1 {
					t.Skip("the program's own tests check it")
				}
				if name == "twins" && l.Differs["model"].Verdict == sim.Limit {
					t.Skip("two models know no more than one")
				}
				s := world()
				require.NoError(t, Check(t.Context(), s, l))
				if l.Order == 1 {
					require.NoError(t, Check(t.Context(), s, l), "a second time")
				}
			})
		}
	}
}

// steps of the model in lines of the lesson, as "op path".
func stepsOf(lines []Line) (out []string) {
	for _, line := range lines {
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
	run := start(t, alone(), lesson(t, "change-etc"))
	found := map[string][]string{}
	for s, ok := run.Step(); ok; s, ok = run.Step() {
		found[s.ID] = stepsOf(playStep(t, run))
	}
	require.Contains(t, found["read"], "read /etc/motd")
	require.Equal(t, []string{"copy-up /etc", "copy-up /etc/motd", "write /etc/motd"}, found["write"], "as the prose tells it")
	delete(found, "write")
	delete(found, "yours")
	for id, steps := range found {
		require.NotContains(t, strings.Join(steps, "\n"), "copy-up", id)
	}
}

// The learner's own containers and images outlive a lesson, also images of
// the names that the lesson uses.
func TestLearnersOwnStays(t *testing.T) {
	s := twins()
	do(t, s, "docker pull hello-world", "docker tag hello-world busybox", "docker run --name mine hello-world")
	for _, id := range []string{"hello-world", "change-etc"} {
		run := start(t, s, lesson(t, id))
		playStep(t, run)
		require.NoError(t, run.Goto(t.Context(), 1))
		do(t, s, "docker run --name other hello-world")
		require.NoError(t, run.End(t.Context()))
	}
	for _, w := range []sim.Engine{s.Model, s.Real} {
		all, err := w.Images(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"hello-world:latest", "busybox:latest"}, tags(all))
		require.Len(t, all, 1, "busybox is what it was")
		containers, err := w.Containers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"mine"}, names(containers))
	}
}

// Leftovers of a lesson that was left halfway do not disturb the next.
func TestAfterHalfALesson(t *testing.T) {
	s := twins()
	l := lesson(t, "change-etc")
	run := start(t, s, l)
	for range 4 {
		playStep(t, run)
	}
	do(t, s, "docker attach lesson-b")
	require.NoError(t, run.End(t.Context()))
	require.NoDirExists(t, run.Dir())
	require.NoError(t, Check(t.Context(), s, l))
	require.Empty(t, s.Attached())
}

// A build that failed leaves images in the middle of things; none outlives
// the lesson, in either world.
func TestAfterAFailedBuild(t *testing.T) {
	s := twins()
	s.Clock = func() time.Time { return time.Unix(1e9, 0) }
	for n := 1; n < 5; n++ {
		run := start(t, s, lesson(t, "debugging"))
		require.NoError(t, run.Goto(t.Context(), n))
		require.NoError(t, run.End(t.Context()))
		for _, w := range []sim.Engine{s.Model, s.Real} {
			all, err := w.Images(t.Context())
			require.NoError(t, err)
			require.Empty(t, all)
		}
	}
}

// A learner may do a step by hand, in another way than the lesson's.
func TestByHand(t *testing.T) {
	s := twins()
	run := start(t, s, lesson(t, "change-etc"))
	require.NoError(t, run.Goto(t.Context(), 3))
	require.Empty(t, typed(t, s, run, "docker exec lesson-b touch /tmp/x").Ticked)
	seen := typed(t, s, run, "docker exec lesson-a sed -i s/Welcome/Hello/ /etc/motd")
	require.True(t, seen.Done)
	require.Equal(t, "lesson-a has modified /etc/motd", say.Text(seen.Ticked[0].Goal.Says()))
	require.Len(t, seen.Ticked[0].Answers, 2)
}

// One who is lost lets the lesson do it; it begins afresh for that.
func TestPlayAfterTyping(t *testing.T) {
	s := twins()
	run := start(t, s, lesson(t, "change-etc"))
	require.NoError(t, run.Goto(t.Context(), 1))
	typed(t, s, run, "docker run -it --name lesson-a busybox")
	require.False(t, run.Done())
	playStep(t, run)
}

// What a learner has tried after a step may be in the way of the next; then
// that begins afresh, and says so.
func TestStrayed(t *testing.T) {
	s := twins()
	run := start(t, s, lesson(t, "hello-world"))
	require.NoError(t, run.Goto(t.Context(), 4))
	require.NoError(t, run.Play(t.Context(), func(Line) error { return nil }))
	typed(t, s, run, "docker rm lesson-hello")
	typed(t, s, run, "docker run --name lesson-mine hello-world")
	_, err := run.Next(t.Context())
	require.NoError(t, err)
	var seen []string
	require.NoError(t, run.Play(t.Context(), func(line Line) error {
		if line.Afresh {
			line.Text = "afresh"
		}
		seen = append(seen, line.Text)
		return nil
	}))
	require.Equal(t, []string{"docker ps -a", "docker diff lesson-hello", "afresh", "docker ps -a", "docker diff lesson-hello"}, seen)
	require.True(t, run.Done())
}

// An answer has the form that was asked for, be it right or wrong.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		p        Prediction
		yes, not string
	}{
		{Prediction{Changes: "x"}, "a /new", "/new"}, {Prediction{Changes: "x"}, "Nothing.", "hint"},
		{Prediction{Layers: "x"}, " 2 ", "two"}, {Prediction{Shared: []string{"x", "y"}}, "20MB", "much"},
	} {
		require.True(t, c.p.Fits(c.yes), c.yes)
		require.False(t, c.p.Fits(c.not), c.not)
	}
	require.True(t, Prediction{Prints: "x"}.Fits("second"))
}

func TestCoaching(t *testing.T) {
	s := twins()
	run := start(t, s, lesson(t, "change-etc"))
	require.NoError(t, run.Goto(t.Context(), 3))
	require.Equal(t, "other-container", typed(t, s, run, "docker exec lesson-b sh -c 'echo x >> /etc/motd'").Coach.Mistake)
	require.Equal(t, "image-for-container", typed(t, s, run, "docker exec busybox touch /etc/motd").Coach.Mistake)
	do(t, s, "docker attach lesson-a")
	seen := typed(t, s, run, "docker commit lesson-a mine")
	require.Equal(t, "docker-inside", seen.Coach.Mistake)
	require.Contains(t, say.In("zh", seen.Coach.Says), "lesson-a 里面")
}

func TestScores(t *testing.T) {
	s := twins()
	run := start(t, s, lesson(t, "change-etc"))
	require.NoError(t, run.Goto(t.Context(), 3))
	require.NoError(t, run.Play(t.Context(), func(Line) error { return nil }))
	for guess, want := range map[string]Score{
		"C /etc, C /etc/motd": {"model", 2, 2, "C /etc, C /etc/motd", false},
		"c /etc/motd":         {"model", 1, 2, "C /etc, C /etc/motd", false},
		"C /etc  A /etc/motd": {"model", 1, 3, "C /etc, C /etc/motd", false},
		"nothing":             {"model", 0, 2, "C /etc, C /etc/motd", false},
		"什么也没有":               {"model", 0, 2, "C /etc, C /etc/motd", false},
		"I do not know":       {"model", 0, 2, "C /etc, C /etc/motd", false},
	} {
		got, err := run.Score(t.Context(), guess)
		require.NoError(t, err)
		require.Equal(t, []Score{want, want}, got, guess)
	}
	do(t, s, "docker pull hello-world", "docker tag hello-world mine")
	for _, c := range []struct {
		p     Prediction
		guess string
		hits  int
		is    string
	}{
		{Prediction{Layers: "mine:latest"}, " 1 ", 1, "1"},
		{Prediction{Layers: "mine:latest"}, "one", 0, "1"},
		{Prediction{Shared: []string{"mine:latest", "hello-world:latest"}}, "650", 1, "642B"},
		{Prediction{Shared: []string{"mine:latest", "busybox:latest"}}, "642", 0, "0B"},
		{Prediction{Shared: []string{"mine:latest", "busybox:latest"}}, "0", 1, "0B"},
	} {
		got, err := c.p.score(t.Context(), s, c.guess, nil)
		require.NoError(t, err)
		require.Equal(t, Score{"model", c.hits, 1, c.is, false}, got[0])
	}
	got, err := Prediction{Prints: "docker ps"}.score(t.Context(), s, "x", []sim.Result{{Cmd: "docker ps", Model: sim.View{Stdout: "X\n"}}})
	require.NoError(t, err)
	require.Equal(t, []Score{{"model", 1, 1, "X", false}, {World: "model", Uncertain: true}}, got)
}

// The lesson's files are its own: a directory that goes with it.
func TestFiles(t *testing.T) {
	l, err := Load(files(strings.Replace(soundYAML, "steps:", "files: {app/a.txt: hello}\nsteps:", 1), soundText), "good")
	require.NoError(t, err)
	s := alone()
	host := s.Host
	run := start(t, s, l)
	has := func(name string, want sim.HostKind) {
		kind, err := host.Kind(run.Dir() + "/" + name)
		require.NoError(t, err)
		require.Equal(t, want, kind, name)
	}
	_, err = run.run(t.Context(), ":file Dockerfile\nFROM scratch\n")
	require.NoError(t, err)
	r, err := s.Host.Open("Dockerfile")
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "FROM scratch\n", string(b))
	has("app/a.txt", sim.HostFile)
	require.NoError(t, run.Goto(t.Context(), 1))
	has("Dockerfile", sim.HostNothing)
	has("app/a.txt", sim.HostFile)
	require.NoError(t, run.End(t.Context()))
	has("", sim.HostNothing)
	require.Equal(t, host, s.Host)
}

// TestWithoutHost: a session that has no machine gets one in memory for a
// lesson.
func TestWithoutHost(t *testing.T) {
	s := &session.Session{Model: newModel()}
	run := start(t, s, lesson(t, "dockerfile"))
	require.NoError(t, run.Write("Dockerfile", "FROM busybox\nRUN touch /x\n"))
	r, err := s.Run(t.Context(), "docker build -t it .", noEnv)
	require.NoError(t, err)
	require.Zero(t, r.Model.Exit, r.Model.Stderr)
	require.NoError(t, run.End(t.Context()))
	require.Nil(t, s.Host)
}

// BenchmarkFind is what "lesson 9" costs at the prompt, and what it cost when
// the course was read each time.
func BenchmarkFind(b *testing.B) {
	for name, find := range map[string]func() error{
		"once":      func() error { _, _, err := Find(nil, "9"); return err },
		"each time": func() error { _, err := LoadAll(course); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, find())
			}
		})
	}
}

// broken is an engine that breaks when it is asked for changes.
type broken struct{ sim.Engine }

func (b broken) Containers(context.Context) ([]sim.Container, error) {
	return nil, errors.New("no luck")
}

func TestBrokenEngine(t *testing.T) {
	s := &session.Session{Model: newModel(), Real: broken{newModel()}}
	_, err := lesson(t, "hello-world").Start(t.Context(), s)
	require.ErrorContains(t, err, "no luck")
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ asked, lcAll, lang, want string }{
		{"", "", "", "en"}, {"", "", "zh_CN.UTF-8", "zh"}, {"", "en_US.UTF-8", "zh_CN.UTF-8", "en"},
		{"zh", "en_US", "", "zh"}, {"", "de_DE.UTF-8", "", "en"}, {"", "C", "", "en"}, {"zh-TW", "", "", "zh"},
	} {
		getenv := func(key string) string { return map[string]string{"LC_ALL": c.lcAll, "LANG": c.lang}[key] }
		require.Equal(t, c.want, Language(c.asked, getenv))
	}
}

func TestNew(t *testing.T) {
	host, dir := sim.NewMemHost(time.Now), "my-lesson"
	require.NoError(t, New(host, dir, time.Now()))
	l, err := Open(host, dir)
	require.NoError(t, err)
	require.NoError(t, Check(t.Context(), twins(), l))
	require.Equal(t, Languages, slices.Sorted(func(yield func(string) bool) {
		for lang := range l.Words {
			if !yield(lang) {
				return
			}
		}
	}))
	require.ErrorContains(t, New(host, dir, time.Now()), "exists")
	require.ErrorContains(t, New(host, "My Lesson", time.Now()), "small letters")
}

// memory is a store in memory.
type memory struct{ text []byte }

func (*memory) Name() string             { return "memory" }
func (m *memory) Load() ([]byte, error)  { return m.text, nil }
func (m *memory) Save(text []byte) error { m.text = text; return nil }

func TestProgress(t *testing.T) {
	kept := &memory{}
	p, err := LoadProgress(kept)
	require.NoError(t, err)
	l := lesson(t, "hello-world")
	require.NoError(t, p.At(l, 3))
	require.NoError(t, p.Skipped(l))
	require.NoError(t, p.Speak("zh"))
	p, err = LoadProgress(kept)
	require.NoError(t, err)
	require.Equal(t, Place{Step: 3, Of: len(l.Steps), Skip: 1}, p.Lessons[l.ID])
	require.Equal(t, "zh", p.Lang)
	require.NoError(t, p.Over(l))
	require.False(t, p.Lessons[l.ID].Over, "a skipped step earns no mark")
	_, half := p.HalfDone()
	require.False(t, half)
	require.NoError(t, p.At(l, 1))
	require.NoError(t, p.Over(l))
	require.True(t, p.Lessons[l.ID].Over)
	require.NoError(t, p.At(l, 2))
	require.NoError(t, p.Skipped(l))
	id, half := p.HalfDone()
	require.True(t, half)
	require.Equal(t, l.ID, id)
	require.NoError(t, p.Over(l))
	require.True(t, p.Lessons[l.ID].Over, "playing it again loses none")
	require.Equal(t, "hello-world", p.Last)
	require.NoError(t, kept.Save([]byte("{")))
	p, err = LoadProgress(kept)
	require.ErrorContains(t, err, "move it away")
	require.NoError(t, p.At(l, 1), "a file that cannot be read is not written over")
	require.Equal(t, "{", string(kept.text))
}

// TestPlayLine: a step is played one line after another. What the learner
// tries between them stays, unless the lines would not find what they need.
func TestPlayLine(t *testing.T) {
	s := twins()
	l := Lesson{ID: "lines", Steps: []Step{{ID: "one", Run: []string{"docker run -it --name lesson-a busybox", "touch /f", ":detach", "docker diff lesson-a"}}}}
	run, err := l.Start(t.Context(), s)
	require.NoError(t, err)
	defer run.End(t.Context())
	var ran []string
	next := func() bool {
		ran = nil
		more, err := run.PlayLine(t.Context(), func(line Line) error {
			if line.Afresh {
				line.Text = "afresh"
			}
			ran = append(ran, line.Text)
			return nil
		})
		require.NoError(t, err)
		return more
	}
	require.True(t, next())
	require.Equal(t, []string{"docker run -it --name lesson-a busybox"}, ran)
	typed(t, s, run, "touch /mine")
	require.True(t, next())
	require.Equal(t, []string{"touch /f", ":detach"}, ran)
	require.False(t, next())
	require.Equal(t, []string{"docker diff lesson-a"}, ran)
	require.True(t, run.Done())
	r, err := s.Run(t.Context(), "docker diff lesson-a", noEnv)
	require.NoError(t, err)
	require.Equal(t, "A /f\nA /mine\n", r.Model.Stdout)

	require.NoError(t, run.Goto(t.Context(), 0))
	require.True(t, next())
	typed(t, s, run, "exit")
	require.True(t, next(), "the shell is gone: it begins afresh")
	require.Equal(t, []string{"docker run -it --name lesson-a busybox"}, ran)
	require.True(t, next())
	require.False(t, next())
	require.True(t, run.Done())
}

// TestLeftByABuild: what a build that failed has left is no container of the
// learner's, nor what another build of the learner's has left.
func TestLeftByABuild(t *testing.T) {
	s := alone()
	_, err := s.Run(t.Context(), "docker run --name before busybox true", noEnv)
	require.NoError(t, err)
	r := start(t, s, lesson(t, "debugging"))
	playStep(t, r)
	left := r.Typed(t.Context(), "docker diff $CONTAINER")
	require.NotContains(t, left, "$")
	require.NotContains(t, left, "before")
	for _, line := range []string{"docker run --name mine busybox true", "docker build -t lesson-fixed:1 -f Dockerfile.yours ."} {
		typed(t, s, r, line)
		require.Equal(t, left, r.Typed(t.Context(), "docker diff $CONTAINER"), line)
	}
}
