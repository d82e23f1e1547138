package repl

import (
	"fmt"

	"github.com/mattn/go-runewidth"

	"twinlayer/sim/play"
	"twinlayer/sim/repl/brush"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/scene"
)

// stage is where pictures are drawn. One that follows another, with nothing but
// a prompt between them, is drawn in its place.
type stage struct {
	drawn [][]ink.Span // the picture that stands right above the prompt; nil: none does
	typed int          // the width of the prompt, and of what was typed at it
}

// hears says what an event is to the stage: what is drawn below a picture makes
// it one of the past.
func (s *stage) hears(b play.Body) {
	switch b := b.(type) {
	case play.Moment, play.Picture, play.Prompt:
	case play.Command:
		if b.At != play.AtSelf || b.Lesson {
			s.drawn = nil
		}
	default:
		s.drawn = nil
	}
}

// screen is the room on the terminal now; where there is none it is as wide as
// was asked for, and as high as a terminal mostly is.
func (r *REPL) screen() (columns, rows int) {
	if r.Size == nil || !r.Live {
		return r.Width, 24
	}
	columns, rows = r.Size()
	return max(columns, 40), max(rows, 10)
}

// present draws the lines of a picture.
func (r *REPL) present(lines [][]ink.Span) {
	if r.pages != nil {
		r.pages.read() // a picture is one screen
	}
	up := 0
	if r.Live && r.stage.drawn != nil {
		columns, _ := r.screen()
		up = 1 + max(0, r.stage.typed-1)/columns
		for _, l := range r.stage.drawn {
			up += 1 + max(0, spanWidth(l)-1)/columns
		}
	}
	r.draw.pen.Redraw(up, lines)
	r.stage.drawn = lines
}

func spanWidth(l []ink.Span) (n int) {
	for _, s := range l {
		n += runewidth.StringWidth(ink.Visible(s.Text))
	}
	return n
}

// moment is a step with what it is about, as one screen.
func (p painter) moment(m play.Moment) [][]ink.Span {
	if m.StepAt == nil {
		return p.pictured([][]ink.Span{{{Color: p.bold, Text: p.worldName(m.Side)}}}, scene.OfMoment(m), nil)
	}
	head := [][]ink.Span{{{Color: p.faint, Text: fmt.Sprintf("%2d/%d ", m.Index, m.Of)}, {Color: p.bold, Text: m.Op + " "}, ink.Text(p.cut(m.Path)), {Color: p.faint, Text: p.ofCommand(m)}}}
	head = append(head, p.wrapped(p.prose, "", p.in(m.Why))...)
	switch {
	case !m.Real:
		return p.pictured(head, scene.OfMoment(m), nil)
	case m.Ahead == 0:
		return p.pictured(head, scene.OfMoment(m), p.wrapped(p.faint, "", p.in(sayRealHere)))
	}
	return p.pictured(head, scene.OfMoment(m), p.wrapped(p.faint, "", p.in(sayRealAhead(m.Ahead))))
}

// cut is a path that leaves room in its line.
func (p painter) cut(path string) string {
	return runewidth.Truncate(ink.Visible(path), p.width-30, "…")
}

// ofCommand says of which command a step is, as far as there is room.
func (p painter) ofCommand(m play.Moment) string {
	room := p.width - len(fmt.Sprintf("%2d/%d %s ", m.Index, m.Of, m.Op)) - width(p.cut(m.Path)) - 1
	text := "  " + p.in(sayOfCommand(firstLine(m.Cmd)))
	if room < 12 {
		return ""
	}
	return runewidth.Truncate(ink.Visible(text), room, "…")
}

// pictured are lines with a scene between them.
func (p painter) pictured(head [][]ink.Span, s scene.Scene, foot [][]ink.Span) [][]ink.Span {
	b := brush.Brush{Columns: p.width, Rows: max(6, p.height-len(head)-len(foot)-1), Plain: p.lines == ascii, Lang: p.lang}
	return append(append(head, b.Draw(s)...), foot...)
}

// picture is a picture that was asked for, as one screen.
func (p painter) picture(asked play.Picture) [][]ink.Span {
	s := scene.Of(asked)
	head := [][]ink.Span{{{Color: p.bold, Text: p.in(s.Title)}}}
	return p.pictured(append(head, p.wrapped(p.prose, "", p.in(s.Says))...), s, nil)
}
