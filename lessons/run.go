package lessons

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/session"
)

// Run is a lesson being played in a session. A step is open until its goals
// are met: by [Run.Play], which runs the lesson's own lines, or by what the
// learner types, of which [Run.Look] hears.
type Run struct {
	lesson  Lesson
	session *session.Session
	box     sandbox
	at      int        // the step that is open
	done    bool       // it is done
	typed   bool       // the learner has typed something in it
	strayed bool       // or in a step before, so that things may not stand as the lesson's lines leave them
	inside  bool       // and in a shell that was there before it
	began   checkpoint // how it was where the step begins
	ran     []sim.Result
	shown   []string // what twinlayer's own words have shown in the step
	checked []Checked
	next    int              // the line that PlayLine runs next
	left    session.Attached // where its last one has left the session
	stopped string           // the name of the container in which a build stopped
	known   map[string]bool  // the ids of the containers that were seen
	ended   bool
	host    sim.Host
}

// Start begins a lesson in a session: it clears the way, and opens the first
// step. What the session had, it has again after [Run.End].
func (l Lesson) Start(ctx context.Context, s *session.Session) (*Run, error) {
	host := s.Host
	if host == nil {
		host = sim.NewMemHost(time.Now)
	}
	r := &Run{lesson: l, session: s, box: sandbox{session: s, host: host}, host: s.Host, known: map[string]bool{}}
	s.Detach()
	if err := r.box.open(ctx, l); err != nil {
		return r, fmt.Errorf("lesson %s: %w", l.ID, err)
	}
	s.Host = sim.HostIn(host, r.box.dir.Path())
	return r, r.opened(ctx)
}

// Lesson is what is played.
func (r *Run) Lesson() Lesson { return r.lesson }

// Dir is the lesson's directory on this machine, where names that docker
// takes from it are looked up.
func (r *Run) Dir() string { return r.box.dir.Path() }

// Step is the step that is open; ok is false behind the last.
func (r *Run) Step() (s Step, ok bool) {
	if r.ended || r.at >= len(r.lesson.Steps) {
		return s, false
	}
	return r.lesson.Steps[r.at], true
}

// Number is the open step's place in the lesson, from 1.
func (r *Run) Number() int { return r.at + 1 }

// Done says whether what the step is for has been reached.
func (r *Run) Done() bool { return r.done }

// Checked is how the step's goals stood when they were last looked at.
func (r *Run) Checked() []Checked { return r.checked }

// Line is a line that was run.
type Line struct {
	At     session.Attached // the shell it was typed into; none for docker's
	Text   string
	Fails  bool        // it is to fail
	Shows  bool        // it is a word of twinlayer's own that shows something
	Afresh bool        // no line: the step begins afresh, for what was tried was in its way
	Result *sim.Result // nil for a word of twinlayer's own
}

// Play runs the step's own lines, and hands each to see. If the learner has
// tried before, it first begins afresh, so that the lines find what they
// need. An error means that a world broke.
func (r *Run) Play(ctx context.Context, see func(Line) error) error {
	s, ok := r.Step()
	if !ok {
		return nil
	}
	if r.typed {
		if err := r.again(ctx); err != nil {
			return err
		}
	}
	ok, err := r.lines(ctx, s, see)
	if err != nil || ok || !r.strayed {
		return err
	}
	if _, err := r.afresh(ctx, see); err != nil {
		return err
	}
	_, err = r.lines(ctx, s, see)
	return err
}

