package play

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/report"
	"twinlayer/sim/say"
)

func layers(c *Conversation, ctx context.Context, args []string) error {
	key := c.Session.Attached().Container
	if len(args) > 0 {
		key = args[0]
	}
	if key == "" {
		c.refuse(layersNeeds)
		return nil
	}
	state := c.Session.Model.State()
	k, err := state.Container(key)
	if err != nil {
		return c.report(ctx, "layers", report.Layers(key))
	}
	c.tell(Report{Word: "layers", Layers: c.survey.of(state.World(), nil, false).Stack(k.ID)})
	return nil
}

// output tells again what the last command has printed.
func output(c *Conversation, _ context.Context, _ []string) error {
	if c.result.Cmd == "" {
		c.refuse(noOutput)
		return nil
	}
	out := Output{Cmd: c.result.Cmd, Model: strings.Join(c.result.Model.Printed(), "")}
	if c.result.Real != nil {
		out.Real = strings.Join(c.result.Real.Printed(), "")
	}
	if out.Real == out.Model {
		out.Real = ""
	}
	c.tell(out)
	return nil
}

// differs tells in what the worlds differ after the last command.
func differs(c *Conversation) {
	c.tell(Differs{c.result.Cmd, append([]sim.Difference{}, c.result.Differences...)})
	if len(c.result.Differences) == 0 {
		c.say(nothingDiffers)
	}
}

func why(c *Conversation, ctx context.Context, args []string) error {
	if slices.Equal(args, []string{"differs"}) {
		differs(c)
		return nil
	}
	if at := c.Session.Attached(); len(args) == 1 && at.Container != "" {
		args = []string{at.Container, args[0]}
	}
	if len(args) != 2 {
		c.refuse(whyNeeds)
		return nil
	}
	return c.report(ctx, "why", report.Why(args[0], args[1]))
}

func audit(c *Conversation, ctx context.Context, args []string) error {
	if len(args) != 1 {
		c.refuse(auditNeeds)
		return nil
	}
	return c.report(ctx, "audit", report.Audit(args[0]))
}

func diffImages(c *Conversation, ctx context.Context, args []string) error {
	if len(args) != 2 {
		c.refuse(diffNeeds)
		return nil
	}
	return c.report(ctx, "diff", report.Diff(args[0], args[1]))
}

// report tells what both worlds report.
func (c *Conversation) report(ctx context.Context, word string, query report.Query) error {
	told, err := c.Session.Report(ctx, query)
	_, refused := errors.AsType[*sim.Refusal](err)
	_, own := errors.AsType[*say.Error](err)
	if refused || own {
		c.fail(err)
		return nil
	}
	if err != nil {
		return err
	}
	c.tell(Report{Word: word, Rows: told.Rows, Real: told.Real, Agree: told.Agree, Class: told.Class, Reason: told.Reason})
	return nil
}

// evidence tells what each world can show of a container: the one named, or
// that of the last command.
func evidence(c *Conversation, ctx context.Context, args []string) error {
	key := cmp.Or(append(args, c.Session.Attached().Container, c.last)...)
	if key == "" {
		c.refuse(evidenceNeeds)
		return nil
	}
	for _, e := range c.Session.Engines() {
		list, err := e.Evidence(ctx, key)
		if err != nil {
			c.refuse(ofWorld(e.Name(), err.Error()))
			continue
		}
		c.tell(Report{Word: "evidence", World: e.Name(), Seen: list})
	}
	return nil
}

// machine is the word that asks something of the machine's engines.
func machine(ask func(Machine, context.Context, io.Writer) error) func(*Conversation, context.Context, []string) error {
	return func(c *Conversation, ctx context.Context, _ []string) error {
		if c.Machine == nil {
			c.refuse(noMachine)
			return nil
		}
		var b strings.Builder
		err := ask(c.Machine, ctx, &b)
		c.tell(Printed{b.String()})
		return err
	}
}

// reconnect catches up with the model in a fresh real world.
func reconnect(c *Conversation, ctx context.Context, _ []string) error {
	done, err := c.Session.Reconnect(ctx)
	for _, line := range done.Passed {
		c.warn(passedOver(line))
	}
	if err != nil {
		return err
	}
	c.tell(Reconnected{done})
	return nil
}
