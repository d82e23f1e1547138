package play

import (
	"cmp"
	"context"
	"strconv"

	"twinlayer/sim"
)

// next goes to a next step of the model's or, at the present, on in the lesson.
func (c *Conversation) next(ctx context.Context, by int) error {
	m, ok := c.timeline.Forward()
	for more := true; by > 1 && more; by-- {
		var further sim.Moment
		if further, more = c.timeline.Forward(); more {
			m = further
		}
	}
	switch {
	case ok:
		c.tell(c.moment(m))
	case c.lesson != nil:
		return c.goOn(ctx)
	default:
		c.say(atPresent)
	}
	return nil
}

func (n Next) do(ctx context.Context, c *Conversation) error { return c.next(ctx, n.By) }

func (b Back) do(_ context.Context, c *Conversation) error {
	m, ok := c.timeline.Back()
	for more := true; b.By > 1 && more; b.By-- {
		var further sim.Moment
		if further, more = c.timeline.Back(); more {
			m = further
		}
	}
	c.walked = true
	switch {
	case ok:
		c.tell(c.moment(m))
	case c.timeline.Cut():
		c.say(farthestBack)
	default:
		c.say(atBeginning)
	}
	return nil
}

func (n GoTo) do(_ context.Context, c *Conversation) error {
	m, ok := c.timeline.GoTo(int(n))
	if !ok {
		c.refuse(noSuchStep(int(n), c.timeline.Len()))
		return nil
	}
	c.walked = true
	c.tell(c.moment(m))
	return nil
}

func goTo(c *Conversation, ctx context.Context, args []string) error {
	n, err := strconv.Atoi(cmp.Or(args...))
	if err != nil {
		n = 0
	}
	return GoTo(n).do(ctx, c)
}

func (ToEnd) do(_ context.Context, c *Conversation) error {
	c.timeline.End()
	c.say(thePresent)
	return nil
}

func steps(c *Conversation, _ context.Context, args []string) error {
	if len(args) == 1 && (args[0] == "on" || args[0] == "off") {
		c.Step = args[0] == "on"
		c.say(map[bool]Phrase{true: stepsHeld, false: stepsNotHeld}[c.Step])
		return nil
	}
	c.tell(Steps{stepsAt(c.timeline.Last())})
	return nil
}

func stepsAt(all []sim.Moment) []StepAt {
	out := make([]StepAt, 0, len(all))
	for _, m := range all {
		out = append(out, stepAt(m))
	}
	return out
}

func stepAt(m sim.Moment) StepAt { return StepAt{m.Cmd, m.Index, m.Of, m.Op, m.Path, m.Why} }

func boot(c *Conversation, _ context.Context, _ []string) error {
	all := make([]StepAt, 0, len(c.booted))
	for i, s := range c.booted {
		all = append(all, stepAt(sim.Moment{Step: s, Cmd: powerOn, Index: i + 1, Of: len(c.booted)}))
	}
	c.tell(Steps{all})
	return nil
}