// PlayLine is Play for one line; more says whether others are left. Where the
// learner has tried something since that they would not find what they need,
// the step begins afresh.
func (r *Run) PlayLine(ctx context.Context, see func(Line) error) (more bool, err error) {
	s, ok := r.Step()
	if !ok {
		return false, nil
	}
	if r.typed && (r.next == 0 || r.session.Attached() != r.left) {
		if err := r.again(ctx); err != nil {
			return false, err
		}
	}
	if r.next == 0 {
		r.session.Detach()
	}
	lines := s.Lines()
	for first := r.next; r.next < len(lines); r.next++ {
		if r.next > first && lines[r.next] != wordDetach { // that shows nothing by itself
			r.left = r.session.Attached()
			return true, nil
		}
		line, err := r.run(ctx, lines[r.next])
		if err == nil {
			err = see(line)
		}
		if err != nil {
			return false, err
		}
		if r.strayed && line.surprises() {
			return r.afresh(ctx, see)
		}
	}
	r.next = 0
	if ok, err = r.finish(ctx); err == nil && !ok && r.strayed {
		return r.afresh(ctx, see)
	}
	return false, err
}

// afresh begins the step anew, as the lesson's own lines lead to it.
func (r *Run) afresh(ctx context.Context, see func(Line) error) (more bool, err error) {
	if err := r.Goto(ctx, r.at); err != nil {
		return false, err
	}
	return true, see(Line{Afresh: true})
}

// lines runs the step's lines, and says whether they did what they should;
// where the learner has strayed, they end with the first that does not.
func (r *Run) lines(ctx context.Context, s Step, see func(Line) error) (bool, error) {
	r.session.Detach()
	for _, text := range s.Lines() {
		line, err := r.run(ctx, text)
		if err != nil {
			return false, err
		}
		if err := see(line); err != nil || r.strayed && line.surprises() {
			return false, err
		}
	}
	return r.finish(ctx)
}

// finish says whether the step's lines have done what they should.
func (r *Run) finish(ctx context.Context) (bool, error) {
	if err := r.look(ctx); err != nil {
		return false, err
	}
	r.untell()
	r.done = !slices.ContainsFunc(r.checked, Checked.missed)
	return r.done, nil
}

// surprises says whether the line failed, or did not where it is to.
func (l Line) surprises() bool {
	return l.Result != nil && l.Result.Model.Unknown.Empty() && l.Fails == (l.Result.Model.Exit == 0)
}

// untell takes back what the model says of goals where it could not know what
// became of a line, and nothing real has told it.
func (r *Run) untell() {
	i := slices.IndexFunc(r.ran, func(ran sim.Result) bool { return !ran.Model.Unknown.Empty() && ran.Real == nil })
	if i < 0 {
		return
	}
	for _, c := range r.checked {
		if a := &c.Answers[0]; a.State == Missed {
			*a = Answer{a.World, Untold, sim.CannotKnow(r.ran[i].Model.Unknown)}
		}
	}
}

// Seen is what a line of the learner's has led to.
type Seen struct {
	Ticked []Checked // goals that it has met, or undone
	Done   bool      // with it, the step is done
	Coach  *Coaching // a mistake that was recognised; nil: none
}

// Shows says whether a word of twinlayer's own is one of the open step's lines.
func (r *Run) Shows(line string) bool {
	s, ok := r.Step()
	return ok && !s.Exercise() && isShow(line) && slices.Contains(s.Run, line)
}

// Look looks at the goals after a line that the learner has typed.
func (r *Run) Look(ctx context.Context, line Line) (seen Seen, err error) {
	r.strayed = r.strayed || !line.Shows
	s, ok := r.Step()
	if !ok || r.done {
		return seen, nil
	}
	r.typed = r.typed || !line.Shows
	_, before := r.began.things[line.At.Container]
	r.inside = r.inside || before
	if line.Shows {
		r.shown = append(r.shown, strings.Join(strings.Fields(line.Text), " "))
	}
	if line.Result != nil {
		r.ran = append(r.ran, *line.Result)
		if err := r.leave(ctx, *line.Result); err != nil {
			return seen, err
		}
	}
	stood := r.checked
	if err := r.look(ctx); err != nil {
		return seen, err
	}
	for i, c := range r.checked {
		if c.Met() != stood[i].Met() {
			seen.Ticked = append(seen.Ticked, c)
		}
	}
	r.done = r.reached(s)
	if seen.Done = r.done; !seen.Done {
		seen.Coach, err = attempt{ctx, r.session, line, r.checked}.coach(s)
	}
	return seen, err
}

