package play

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"twinlayer/sim"
	"twinlayer/sim/session"
)

// Timeline lists the commands of the session, and where one is in it.
type Timeline struct {
	Commands []CommandAt `json:"commands"`
	At       int         `json:"at"` // the number of the step that one is at
	Of       int         `json:"of"` // so many steps one can go to
}

// CommandAt is a command with its steps, by their numbers.
type CommandAt struct {
	Cmd   string `json:"cmd"`
	First int    `json:"first,omitempty"` // 0: it took no step, or they are not kept
	Last  int    `json:"last,omitempty"`
	Here  bool   `json:"here"` // one is in it
}

// past is a command that was run, and the session right after it.
type past struct {
	cmd   string
	at    string // the container in whose shell it was typed; "": it was docker's
	taken int    // so many steps there were then
	after session.Point
}

// future is what was left when a command was typed in the past.
type future struct {
	history  []past
	timeline sim.Timeline
	after    session.Point
}

// pastKept is how many commands one can go back behind.
const pastKept = 1000

// remember notes a command that has been run.
func (c *Conversation) remember(cmd string) {
	c.history = append(slices.Clip(c.history), past{cmd, c.at, c.timeline.Taken(), c.Session.Point()})
	if len(c.history) > 2*pastKept {
		cut := len(c.history) - pastKept
		c.history = slices.Clone(c.history[cut:])
		c.futures = slices.DeleteFunc(c.futures, func(f branch) bool { return f.at <= cut })
		for i := range c.futures {
			c.futures[i].at -= cut
		}
	}
}

// branch is where a command was typed in the past: behind so many commands.
type branch struct {
	at   int
	left future
}

// here is the place in the history of the command that one is in.
func (c *Conversation) here() int {
	shown := c.timeline.Shown()
	i := slices.IndexFunc(c.history, func(p past) bool { return p.taken >= shown })
	if i < 0 || c.timeline.Ahead() == 0 {
		return len(c.history) - 1
	}
	return i
}

func (c *Conversation) listTimeline() Timeline {
	out := Timeline{Commands: []CommandAt{}, At: c.timeline.At(), Of: c.timeline.Len()}
	before := 0
	for i, p := range c.history {
		at := CommandAt{Cmd: p.cmd, Here: i == c.here()}
		if i > 0 {
			before = c.history[i-1].taken
		}
		if first, last, ok := c.timeline.Steps(before, p.taken); ok {
			at.First, at.Last = first, last
		}
		out.Commands = append(out.Commands, at)
	}
	return out
}

func timeline(c *Conversation, _ context.Context, _ []string) error {
	c.tell(c.listTimeline())
	return nil
}

// logged are the commands of the session as one would type them to docker
// alone; what was typed in a container's shell stands below, as comments.
func (c *Conversation) logged() string {
	var b strings.Builder
	for _, p := range c.history[1:] {
		docker := p.cmd == "docker" || strings.HasPrefix(p.cmd, "docker ")
		switch {
		case p.at != "":
			b.WriteString("# " + p.at + ": ")
		case !docker:
			b.WriteString("docker ")
		}
		b.WriteString(strings.ReplaceAll(p.cmd, "\n", "\n# ") + "\n")
	}
	return b.String()
}

func logWord(c *Conversation, _ context.Context, _ []string) error {
	c.tell(Printed{c.logged()})
	return nil
}

// branch takes both worlds to where the picture is, where somebody who has
// gone back types a command. A command is left only whole.
func (c *Conversation) branch(ctx context.Context) error {
	here := c.here()
	if !c.walked || here == len(c.history)-1 {
		return nil
	}
	left := future{c.history, c.timeline, c.Session.Point()}
	to := c.history[here]
	if err := c.goBack(ctx, to.after); err != nil {
		return err
	}
	c.history, c.timeline = c.history[:here+1:here+1], c.timeline.Until(to.taken)
	c.futures = append(c.futures, branch{len(c.history), left})
	c.say(branches(to.cmd, len(left.history)-len(c.history)))
	return nil
}

// goBack takes both worlds to a point.
func (c *Conversation) goBack(ctx context.Context, to session.Point) error {
	done, err := c.Session.GoBack(ctx, to)
	for _, line := range done.Passed {
		c.warn(passedOver(line))
	}
	c.walked = false
	clear(c.shown)
	return err
}

// undo takes back the last command or, where nothing was typed since, what was
// typed in the past.
func undo(c *Conversation, ctx context.Context, _ []string) error {
	n := len(c.history)
	if last := len(c.futures) - 1; last >= 0 && c.futures[last].at == n {
		left := c.futures[last].left
		if err := c.goBack(ctx, left.after); err != nil {
			return err
		}
		c.futures, c.history, c.timeline = c.futures[:last], left.history, left.timeline
		c.timeline.End()
		c.say(backAgain(len(left.history) - n))
		return nil
	}
	if n < 2 {
		c.refuse(nothingToUndo)
		return nil
	}
	to := c.history[n-2]
	if err := c.goBack(ctx, to.after); err != nil {
		return err
	}
	gone := c.history[n-1].cmd
	c.history, c.timeline = c.history[:n-1:n-1], c.timeline.Until(to.taken)
	c.say(undone(gone))
	return nil
}

// Speed plays the model's steps by themselves, so many in a second; from where
// one is or, at the present, those of the last command. Cancel stops it.
type Speed float64

func (s Speed) do(ctx context.Context, c *Conversation) error {
	if c.timeline.Ahead() == 0 {
		c.timeline.Rewind()
	}
	for {
		m, ok := c.timeline.Forward()
		if !ok {
			return nil
		}
		c.tell(c.moment(m))
		if c.timeline.Ahead() == 0 || !c.pause(ctx, time.Duration(float64(time.Second)/float64(s))) {
			return nil
		}
	}
}

// pause waits, and says whether it has waited to the end.
func (c *Conversation) pause(ctx context.Context, d time.Duration) bool {
	if c.Pause == nil {
		return ctx.Err() == nil
	}
	return c.Pause(ctx, d) == nil
}

// The speeds that one can ask for, in steps a second.
const (
	slowest, usual, fastest = 0.1, 1, 100
)

func playSteps(c *Conversation, ctx context.Context, args []string) error {
	speed := float64(usual)
	if len(args) > 0 {
		var err error
		if speed, err = strconv.ParseFloat(args[0], 64); err != nil || speed < slowest || speed > fastest {
			c.refuse(playNeeds)
			return nil
		}
	}
	return Speed(speed).do(ctx, c)
}

// steppedBy is how many steps a word asks for.
func steppedBy(c *Conversation, args []string) (n int, ok bool) {
	if len(args) == 0 {
		return 1, true
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || len(args) > 1 {
		c.refuse(countNeeded)
		return 0, false
	}
	return n, true
}

func back(c *Conversation, ctx context.Context, args []string) error {
	if n, ok := steppedBy(c, args); ok {
		return Back{n}.do(ctx, c)
	}
	return nil
}

func forward(c *Conversation, ctx context.Context, args []string) error {
	if n, ok := steppedBy(c, args); ok {
		return Next{n}.do(ctx, c)
	}
	return nil
}
