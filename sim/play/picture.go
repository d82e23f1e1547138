package play

import (
	"context"
	"path"
	"slices"
	"strings"

	"twinlayer/sim"
)

// PictureKind is what a picture shows; package scene tells more of each.
type PictureKind string

// The kinds of pictures.
const (
	PictureUnion PictureKind = "union" // layers, and what is seen of them
	PictureTower PictureKind = "tower" // a build that grows
	PictureTree  PictureKind = "tree"  // what images share
	PictureHost  PictureKind = "host"  // one kernel, and containers on it
	PictureBoot  PictureKind = "boot"  // a machine that comes up
	PictureBytes PictureKind = "bytes" // what all of it takes on disk and in memory
	PictureSides PictureKind = "sides" // two worlds, or two images
)

var pictureKinds = []PictureKind{PictureUnion, PictureTower, PictureTree, PictureHost, PictureBoot, PictureBytes, PictureSides}

// Picture asks the screen for a picture, and has all that it is made of.
type Picture struct {
	Kind    PictureKind `json:"kind"`
	Of      []string    `json:"of"`      // the ids of what it is of; none: of what changed last
	Paths   []string    `json:"paths"`   // that are looked at
	Steps   []StepAt    `json:"steps"`   // of the command that the moment is of, or of the last one
	Moments []Moment    `json:"moments"` // the model's; of two sides the real engine's too
}

// picture is the word: its kind, where that is named, and what it is of.
func picture(c *Conversation, ctx context.Context, args []string) error {
	p := Picture{Kind: PictureUnion, Of: []string{}, Paths: []string{}}
	if len(args) > 0 && slices.Contains(pictureKinds, PictureKind(args[0])) {
		p.Kind, args = PictureKind(args[0]), args[1:]
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "/") {
			p.Paths = append(p.Paths, path.Clean(arg))
			continue
		}
		id, ok := c.named(ctx, arg)
		if !ok {
			c.refuse(noSuchPicture(arg, kindNames()))
			return nil
		}
		p.Of = append(p.Of, id)
	}
	return c.paint(ctx, p)
}

func kindNames() string {
	var names []string
	for _, k := range pictureKinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// named is the id of the container or the image of the model's that a name
// stands for.
func (c *Conversation) named(ctx context.Context, name string) (string, bool) {
	if k, err := c.Session.Model.State().Container(name); err == nil {
		return k.ID, true
	}
	img, err := c.Session.Model.Image(ctx, name)
	return img.ID.String(), err == nil
}

// paint tells a picture with the moments that it is made of.
func (c *Conversation) paint(ctx context.Context, p Picture) error {
	if at := c.Session.Attached().Container; len(p.Of) == 0 && at != "" && (p.Kind == PictureUnion || p.Kind == PictureSides) {
		p.Of = []string{at}
	}
	now, ok := c.timeline.Now()
	switch {
	case p.Kind == PictureSides && len(p.Of) < 2:
		return c.paintSides(ctx, p)
	case ok && c.timeline.Ahead() > 0:
		p.Steps = stepsAt(c.timeline.Command())
		delete(c.told, c.Session.Model.Name())
		p.Moments = []Moment{c.moment(now, p.Paths...)}
	default:
		p.Steps = stepsAt(c.timeline.Last())
		p.Moments = []Moment{c.afresh(c.Session.Model, c.Session.Model.State().World(), p.Paths)}
	}
	c.tell(p)
	return nil
}

// paintSides tells the present of each world.
func (c *Conversation) paintSides(ctx context.Context, p Picture) error {
	if c.Session.Real == nil {
		c.refuse(oneSide)
		return nil
	}
	for _, e := range c.Session.Engines() {
		world, err := c.present(ctx, e)
		if err != nil {
			return err
		}
		world.Focus = c.Session.Model.State().World().Focus
		p.Moments = append(p.Moments, c.afresh(e, world, p.Paths))
	}
	p.Steps = []StepAt{}
	c.tell(p)
	return nil
}

// afresh is the present of a world, told from an empty one on. Where nothing is
// looked at it has the directories at the root.
func (c *Conversation) afresh(e sim.Engine, w sim.World, focus []string) Moment {
	if len(focus) == 0 {
		focus = []string{"/"}
	}
	delete(c.told, e.Name())
	return c.sent(Moment{Side: e.Name(), World: c.survey.of(w, focus, false)})
}
