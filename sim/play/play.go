package play

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"twinlayer/fs"
	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/session"
)

// Config is what a conversation needs. Session must be set.
type Config struct {
	Session  *session.Session
	Getenv   func(string) string // the environment of docker's flags; nil: an empty one
	Engine   string              // the real engine in a few words; "": none
	Missing  string              // why there is none
	Pullable []string            // the names of the bundled images, for completion
	Machine  Machine             // the engines of this machine; nil: they cannot be looked at

	// Person says that somebody types, and not a program: a question takes the
	// next line as its answer, an empty line is Next, and help is given.
	Person   bool
	Step     bool // hold the model's steps until they are asked for
	Progress bool // tell how far a command has come

	// Pause waits between steps that play by themselves; nil: they do not wait.
	Pause func(context.Context, time.Duration) error

	Course
}

// Course is what lessons need. The zero value is useful.
type Course struct {
	Progress *lessons.Progress // nil: kept nowhere
	Play     []lessons.Lesson  // begin with these
	Auto     bool              // play them to their end, without a learner
	Check    bool              // say what does not hold in them, and end
}

// Machine is what can be asked of the real engines of a machine. What it finds
// it writes as text for people.
type Machine interface {
	Engines(ctx context.Context, w io.Writer) error // lists them
	Clean(ctx context.Context, w io.Writer) error   // removes what dead sessions left
	Bench(ctx context.Context, w io.Writer) error   // times the same work on each
	Verify(ctx context.Context, w io.Writer) error  // holds what is on disk against its digests
}

// Conversation is one with a learner, and what it remembers. It is safe for
// concurrent use; inputs are dealt with one by one.
type Conversation struct {
	Config
	doing   sync.Mutex // an input
	feed    feed
	host    sim.Host // where lessons of one's own are found, also while one is on
	running running

	timeline sim.Timeline
	history  []past   // the commands that were run, the last one at the end
	futures  []branch // what was left for commands that were typed in the past
	at       string   // the container in whose shell the last command was typed
	walked   bool     // the cursor was moved back, and nothing was run since
	booted   []sim.Step
	lesson   *lesson // that is on; nil: none
	missed   int     // steps of lessons that did not lead where they should
	lost     bool    // progress could not be kept, and it was said
	bugs     int
	over     atomic.Bool
	stirred  bool              // the last command has left something behind, or failed
	pointed  bool              // at the words for steps
	last     string            // the container of the last command that had one
	result   sim.Result        // of the last command
	shown    map[string]string // the layer that was last shown, by container
	told     map[string]World  // the world that was last told, by its side
	survey   *surveyor

	cmd        string // the line that is dealt with
	pending    string // what has been typed of a line
	unfinished bool   // pending goes on in the next line
	draft      *draft // the file that is being typed; nil: none
}

// powerOn stands in the timeline for what the machine does before any command.
const powerOn = "power on"

// New is a conversation of which nothing has been said yet.
func New(c Config) *Conversation {
	if c.Getenv == nil {
		c.Getenv = func(string) string { return "" }
	}
	if c.Course.Progress == nil {
		c.Course.Progress = &lessons.Progress{}
	}
	out := &Conversation{Config: c, host: c.Session.Host, booted: c.Session.Model.Steps(), shown: map[string]string{}, told: map[string]World{}}
	out.survey = newSurveyor(func(image string) ([]*fs.Tree, error) { return c.Session.Model.Layers(context.Background(), image) })
	out.timeline.Add(powerOn, out.booted, false)
	out.remember(powerOn)
	return out
}

// Listen has every event told to a screen from now on, until stop is called.
// The screen must not give the conversation an input while it is told one.
func (c *Conversation) Listen(screen func(Event)) (stop func()) { return c.feed.listen(screen) }

// Do deals with an input, and tells what comes of it. An error says that the
// conversation has ended, and could not clear up.
func (c *Conversation) Do(ctx context.Context, in Input) error {
	if _, ok := in.(Cancel); ok && c.running.cancel() {
		return nil
	}
	if in, ok := in.(Beside); ok {
		return in.do(ctx, c)
	}
	c.doing.Lock()
	defer c.doing.Unlock()
	if c.over.Load() {
		return nil
	}
	c.cmd = ""
	ctx, done := c.running.begin(ctx)
	defer done()
	err := in.do(ctx, c)
	if _, ok := in.(Cancel); ok {
		c.unfinished, c.draft = false, nil
	}
	switch _, asks := in.(Complete); {
	case c.over.Load():
		c.tell(Over{})
		return err
	case err != nil:
		c.fail(err)
		fallthrough
	case !asks:
		c.tell(c.prompt())
	}
	return nil
}

// Over says whether the conversation has ended.
func (c *Conversation) Over() bool { return c.over.Load() }

// Bugs is how many verdicts were bug so far.
func (c *Conversation) Bugs() int { return c.bugs }

// Missed is how many steps of lessons did not lead where they should.
func (c *Conversation) Missed() int { return c.missed }

func (c *Conversation) tell(b Body) { c.feed.tell(b) }

func (c *Conversation) say(p Phrase) { c.tell(Notice{Says, p}) }

func (c *Conversation) warn(p Phrase) { c.tell(Notice{Warns, p}) }

// refuse says why the last line could not be done.
func (c *Conversation) refuse(p Phrase) { c.tell(Error{c.cmd, p, 1}) }

// fail is refuse with an error's own words.
func (c *Conversation) fail(err error) { c.refuse(verbatim(err)) }

func (c *Conversation) prompt() Prompt {
	at := c.Session.Attached()
	p := Prompt{Shell: at.Shell, Container: at.Name, Ahead: c.timeline.Ahead()}
	if at.Shell != "" {
		p.Dir = c.Session.Model.Dir(at.Shell)
	}
	if c.asking() {
		p.Question = c.lesson.asked.Question
	}
	switch {
	case c.draft != nil:
		p.More = MoreFile
	case c.unfinished:
		p.More = MoreCommand
	}
	return p
}

func (Start) do(ctx context.Context, c *Conversation) error {
	c.tell(Opened{Version, c.Engine, c.Missing, c.Person && len(c.Play) == 0})
	if at, half := c.Course.Progress.HalfDone(); half && c.Person && len(c.Play) == 0 {
		c.offer(at)
	}
	if c.Check {
		c.over.Store(true)
		c.checkAll(ctx)
		return nil
	}
	err := c.playAll(ctx)
	if err != nil || c.Auto {
		c.over.Store(true)
		return errors.Join(err, c.endLesson(ctx))
	}
	return nil
}

// end leaves a shell that still waits, as the end of its input does. Of one
// that the model does not know it cannot tell that it has ended.
func (c *Conversation) end(ctx context.Context) error {
	c.over.Store(true)
	for at := c.Session.Attached(); at.Shell != ""; at = c.Session.Attached() {
		if err := c.show(c.Session.Hangup(ctx)); err != nil {
			return err
		}
		if c.Session.Attached() == at {
			c.Session.Detach()
		}
	}
	if c.lesson != nil && c.Person {
		c.say(placeKept)
	}
	return c.endLesson(ctx)
}
