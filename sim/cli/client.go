package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Client is the docker command over an engine.
type Client struct {
	Engine sim.Engine
	Host   sim.Host // nil: the machine's files cannot be reached
}

// Do runs a command and returns what can be seen afterwards. An error means
// that the engine is lost; whatever else went wrong is in the View.
func (w Client) Do(ctx context.Context, cmd sim.Cmd) (sim.View, error) {
	c := &invocation{Context: ctx, Cmd: cmd, engine: w.Engine, host: w.Host}
	c.at(cmd.Now)
	if c.host == nil {
		c.host = sim.NoHost{}
	}
	err := c.settle(c.dispatch())
	if err != nil && errors.Is(err, ctx.Err()) {
		c.view.Exit, c.view.GivenUp, err = exitInterrupted, true, nil // of which docker says nothing
	}
	if err != nil {
		return sim.View{}, err
	}
	c.Context = context.WithoutCancel(ctx) // what was given up can still be looked at
	if ctx.Err() == nil {
		c.looking = ctx
	}
	err = c.observe()
	return c.view, err
}

// Look brings what a view tells of the world up to date; what was printed
// stays.
func (w Client) Look(ctx context.Context, v *sim.View) error {
	c := &invocation{Context: ctx, engine: w.Engine, view: *v, looking: ctx}
	err := c.observe()
	if err == nil {
		*v = c.view
	}
	return err
}

// invocation is one command on its way through an engine.
type invocation struct {
	context.Context
	sim.Cmd
	engine sim.Engine
	host   sim.Host
	view   sim.View

	looking context.Context // ends the look into a container; nil: see lookMost
}

// lookMost is how long a look into a container may take that nobody can
// interrupt, since it comes after an interruption.
const lookMost = 10 * time.Second

// at tells an engine that has no clock what time it is.
func (c *invocation) at(now time.Time) {
	if timed, ok := c.engine.(interface{ At(time.Time) }); ok {
		timed.At(now)
	}
}

func (c *invocation) dispatch() error {
	switch c.Verb {
	case sim.VerbLine:
		return c.line()
	case sim.VerbHangup:
		return c.hangup()
	case sim.VerbRefused:
		return c.Refused
	case "help":
		c.view.Print("%s", Help(strings.Join(c.Args, " ")))
		return nil
	}
	v, ok := verb(c.Verb)
	if !ok {
		return sim.Refuse("docker: unknown command: docker %s\n\nRun 'docker --help' for more information", c.Verb).About(sim.UnknownCommand, c.Verb)
	}
	return v.run(c)
}

// settle turns what went wrong into what docker prints of it.
func (c *invocation) settle(err error) error {
	if err == nil || c.ends(err) {
		return err
	}
	var unknown *sim.Unknown
	if errors.As(err, &unknown) {
		c.view.Unknown, c.view.Exit = unknown.Why, 125
		return nil
	}
	refusal := sim.Refuse("%v", err)
	errors.As(err, &refusal)
	c.view.Exit = max(refusal.Exit, 1)
	c.view.Refused, c.view.Refusal = refusal.Text+"\n", refusal
	c.view.Complain(sim.Piece{Kind: sim.Words, Text: c.view.Refused})
	return nil
}

// ends says whether an error is that of an engine that is gone, or of this
// command's being given up.
func (c *invocation) ends(err error) bool {
	return errors.As(err, new(*sim.Lost)) || c.Err() != nil && errors.Is(err, c.Err())
}

// each runs do for every argument; what is refused is printed and the rest
// goes on, as docker does.
func (c *invocation) each(do func(arg string) error) error {
	for _, arg := range c.Args {
		if err := c.settle(sim.FromDaemon(do(arg))); err != nil {
			return err
		}
	}
	return nil
}

// observe adds to the view how the world looks now, as far as its engine can
// show it.
func (c *invocation) observe() error {
	err := c.lookAround()
	if err == nil || c.ends(err) {
		return err
	}
	why := say.Verbatim(err.Error())
	if u := new(sim.Unknown); errors.As(err, &u) {
		why = u.Why
	}
	c.view.Unknown = c.view.Unknown.Or(why)
	return nil
}

func (c *invocation) lookAround() error {
	c.view.Images, c.view.Containers, c.view.Changes = []sim.ImageView{}, []sim.ContainerView{}, []fs.Change{}
	images, err := c.engine.Images(c)
	if err != nil {
		return err
	}
	c.view.Inventory = images
	for _, img := range images {
		c.view.Images = append(c.view.Images, sim.ImageViews(img)...)
	}
	containers, err := c.engine.Overview(c)
	if err != nil {
		return err
	}
	c.view.Containers = containers
	return c.observeContainer()
}

// observeContainer adds the changes and the layer of the container acted on,
// if it is still there; it may go by itself meanwhile (--rm).
func (c *invocation) observeContainer() error {
	ctx, stop := c.looking, context.CancelFunc(func() {})
	if ctx == nil {
		ctx, stop = context.WithTimeout(c, lookMost)
	}
	defer stop()
	err := c.lookInto(ctx)
	var refusal *sim.Refusal
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		c.view.Unseen = sayLookInterrupted
	case !errors.As(err, &refusal):
		return err
	case !sim.IsRefusal(refusal, sim.MissingContainer):
		c.view.Unseen = say.Verbatim(refusal.Text)
	}
	c.view.Changes, c.view.Layer, c.view.Tree = []fs.Change{}, "", nil
	return nil
}

func (c *invocation) lookInto(ctx context.Context) error {
	k, err := c.engine.Container(c, c.view.Container)
	if err != nil {
		return err
	}
	changes, err := c.engine.Changes(ctx, k.ID)
	if err != nil {
		return err
	}
	c.view.Changes = append(c.view.Changes, changes...)
	layer, err := c.engine.Layer(ctx, k.ID)
	if err != nil {
		return err
	}
	digest, err := layer.DigestWithin(ctx)
	c.view.Tree = layer
	c.view.Layer = digest.String()
	return err
}
