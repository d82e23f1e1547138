package play

import (
	"context"
	"path"
	"reflect"
	"slices"

	"twinlayer/sim"
)

// Moment is a world at one moment: the model's right after a step, or the
// present of either side.
type Moment struct {
	Side string `json:"side"` // "model", or the real engine's name
	*StepAt
	Number int    `json:"number,omitempty"` // the step's place in the timeline, from 1
	Layer  string `json:"layer,omitempty"`  // that has the step's path right after it
	From   string `json:"from,omitempty"`   // the layer below that it was copied up from, or hides
	Bytes  int64  `json:"bytes,omitempty"`  // of the file
	Ahead  int    `json:"ahead"`            // so many steps are in front of it
	Then   *Then  `json:"then,omitempty"`   // the first of them
	Real   bool   `json:"real"`             // there is a real world, which cannot go back
	World  World  `json:"-"`                // whole
	Delta  Delta  `json:"world"`
}

// Then is what a step will do.
type Then struct {
	Op   string `json:"op"`
	Path string `json:"path"`
}

// Delta is how a world differs from the one that was told before of its side:
// what is new or changed of each kind, by its id or path, and what is gone. The
// world that nothing was told before is empty.
type Delta struct {
	Whole      bool                `json:"whole"` // it is from an empty world on
	Focus      string              `json:"focus"`
	Images     []Image             `json:"images,omitempty"`
	Containers []Container         `json:"containers,omitempty"`
	Layers     []Layer             `json:"layers,omitempty"` // with the entries that are new or changed
	PageCache  []Cached            `json:"page_cache,omitempty"`
	Machine    *Hosted             `json:"machine,omitempty"` // where it is another
	Gone       map[string][]string `json:"gone,omitempty"`    // "images", "containers", "layers", "page_cache": ids; and by a layer's id: paths of entries
}

// moment tells a step of the model's with the world after it.
func (c *Conversation) moment(m sim.Moment, focus ...string) Moment {
	at := stepAt(m)
	focus = append(focus, m.Path)
	if then, ok := c.timeline.Peek(); ok {
		focus = append(focus, then.Path)
	}
	out := Moment{Side: c.Session.Model.Name(), StepAt: &at, Number: c.timeline.At(), World: c.survey.of(m.After.World(), focus, false)}
	for _, layer := range slices.Backward(out.World.Stack(out.World.Focus)) {
		i := slices.IndexFunc(layer.Entries, func(e Entry) bool { return e.Path == m.Path })
		if i < 0 {
			continue
		}
		e := layer.Entries[i]
		out.Layer, out.From, out.Bytes = layer.ID, e.From, e.Size
		if out.From == "" && len(e.Hides) > 0 {
			out.From = e.Hides[0]
		}
		break
	}
	return c.sent(out)
}

// sent completes a moment, and takes note of its world.
func (c *Conversation) sent(m Moment) Moment {
	before, told := c.told[m.Side]
	m.Ahead, m.Real = c.timeline.Ahead(), c.Session.Real != nil
	if then, ok := c.timeline.Peek(); ok {
		m.Then = &Then{then.Op, then.Path}
	}
	m.Delta = m.World.since(before)
	m.Delta.Whole = !told
	c.told[m.Side] = m.World
	return m
}

func (l Look) do(ctx context.Context, c *Conversation) error {
	for _, e := range c.Session.Engines() {
		world, err := c.present(ctx, e)
		if err != nil {
			return err
		}
		world.Focus = c.Session.Model.State().World().Focus
		delete(c.told, e.Name())
		c.tell(c.sent(Moment{Side: e.Name(), World: c.survey.of(world, l.Paths, true)}))
	}
	return nil
}

func look(c *Conversation, ctx context.Context, args []string) error {
	for i, name := range args {
		args[i] = path.Clean("/" + name)
	}
	return Look{args}.do(ctx, c)
}

func (c *Conversation) present(ctx context.Context, e sim.Engine) (sim.World, error) {
	if e == sim.Engine(c.Session.Model) {
		return c.Session.Model.State().World(), nil
	}
	return sim.Observe(ctx, e)
}

// since is how w differs from a world before it.
func (w World) since(old World) Delta {
	d := Delta{Focus: w.Focus, Gone: map[string][]string{}}
	if !reflect.DeepEqual(old.Machine, w.Machine) {
		d.Machine = &w.Machine
	}
	var gone []string
	d.Images, gone = changed(old.Images, w.Images, func(i Image) string { return i.ID })
	d.miss("images", gone)
	d.Containers, gone = changed(old.Containers, w.Containers, func(c Container) string { return c.ID })
	d.miss("containers", gone)
	d.Layers, gone = changed(old.Layers, w.Layers, func(l Layer) string { return l.ID })
	d.miss("layers", gone)
	d.PageCache, gone = changed(old.PageCache, w.PageCache, func(f Cached) string { return f.ID })
	d.miss("page_cache", gone)
	for i, layer := range d.Layers {
		k := slices.IndexFunc(old.Layers, func(l Layer) bool { return l.ID == layer.ID })
		if k >= 0 {
			d.Layers[i].Entries, gone = changed(old.Layers[k].Entries, layer.Entries, func(e Entry) string { return e.Path })
			d.miss(layer.ID, gone)
		}
	}
	return d
}

func (d *Delta) miss(what string, ids []string) {
	if len(ids) > 0 {
		d.Gone[what] = ids
	}
}

// changed are those that are new or another, by their id, and the ids of those
// that are gone.
func changed[T any](old, now []T, id func(T) string) (news []T, gone []string) {
	before := map[string]T{}
	for _, o := range old {
		before[id(o)] = o
	}
	news = []T{}
	for _, n := range now {
		if o, there := before[id(n)]; !there || !reflect.DeepEqual(o, n) {
			news = append(news, n)
		}
		delete(before, id(n))
	}
	for _, o := range old {
		if _, left := before[id(o)]; left {
			gone = append(gone, id(o))
		}
	}
	return news, gone
}
