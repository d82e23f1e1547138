package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// Config is what a REPL needs. Session, Lines and Out must be set.
type Config struct {
	Session  *session.Session
	Lines    Lines
	Out      io.Writer
	JSON     bool                       // one object per line, nothing else
	Plain    bool                       // no colour, no box drawing
	Step     bool                       // hold the model's steps until they are asked for
	Width    int                        // columns; 0: 80
	Live     bool                       // Out is a terminal, on which lines can be drawn anew
	Size     func() (columns, rows int) // of the terminal now; must be set if it is Live
	Real     string                     // the real engine in a few words; "": none
	Missing  string                     // why there is no real engine
	Pullable []string                   // the names of the bundled images, for completion

	Machine Machine // the engines of this machine; nil: they cannot be looked at

	Course
}

// Course is what lessons need. The zero value is useful.
type Course struct {
	Lang     string            // "": en
	Progress *lessons.Progress // nil: kept nowhere
	Play     []lessons.Lesson  // begin with these
	Auto     bool              // play them to their end, without a learner
	Check    bool              // say what does not hold in them, and end
}

// Machine is what can be asked of the real engines, of which the REPL knows
// no more than this.
type Machine interface {
	Engines(ctx context.Context, w io.Writer) error // lists them
	Clean(ctx context.Context, w io.Writer) error   // removes what dead sessions left
	Bench(ctx context.Context, w io.Writer) error   // times the same work on each
	Verify(ctx context.Context, w io.Writer) error  // holds what is on disk against its digests
}

// Lines is where lines come from.
type Lines interface {
	// Line reads one line; io.EOF at the end, ErrAborted on control-C.
	Line(prompt string) (string, error)
	// Talks says whether somebody types, so that it pays to greet and prompt.
	Talks() bool
}

// ErrAborted is what Lines returns when a line was given up.
var ErrAborted = errors.New("line aborted")

// errQuit ends the loop, and errInterrupted a script.
var (
	errQuit        = errors.New("quit")
	errInterrupted = errors.New("interrupted")
)

// REPL is the loop and what it remembers.
type REPL struct {
	Config
	draw     painter
	timeline model.Timeline
	booted   []sim.Step
	lesson   *lesson // that is on; nil: none
	missed   int     // steps of lessons that did not lead where they should
	lost     bool    // progress could not be kept, and it was said
	bugs     int
	pointed  bool              // at the words for steps
	last     string            // the container of the last command that had one
	shown    map[string]string // the layer that was last shown, by container
}

// New is a REPL; nothing is read before Run.
func New(c Config) *REPL {
	if c.Width == 0 {
		c.Width = 80
	}
	r := &REPL{Config: c}
	r.draw = newPainter(ink.NewPen(c.forPeople()), c.Plain, c.Width)
	r.draw.lang, r.draw.screen = c.Lang, c.Lines.Talks()
	r.shown = map[string]string{}
	r.booted = c.Session.Model.Steps()
	r.timeline.Add("power on", r.booted, false)
	return r
}

// forPeople is where what is drawn goes: nowhere where a program reads.
func (c Config) forPeople() io.Writer {
	if c.JSON {
		return io.Discard
	}
	return c.Out
}

// Bugs is how many verdicts were bug so far.
func (r *REPL) Bugs() int { return r.bugs }

// Run reads and runs lines until their end. An error means that the input, or
// the output, could not be used any more; whatever a line comes to, the next
// one is read.
func (r *REPL) Run(ctx context.Context) error {
	if r.Lines.Talks() && len(r.Play) == 0 {
		r.greet()
	}
	if r.Check {
		r.checkAll(ctx)
		return nil
	}
	if err := r.playAll(ctx); err != nil || r.Auto {
		return errors.Join(err, r.endLesson(ctx))
	}
	for {
		line, err := r.read()
		switch {
		case errors.Is(err, io.EOF) && r.Lines.Talks() && r.Session.Attached().Shell != "":
			r.draw.text("exit") // control-D
			if err := r.show(r.Session.Hangup(ctx)); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			if r.Lines.Talks() {
				r.draw.text("quit")
			}
			return r.end(ctx)
		case errors.Is(err, ErrAborted):
			continue
		case err != nil:
			return fmt.Errorf("reading a line: %w", err)
		}
		switch err := r.line(ctx, line); {
		case errors.Is(err, errQuit):
			return r.end(ctx)
		case errors.Is(err, errUnheard), errors.Is(err, errInterrupted):
			return err
		case err != nil:
			if err := r.told(line, err); err != nil {
				return err
			}
		}
	}
}

// told tells of an error that has no result.
func (r *REPL) told(line string, err error) error {
	if r.JSON {
		return r.writeJSON(map[string]string{"cmd": line, "error": err.Error()})
	}
	r.draw.warn("%v", err)
	return nil
}

// read reads one command, which may take several lines inside a container's
// shell.
func (r *REPL) read() (string, error) {
	line, err := r.Lines.Line(r.prompt())
	for err == nil && r.Session.Attached().Shell != "" && !r.wordly(line) && !userland.Complete(line) && len(line) < maxLine {
		var more string
		if more, err = r.Lines.Line("> "); errors.Is(err, io.EOF) {
			return line, nil
		}
		line += "\n" + more
	}
	return line, err
}

// wordly says whether a line is for twinlayer itself and not for a shell.
func (r *REPL) wordly(line string) bool { return isWord(line) || r.asking() }