// reached says whether the step has been worked through: its goals are met
// or, where it has none, its lines have been run.
func (r *Run) reached(s Step) bool {
	if len(s.Goals) > 0 {
		return allMet(r.checked)
	}
	for _, text := range s.Lines() {
		text, _ := mayFail(text)
		switch {
		case isDocker(text) && !slices.ContainsFunc(r.ran, func(ran sim.Result) bool { return sameCommand(ran.Cmd, text) }):
			return false
		case isShow(text) && !slices.Contains(r.shown, strings.Join(strings.Fields(text), " ")):
			return false
		}
	}
	return true
}

// sameCommand says whether two docker lines ask for the same, however it is
// written: docker image ls is docker images.
func sameCommand(a, b string) bool {
	x, err := cli.Parse(a, noEnv)
	y, failed := cli.Parse(b, noEnv)
	x.Text, y.Text = "", ""
	return a == b || err == nil && failed == nil && reflect.DeepEqual(x, y)
}

func (r *Run) look(ctx context.Context) (err error) {
	s, _ := r.Step()
	r.checked, err = check(ctx, r.session, s.Goals)
	return err
}

// Next closes the step and opens the next; false where there is none.
func (r *Run) Next(ctx context.Context) (bool, error) {
	if r.at < len(r.lesson.Steps) {
		r.at++
	}
	r.done, r.typed, r.ran, r.checked = false, false, nil, nil
	r.session.Detach()
	if _, ok := r.Step(); !ok {
		return false, nil
	}
	return true, r.opened(ctx)
}

// opened takes note of how things are where a step begins.
func (r *Run) opened(ctx context.Context) (err error) {
	r.done, r.typed, r.inside, r.ran, r.shown, r.next = false, false, false, nil, nil, 0
	if r.began, err = r.box.checkpoint(ctx); err != nil {
		return err
	}
	return cmp.Or(r.leave(ctx, sim.Result{}), r.look(ctx))
}

// again begins the open step afresh: it takes back what was tried or, where
// that has changed what was there before, plays the lesson up to it.
func (r *Run) again(ctx context.Context) error {
	r.session.Detach()
	if !r.inside {
		if ok, err := r.box.takeBack(ctx, r.began); err != nil || ok {
			return errors.Join(err, r.opened(ctx))
		}
	}
	return r.Goto(ctx, r.at)
}

