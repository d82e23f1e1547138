// Package brush draws scenes in text: as a grid of boxes or, plain, as lines
// that can be read aloud one after another. No line is wider than the room that
// there is, and nothing is told by colour alone.
package brush

import (
	"path"
	"slices"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
	"twinlayer/sim/scene"
)

// Brush is how scenes are drawn.
type Brush struct {
	Columns, Rows int    // the room for a picture
	Plain         bool   // lines instead of boxes
	Lang          string // of whoever looks
}

// Line is a line of a picture.
type Line = []ink.Span

// Draw is a scene in lines.
func (b Brush) Draw(s scene.Scene) []Line {
	switch {
	case len(s.Rows) == 0:
		return nil
	case b.Plain:
		return b.list(s)
	}
	return b.grid(s)
}

func (b Brush) in(p say.Phrase) string { return ink.Visible(say.In(b.Lang, p)) }

// What the brush itself says.
var (
	thisStep  = say.P0("brush.this-step")
	nextStep  = say.P0("brush.next-step")
	folded    = say.P1("brush.folded")
	moreOf    = say.P1("brush.more")
	headOf    = say.P1("brush.head")
	headNote  = say.P2("brush.head-note")
	itemOf    = say.P2("brush.item")
	semicolon = say.P0("brush.semicolon")
	comma     = say.P0("brush.comma")
	goesTo    = say.P4("brush.goes-to")
)

// glyphs are what marks are drawn as, the most telling first.
var glyphs = []struct {
	mark  scene.Mark
	glyph string
	color *color.Color
}{
	{scene.Differs, "!", color.New(color.FgRed, color.Bold)},
	{scene.Whiteout, "-", color.New(color.FgRed)},
	{scene.Gone, " ", color.New(color.FgRed)},
	{scene.Opaque, "=", color.New(color.FgMagenta)},
	{scene.Hidden, " ", color.New(color.Faint, color.CrossedOut)},
	{scene.Copied, "~", color.New(color.FgYellow)},
	{scene.Changed, "~", color.New(color.FgYellow)},
	{scene.New, "+", color.New(color.FgGreen)},
	{scene.Cached, "=", color.New(color.FgBlue)},
}

// glyph is what the marks of a cell look like.
func glyph(c scene.Cell) (string, *color.Color) {
	for _, g := range glyphs {
		if c.Has(g.mark) {
			return g.glyph, g.color
		}
	}
	return " ", nil
}

var (
	faint = color.New(color.Faint)
	bold  = color.New(color.Bold)
	good  = color.New(color.FgGreen)
)

// chosen are the n columns that matter most, in their order.
func chosen(s scene.Scene, n int) (out []scene.Column) {
	for _, c := range s.Columns {
		if c.Rank < n {
			out = append(out, c)
		}
	}
	return out
}

// shown says whether a row has a cell in one of the columns.
func shown(r scene.Row, columns []scene.Column) bool {
	return slices.ContainsFunc(columns, func(c scene.Column) bool {
		_, has := r.At(c.ID)
		return has
	})
}

func width(text string) int { return runewidth.StringWidth(text) }

// fit is a text in so many columns of the screen: of a path that is too long
// its end, of any other text its beginning.
func fit(text string, room int) string {
	over := width(text) - room
	switch {
	case room <= 0:
		return ""
	case over <= 0:
		return text
	case text[0] == '/' && width("…/"+path.Base(text)) <= room:
		return "…/" + path.Base(text)
	case text[0] == '/' && room > 2:
		return runewidth.TruncateLeft(text, over+1, "…")
	}
	return runewidth.Truncate(text, room, "…")
}

// pad is a text that fills its room.
func pad(text string, room int) string { return runewidth.FillRight(fit(text, room), max(0, room)) }