// maxLine is where a command that is still not whole is given to the shell as
// it stands.
const maxLine = 1 << 20

func (r *REPL) prompt() string { return ink.Visible(r.place()) }

// place is where the next line goes.
func (r *REPL) place() string {
	if r.asking() {
		return "? "
	}
	if at := r.Session.Attached(); at.Shell != "" {
		return fmt.Sprintf("%s:%s # ", at.Name, r.Session.Model.Dir(at.Shell))
	}
	switch n := r.timeline.Ahead(); n {
	case 0:
		return "twinlayer> "
	case 1:
		return lessons.Say("twinlayer (1 step to come)> ").In(r.Lang)
	default:
		return lessons.Say("twinlayer (%d steps to come)> ", n).In(r.Lang)
	}
}

// end leaves a shell that still waits, as the end of its input does. Of one
// that the model does not know it cannot tell that it has ended.
func (r *REPL) end(ctx context.Context) error {
	for at := r.Session.Attached(); at.Shell != ""; at = r.Session.Attached() {
		if err := r.show(r.Session.Hangup(ctx)); err != nil {
			return err
		}
		if r.Session.Attached() == at {
			r.Session.Detach()
		}
	}
	if r.lesson != nil && r.Progress != nil && r.Lines.Talks() {
		r.tell("Your place in the lesson is kept: `resume` goes on there.")
	}
	return r.endLesson(ctx)
}

// line runs one line: a word of the REPL's own, or a command for both worlds.
func (r *REPL) line(ctx context.Context, line string) error {
	trimmed := strings.TrimSpace(line)
	switch {
	case !r.asking() || isWord(line):
	case isOwn(trimmed):
		line, trimmed = ":"+trimmed, ":"+trimmed
	case !strings.HasPrefix(trimmed, "docker "):
		return r.answered(ctx, trimmed)
	}
	if name, content, ok := r.fileLine(line); ok {
		return r.writeFile(name, content)
	}
	if w, args, ok := r.word(trimmed); ok {
		return w.run(r, ctx, args)
	}
	if trimmed == "" && r.Session.Attached().Shell == "" {
		return r.enter(ctx)
	}
	if trimmed == "" || strings.HasPrefix(trimmed, "#") {
		return nil
	}
	return r.command(ctx, line)
}

// command runs a line in both worlds. Control-C ends the command; in a script
// it ends the script too.
func (r *REPL) command(ctx context.Context, line string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	at, asking := r.Session.Attached(), r.asking()
	telling, told := r.underway(ctx)
	result, err := r.Session.Run(telling, line, os.Getenv)
	told()
	if err := r.show(result, err); err != nil {
		return err
	}
	r.pointAtWord(at, result)
	if err := r.watch(ctx, lessons.Line{At: at, Text: line, Result: &result}); err != nil {
		return err
	}
	if r.asking() && !asking && at.Shell != "" {
		r.tell("A question is open: answer it, or leave it with Enter.")
	}
	if ctx.Err() != nil && !r.Lines.Talks() {
		return errInterrupted
	}
	return nil
}

// enter is what an empty line does: the next step of what is going on.
func (r *REPL) enter(ctx context.Context) error {
	if !r.Lines.Talks() || r.timeline.Ahead() == 0 && r.lesson == nil {
		return nil
	}
	return next(r, ctx, nil)
}

// show shows what a command came to.
func (r *REPL) show(result sim.Result, err error) error {
	if err != nil {
		return err
	}
	r.count(result)
	if result.Container != "" {
		r.last = result.Container
	}
	held := r.Step && !r.JSON && r.Lines.Talks()
	r.timeline.Add(result.Cmd, result.Steps, held)
	if r.JSON {
		return r.writeJSON(result)
	}
	r.draw.result(result, r.asBefore(result))
	r.pointAtSteps(len(result.Steps), held)
	return nil
}

// asBefore says whether both worlds have the container's layer as it was last
// shown.
func (r *REPL) asBefore(result sim.Result) bool {
	v := result.Model
	if v.Layer == "" || v.Container == "" {
		return false
	}
	was := r.shown[v.Container]
	r.shown[v.Container] = v.Layer
	return was == v.Layer && (result.Real == nil || result.Real.Layer == v.Layer)
}

// pointAtSteps says how to walk the model's steps: each time where they are
// held, once where they are not.
func (r *REPL) pointAtSteps(n int, held bool) {
	switch {
	case n == 0 || !r.Lines.Talks():
	case held:
		r.draw.say("%d steps of the model wait: Enter or `next` shows one, `back` and `forward` move, `end` skips them.", n)
	case !r.pointed:
		r.pointed = true
		r.draw.say("The model took %d steps: `steps` lists them, `back` and `forward` walk in them. Inside a container: `:steps`, `:back`, `:forward`.", n)
	}
}

// count takes note of a verdict.
func (r *REPL) count(result sim.Result) {
	if result.Verdict == sim.Bug {
		r.bugs++
	}
}

func (r *REPL) greet() {
	r.draw.title("twinlayer: every step of a container, in a model and for real")
	if r.Real != "" {
		r.draw.say("real: %s", r.Real)
	} else {
		r.draw.warn("model only: %s", r.Missing)
	}
	r.draw.say("Try `docker run hello-world`, then `docker run -it busybox`. `lesson 1` begins the course; `help` has all words; `quit` leaves.")
}
