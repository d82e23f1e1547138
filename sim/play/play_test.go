package play_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/simtest"
)

// screen is one that shows nothing, and remembers all. It holds every event to
// the schema and to what a reader of JSON relies on.
type screen struct {
	t      *testing.T
	c      *play.Conversation
	schema map[string]*jsonschema.Schema // by kind of event
	mu     sync.Mutex
	all    []play.Event
	bytes  int // as JSON
}

func converse(t *testing.T, c play.Config) *screen {
	t.Helper()
	if c.Session == nil {
		c.Session = simtest.Session(t, model.Config{})
	}
	s := &screen{t: t, c: play.New(c), schema: map[string]*jsonschema.Schema{}}
	s.c.Listen(s.hear)
	s.do(play.Start{})
	return s
}

func (s *screen) hear(e play.Event) {
	text, err := json.Marshal(e)
	require.NoError(s.t, err)
	var head struct {
		Seq   int
		Event string
	}
	require.NoError(s.t, json.Unmarshal(text, &head))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.bytes = append(s.all, e), s.bytes+len(text)
	require.Equal(s.t, len(s.all), head.Seq, "events are numbered without a gap")
	if s.schema[head.Event] == nil {
		s.schema[head.Event] = schemaOf(s.t, head.Event)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(s.t, err)
	require.NoError(s.t, s.schema[head.Event].Validate(value), "%.2000s", text)
}

// schemaOf is the schema of one kind of event.
func schemaOf(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(play.Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", value))
	_, err = c.Compile("schema.json")
	require.NoError(t, err)
	schema, err := c.Compile("schema.json#/$defs/" + kind + "-event")
	require.NoError(t, err)
	return schema
}

// do gives inputs one by one, and returns what comes of the last one.
func (s *screen) do(all ...play.Input) []play.Body {
	s.t.Helper()
	from := 0
	for _, in := range all {
		from = len(s.all)
		require.NoError(s.t, s.c.Do(s.t.Context(), in))
	}
	var out []play.Body
	for _, e := range s.all[from:] {
		out = append(out, e.Body)
	}
	return out
}

// one is the only body of its type.
func one[T play.Body](t *testing.T, all []play.Body) T {
	t.Helper()
	found := each[T](all)
	require.Len(t, found, 1, "%T in %#v", *new(T), all)
	return found[0]
}

func each[T play.Body](all []play.Body) (out []T) {
	for _, b := range all {
		if b, ok := b.(T); ok {
			out = append(out, b)
		}
	}
	return out
}

func (s *screen) prompt() play.Prompt {
	s.t.Helper()
	p, ok := s.all[len(s.all)-1].Body.(play.Prompt)
	require.True(s.t, ok, "the last event is a prompt")
	return p
}

func lesson(t *testing.T, name string) lessons.Lesson {
	t.Helper()
	l, ok, err := lessons.Find(nil, name)
	require.NoError(t, err)
	require.True(t, ok)
	return l
}

// TestOwnLesson: a lesson of one's own is found on the machine that the session
// has, also from within another.
func TestOwnLesson(t *testing.T) {
	host := sim.NewMemHost(time.Now)
	require.NoError(t, lessons.New(host, "my-lesson", time.Now()))
	session := simtest.Session(t, model.Config{})
	session.Host = host
	s := converse(t, play.Config{Session: session, Person: true})
	s.do(play.Line("lesson 1"))
	opened := one[play.Lesson](t, s.do(play.Line("lesson my-lesson")))
	require.Equal(t, "my-lesson", opened.ID)
	require.NotEmpty(t, each[play.Error](s.do(play.Line("lesson other"))))
	require.ErrorContains(t, lessons.New(host, "my-lesson", time.Now()), "exists")
}

// TestLesson plays a lesson through the conversation alone: what is asked is
// answered, what is to be typed is typed, and the lesson ends.
func TestLesson(t *testing.T) {
	s := converse(t, play.Config{Person: true, Course: play.Course{Play: []lessons.Lesson{lesson(t, "1")}}})
	asked := one[play.Asked](t, s.bodies())
	require.Equal(t, play.Predict, asked.Question)
	require.NotEmpty(t, asked.Text["zh"])
	require.Equal(t, play.Predict, s.prompt().Question)

	got := s.do(play.Line("two"))
	require.Empty(t, each[play.Result](got), "what is no answer is no command either")
	require.Equal(t, play.Predict, s.prompt().Question, "the question stays")
	s.do(play.Answer("2"))
	require.Equal(t, play.NoQuestion, s.prompt().Question)

	got = s.do(play.Next{})
	require.True(t, one[play.Command](t, got).Lesson)
	require.Equal(t, "docker pull hello-world", one[play.Result](t, got).Cmd)
	require.Equal(t, "1", one[play.Score](t, got).Worlds[0].Is)
	require.Equal(t, 1, one[play.Done](t, got).Number)

	quiz := s.until(func() bool { return s.prompt().Question == play.Quiz })
	require.NotEmpty(t, one[play.Asked](t, quiz).Options)
	score := one[play.Score](t, s.do(play.Answer("1")))
	require.Equal(t, "1", score.Guess)
	require.NotEmpty(t, score.Why["en"])

	exercise := s.until(func() bool { return s.step().Exercise })
	require.NotEmpty(t, one[play.Goals](t, exercise).Goals)
	require.Len(t, each[play.Goals](s.do(play.Line("hint"))), 1)
	for _, line := range lesson(t, "1").Steps[s.step().Number-1].Solution {
		s.do(play.Line(line))
	}
	require.NotEmpty(t, each[play.Done](s.bodies()))
	over := s.until(func() bool { return len(each[play.Over](s.bodies())) > 0 })
	require.Equal(t, 2, one[play.Over](t, over).Next.Order)
}

// bodies are all events so far.
func (s *screen) bodies() (all []play.Body) {
	for _, e := range s.all {
		all = append(all, e.Body)
	}
	return all
}

// until goes on, leaves questions and skips what it is to do, until that holds;
// it returns what the last input led to.
func (s *screen) until(holds func() bool) (last []play.Body) {
	s.t.Helper()
	for range 100 {
		if holds() {
			return last
		}
		in := play.Input(play.Next{})
		if s.step().Exercise && !s.stepDone() {
			in = play.Line(":skip")
		}
		last = s.do(in)
	}
	s.t.Fatalf("it never holds: %+v in %v", s.prompt(), s.step())
	return nil
}

// step is the step that was opened last.
func (s *screen) step() play.Step {
	all := each[play.Step](s.bodies())
	if len(all) == 0 {
		return play.Step{}
	}
	return all[len(all)-1]
}

// stepDone says whether the step that was opened last is done.
func (s *screen) stepDone() bool {
	for _, b := range slices.Backward(s.bodies()) {
		switch b.(type) {
		case play.Done:
			return true
		case play.Step:
			return false
		}
	}
	return false
}

// TestCourse plays every lesson as somebody does who takes every hint and leaves
// every question; each event is as the schema has it.
func TestCourse(t *testing.T) {
	all, err := lessons.All()
	require.NoError(t, err)
	if testing.Short() {
		all = all[:3]
	}
	s := converse(t, play.Config{Person: true, Progress: true})
	for _, l := range all {
		got := s.do(play.Line("lesson " + l.ID))
		require.Equal(t, l.ID, one[play.Lesson](t, got).ID)
		overs := len(each[play.Over](s.bodies()))
		s.do(play.Line(":hint"), play.Line(":goals"), play.Line(":files"))
		s.until(func() bool { return len(each[play.Over](s.bodies())) > overs })
	}
	require.Zero(t, s.c.Missed())
	require.Empty(t, each[play.Error](s.bodies()))
}

// TestNothingIsSwallowed: each line, also one that fails, tells what came of
// it, and then that the next one may come.
func TestNothingIsSwallowed(t *testing.T) {
	s := converse(t, play.Config{})
	for _, c := range []struct {
		line string
		want play.Body
	}{
		{"docker run --name box busybox sh -c 'echo hi > /etc/motd'", play.Result{}},
		{"steps", play.Steps{}}, {"boot", play.Steps{}}, {"back", play.Moment{}}, {"goto 7", play.Moment{}}, {"goto 7000", play.Error{}}, {"goto", play.Error{}},
		{"forward", play.Moment{}}, {"end", play.Notice{}}, {"next", play.Notice{}}, {"look /etc", play.Moment{}},
		{"timeline", play.Timeline{}}, {"back 2", play.Moment{}}, {"forward 2", play.Moment{}}, {"back x", play.Error{}}, {"play 100", play.Moment{}}, {"play x", play.Error{}},
		{"layers box", play.Report{}}, {"layers busybox", play.Report{}}, {"layers nosuch", play.Error{}}, {"layers", play.Error{}},
		{"why box /etc/motd", play.Report{}}, {"why nosuch /x", play.Error{}}, {"why", play.Error{}}, {"audit busybox", play.Report{}}, {"audit", play.Error{}},
		{"diff busybox busybox", play.Report{}}, {"diff busybox nosuch", play.Error{}}, {"evidence box", play.Report{}}, {"evidence nosuch", play.Error{}},
		{"help", play.Help{}}, {"help run", play.Help{}}, {":nosuch", play.Error{}}, {"lessons", play.Lessons{}}, {"lesson 99", play.Error{}}, {"lesson", play.Error{}},
		{"hint", play.Error{}}, {"skip", play.Error{}}, {"edit x", play.Error{}}, {"files", play.Error{}}, {"file x", play.Error{}}, {"answer 1", play.Error{}}, {"resume", play.Error{}},
		{"lang zh", play.Language{}}, {"lang de", play.Error{}}, {"detach", play.Error{}}, {"engines", play.Error{}}, {"reconnect", play.Error{}},
		{"steps on", play.Notice{}}, {"docker frob", play.Result{}}, {"frob", play.Result{}}, {"docker ps", play.Result{}},
		{"lesson 9", play.Step{}}, {"quit", play.Over{}},
	} {
		got := s.do(play.Line(c.line))
		require.NotEmpty(t, got, c.line)
		cmd, ok := got[0].(play.Command)
		require.True(t, ok, "%s: %#v", c.line, got[0])
		require.Equal(t, c.line, cmd.Text)
		found := false
		for _, b := range got {
			found = found || reflect.TypeOf(b) == reflect.TypeOf(c.want)
			if e, failed := b.(play.Error); failed {
				require.Equal(t, c.line, e.Cmd)
				require.NotZero(t, e.Exit)
			}
		}
		require.True(t, found, "%s: %T in %#v", c.line, c.want, got)
		if c.line != "quit" {
			s.prompt()
		}
	}
	require.True(t, s.c.Over())
	require.Empty(t, s.do(play.Line("docker ps")), "nothing comes after the end")
}

// TestFiles: a lesson's file is written whole, or line by line up to a dot; what
// is given up is not written.
func TestFiles(t *testing.T) {
	s := converse(t, play.Config{Person: true, Course: play.Course{Play: []lessons.Lesson{lesson(t, "multi-stage")}}})
	content := func(name string) string {
		all := one[play.Files](t, s.do(play.Line("files "+name))).Files
		if len(all) == 0 {
			return ""
		}
		return all[0].Content
	}
	s.do(play.WriteFile{Name: "mine", Content: "FROM busybox\n"})
	require.Equal(t, "FROM busybox\n", content("mine"))
	s.do(play.Line("file mine"), play.Line("FROM debian"), play.Line("docker ps"))
	require.Equal(t, play.MoreFile, s.prompt().More)
	s.do(play.Cancel{})
	require.Empty(t, s.prompt().More)
	require.Equal(t, "FROM busybox\n", content("mine"), "what was given up is as before")
	s.do(play.Line("file mine"), play.Line("FROM debian"), play.Line("."))
	require.Equal(t, "FROM debian\n", content("mine"))
	for _, name := range []string{"../mine", "/mine", "", ".", "a/../../mine"} {
		require.Len(t, each[play.Error](s.do(play.WriteFile{Name: name, Content: "x"})), 1, name)
	}
	edit := one[play.Edit](t, s.do(play.Line("edit mine")))
	require.Equal(t, "mine", edit.Name)
}

// TestShell: a line that is not whole waits for the rest, is given up with
// Cancel, and is given as it stands at the end of the input.
func TestShell(t *testing.T) {
	s := converse(t, play.Config{Person: true})
	s.do(play.Line("docker run -it --name box busybox"), play.Line("for i in 1 2"))
	require.Equal(t, play.MoreCommand, s.prompt().More)
	result := one[play.Result](t, s.do(play.Line("do echo $i; done")))
	require.Equal(t, "1\n2\n", result.Model.Stdout)
	s.do(play.Line("echo 'a"), play.Cancel{})
	require.Empty(t, s.prompt().More)
	require.Equal(t, "b\n", one[play.Result](t, s.do(play.Line("echo b"))).Model.Stdout)
	require.Equal(t, []string{"cat /etc/motd"}, s.complete("cat /etc/mo"))
	got := s.do(play.Line("echo 'c"), play.Hangup{})
	require.Equal(t, "echo 'c", one[play.Result](t, got).Cmd)
	s.do(play.Hangup{})
	require.Empty(t, s.prompt().Shell)
	require.Equal(t, []string{"docker diff box"}, s.complete("docker diff "))
	require.Equal(t, play.Over{}, one[play.Over](t, s.do(play.Hangup{})))
}

func (s *screen) complete(line string) (out []string) {
	c := one[play.Completion](s.t, s.do(play.Complete{Line: line, At: len(line)}))
	for _, candidate := range c.Candidates {
		out = append(out, c.Head+candidate+c.Tail)
	}
	return out
}

// TestCancel: what is going on ends when somebody gives it up, and the next line
// is as if nothing had been.
func TestCancel(t *testing.T) {
	s := converse(t, play.Config{Person: true})
	s.do(play.Line("docker run -it --name box busybox"))
	began := make(chan struct{})
	stop := s.c.Listen(func(e play.Event) {
		if _, ok := e.Body.(play.Command); ok {
			close(began)
		}
	})
	ended := make(chan error)
	go func() { ended <- s.c.Do(context.Background(), play.Line("while true; do :; done")) }()
	<-began
	stop()
	for over := false; !over; {
		require.NoError(t, s.c.Do(t.Context(), play.Cancel{}))
		select {
		case err := <-ended:
			require.NoError(t, err)
			over = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	given := each[play.Result](s.bodies())
	require.Contains(t, given[len(given)-1].Cmd, "while true")
	if s.prompt().Shell != "" {
		s.do(play.Line("exit"))
	}
	require.Equal(t, "well\n", one[play.Result](t, s.do(play.Line("docker run --rm busybox echo well"))).Model.Stdout)
}

// TestTwoScreens: each hears the same, until it goes.
func TestTwoScreens(t *testing.T) {
	s := converse(t, play.Config{})
	var other []play.Event
	stop := s.c.Listen(func(e play.Event) { other = append(other, e) })
	from := len(s.all)
	s.do(play.Line("docker ps"))
	require.Equal(t, s.all[from:], other)
	stop()
	s.do(play.Line("docker ps"))
	require.Less(t, len(other), len(s.all)-from)
}