// Goto begins the lesson afresh and plays all steps before the one at index n
// quietly.
func (r *Run) Goto(ctx context.Context, n int) error {
	if err := r.box.sweep(ctx); err != nil {
		return err
	}
	if err := r.box.open(ctx, r.lesson); err != nil {
		return err
	}
	r.at, r.strayed, r.stopped = 0, false, ""
	if err := r.opened(ctx); err != nil {
		return err
	}
	for r.at < min(n, len(r.lesson.Steps)) {
		if err := r.Play(ctx, func(Line) error { return nil }); err != nil {
			return err
		}
		if _, err := r.Next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Score holds what was predicted against what the step came to.
func (r *Run) Score(ctx context.Context, guess string) ([]Score, error) {
	s, ok := r.Step()
	if !ok || s.Predict == nil {
		return nil, nil
	}
	return s.Predict.score(ctx, r.session, guess, r.ran)
}

// End ends the lesson where it stands, and throws away all that was made in
// it.
func (r *Run) End(ctx context.Context) error {
	if r.ended {
		return nil
	}
	r.ended = true
	r.session.Host = r.host
	return r.box.close(ctx)
}

// run runs one of the lesson's lines.
func (r *Run) run(ctx context.Context, text string) (Line, error) {
	text, fails := mayFail(text)
	line := Line{At: r.session.Attached(), Text: text, Fails: fails}
	switch {
	case text == wordDetach:
		r.session.Detach()
		return line, nil
	case isFile(text):
		return line, r.box.dir.Write(fileOf(text))
	case isShow(text):
		line.Shows = true
		return line, nil
	}
	line.Text = r.Typed(ctx, text)
	result, err := r.session.Run(ctx, line.Text, noEnv)
	line.Result = &result
	r.ran = append(r.ran, result)
	if err != nil {
		return line, err
	}
	return line, r.leave(ctx, result)
}

// leave takes note of the container that a build which failed has left. One of
// the learner's own does not stand in for that of the lesson's.
func (r *Run) leave(ctx context.Context, ran sim.Result) error {
	all, err := r.session.Model.Containers(ctx)
	for _, k := range all {
		if !r.known[k.ID] && isBuild(ran.Cmd) && (r.stopped == "" || r.lesson.shows(ran.Cmd)) {
			r.stopped = k.Name
		}
		r.known[k.ID] = true
	}
	return err
}

func isBuild(line string) bool {
	cmd, err := cli.Parse(line, noEnv)
	return err == nil && cmd.Verb == "build"
}

// shows says whether a line is one that the lesson itself runs.
func (l Lesson) shows(line string) bool {
	return slices.ContainsFunc(l.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Run, func(own string) bool {
			own, _ = mayFail(own)
			return own == strings.TrimSpace(line)
		})
	})
}

// What stands in a lesson's line for what a build that failed has left: the id
// of the youngest image without a name, and the name of the container that it
// stopped in.
const (
	lastImage     = "$IMAGE"
	lastContainer = "$CONTAINER"
)

// Typed is one of the lesson's lines as a learner would type it now.
func (r *Run) Typed(ctx context.Context, line string) string {
	line, _ = mayFail(line)
	if strings.Contains(line, lastImage) {
		line = strings.ReplaceAll(line, lastImage, r.lastImage(ctx))
	}
	if strings.Contains(line, lastContainer) {
		line = strings.ReplaceAll(line, lastContainer, cmp.Or(r.stopped, lastContainer))
	}
	return line
}

func (r *Run) lastImage(ctx context.Context) string {
	worlds := r.box.worlds()
	all, err := worlds[len(worlds)-1].Images(ctx)
	if err != nil {
		return lastImage
	}
	for _, img := range all {
		if len(img.Tags) == 0 {
			return img.ID.Encoded()[:12]
		}
	}
	return lastImage
}

// Write writes a file of the lesson's directory.
func (r *Run) Write(name, content string) error { return r.box.dir.Write(name, content) }

// The words of a lesson's lines: leave a shell waiting, and write a file of
// the lesson's directory, whose content follows in the lines below.
const (
	wordDetach = ":detach"
	wordFile   = ":file"
)

// shows are the words of twinlayer's own that only show something; whoever
// plays the lesson shows it.
var shows = []string{":boot", ":steps", ":layers", ":why", ":audit", ":diff", ":evidence", ":files"}

func isShow(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return slices.Contains(shows, word)
}

func isWord(line string) bool { return strings.HasPrefix(line, ":") }

func isFile(line string) bool { return strings.HasPrefix(line, wordFile+" ") }

// fileOf is the name and the content that a :file line has.
func fileOf(line string) (name, content string) {
	name, content, _ = strings.Cut(line, "\n")
	return strings.TrimSpace(strings.TrimPrefix(name, wordFile)), content
}

// mayFail takes the mark off a line that is to fail: "! ".
func mayFail(line string) (string, bool) { return strings.CutPrefix(line, "! ") }

func isDocker(line string) bool {
	return line == "docker" || strings.HasPrefix(line, "docker ")
}

// noEnv keeps the learner's environment out of a lesson's lines.
func noEnv(string) string { return "" }
