package compare

import (
	"encoding/json"
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Comparison is what a session knows when it compares.
type Comparison struct {
	Cmd     sim.Cmd
	Pairs   *ImageMap           // of images that are the same, whatever their ids
	AsTyped func(string) string // a text of either world, with the ids that were typed
}

// Of is what two views differ in.
func (c Comparison) Of(model, real sim.View) []sim.Difference {
	var out []sim.Difference
	for _, f := range fields {
		if f.same != nil && f.same(model, real) {
			continue
		}
		m, r := f.of(model), f.of(real)
		if m == r || f.name == "images" && c.sameImages(model, real) {
			continue
		}
		d := sim.Difference{What: f.name, Model: m, Real: r}
		d.Class, d.Reason = c.judge(f, model, real)
		d.Quiet = d.Class == sim.Expected && slices.Contains(quiet, d.Reason.Key)
		out = append(out, d)
	}
	if why := c.Pairs.difference(model); !why.Empty() {
		out = append(out, sim.Difference{What: "images", Class: sim.Bug, Reason: sayNotTheSame(why)})
	}
	if c.Pairs.own(model) {
		out = append(out, sim.Difference{What: "images", Class: sim.Expected, Reason: sayEnginesOwn})
	}
	return out
}

// quiet are the reasons for differences of ids and clocks, which tell nothing
// of what a command has done.
var quiet = []string{sayOtherIDs.Key, sayClock.Key, sayLayerKept.Key, sayLayerPushed.Key, sayEnginesOwn.Key}

func asIs(text string) string { return text }

// Texts classes the difference of two texts, one of each world, which differ;
// engine is the real one's name.
func (c Comparison) Texts(engine, model, real string) (sim.Class, say.Phrase) {
	if c.AsTyped == nil {
		c.AsTyped = asIs
	}
	return c.judge(fields[1], sim.View{Stdout: model}, sim.View{Engine: engine, Stdout: real})
}

// sameImages says whether the worlds have the same images, whatever their ids.
func (c Comparison) sameImages(model, real sim.View) bool {
	return slices.Equal(sortedLines(imagesText(c.Pairs.RealImages(model.Images))), sortedLines(imagesText(real.Images)))
}

func imagesText(all []sim.ImageView) string {
	var b strings.Builder
	for _, img := range all {
		b.WriteString(asText(img) + "\n")
	}
	return b.String()
}

func sortedLines(text string) []string {
	return slices.Sorted(strings.Lines(text))
}

// field is one thing that both worlds show.
type field struct {
	name   string
	of     func(sim.View) string
	same   func(model, real sim.View) bool // without the texts, where these may be long; nil: by them
	pieces func(sim.View) []sim.Piece      // what the text consists of; nil: of itself
}

var fields = []field{
	{name: "exit", of: func(v sim.View) string { return asText(v.Exit) }},
	{name: "stdout", of: func(v sim.View) string { return v.Stdout }, pieces: func(v sim.View) []sim.Piece { return v.Out }},
	{name: "stderr", of: func(v sim.View) string { return v.Stderr }, pieces: func(v sim.View) []sim.Piece { return v.Err }},
	{name: "images", of: func(v sim.View) string { return asText(v.Images) }},
	{name: "containers", of: func(v sim.View) string { return asText(v.Containers) },
		same: func(m, r sim.View) bool { return slices.Equal(m.Containers, r.Containers) }},
	{name: "changes", of: func(v sim.View) string { return changesText(v.Changes) }},
	{name: "layer", of: func(v sim.View) string { return v.Layer }},
}

func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func changesText(all []fs.Change) string {
	var b strings.Builder
	for _, c := range all {
		b.WriteString(c.Kind.Letter() + " " + c.Path + "\n")
	}
	return b.String()
}

// judge classes a difference in this field.
func (c Comparison) judge(f field, model, real sim.View) (sim.Class, say.Phrase) {
	if !model.Unknown.Empty() {
		return sim.Limit, sim.CannotKnow(model.Unknown)
	}
	if why := real.Unseen.Or(model.Unseen); !why.Empty() && (f.name == "changes" || f.name == "layer") {
		return sim.Limit, why
	}
	if !real.Unknown.Empty() {
		return sim.Limit, sayCannotShow(real.Unknown)
	}
	left := c.unlike(f, model, real)
	if len(left) == 0 {
		return sim.Expected, sayOtherIDs
	}
	for _, d := range declared {
		if !d.applies(f.name, model, real) {
			continue
		}
		if d.excused(c.Cmd, model, real) {
			return d.Class, d.Reason
		}
		if left = slices.DeleteFunc(left, d.explains); len(left) == 0 {
			return d.Class, d.Reason
		}
	}
	return sim.Bug, sayShouldAgree
}

// pair is a piece of what the model shows, with the real world's ids, and the
// piece of the real world that stands in its place.
type pair struct{ model, real sim.Piece }

// unlike are the pieces in which a field differs, not counting ids. Where the
// worlds do not show piece by piece the same things, it is one: the text.
func (c Comparison) unlike(f field, model, real sim.View) (out []*pair) {
	for _, p := range f.pairs(model, real) {
		p.model.Text, p.model.Rest = c.AsTyped(c.Pairs.Real(p.model.Text)), c.AsTyped(c.Pairs.Real(p.model.Rest))
		p.real.Text, p.real.Rest = c.AsTyped(p.real.Text), c.AsTyped(p.real.Rest)
		if p.model.Text != p.real.Text {
			out = append(out, p)
		}
	}
	return out
}

func (f field) pairs(model, real sim.View) (out []*pair) {
	if f.pieces != nil && slices.EqualFunc(f.pieces(model), f.pieces(real), func(m, r sim.Piece) bool { return m.Kind == r.Kind }) {
		for i, m := range f.pieces(model) {
			if r := f.pieces(real)[i]; m.Text != r.Text {
				out = append(out, &pair{m, r})
			}
		}
	}
	if len(out) == 0 {
		return []*pair{{sim.Piece{Kind: sim.Words, Text: f.of(model)}, sim.Piece{Kind: sim.Words, Text: f.of(real)}}}
	}
	return out
}
