package brush

import (
	"github.com/mattn/go-runewidth"
	"slices"
	"strings"
	"twinlayer/sim/play"

	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
	"twinlayer/sim/scene"
)

// list is a scene in lines: each row with its cells below it.
func (b Brush) list(s scene.Scene) []Line {
	n := len(s.Columns)
	if s.Kind != play.PictureUnion && s.Kind != play.PictureSides {
		return b.foldedList(s, n, b.told)
	}
	out := b.listed(s, n)
	for len(out) > b.Rows && n > 1 {
		n--
		out = b.listed(s, n)
	}
	return b.foldedList(s, n, b.listed)
}

// foldedList leaves out rows in the middle until the rest fits.
func (b Brush) foldedList(s scene.Scene, n int, draw func(scene.Scene, int) []Line) []Line {
	out := draw(s, n)
	for kept := len(s.Rows) - 1; len(out) > b.Rows && kept > 1; kept-- { // rows in the middle go
		less := s
		gone := scene.Row{ID: "folded", Name: folded(len(s.Rows) - kept)}
		less.Rows = append(slices.Clone(s.Rows[:kept-1]), gone, s.Rows[len(s.Rows)-1])
		out = draw(less, n)
	}
	return out
}

// told is each row as one sentence, which may take several lines.
func (b Brush) told(s scene.Scene, n int) (out []Line) {
	columns := chosen(s, n)
	for _, r := range s.Rows {
		var words []string
		for _, c := range columns {
			if cell, has := r.At(c.ID); has {
				words = append(words, strings.TrimSpace(b.item(c, cell)))
			}
		}
		if len(words) == 0 && r.ID != "folded" {
			continue
		}
		for i, line := range wrap(b.rowHead(r)+" "+strings.Join(words, b.in(semicolon)), b.Columns-4) {
			if i > 0 {
				line = "    " + line
			}
			out = append(out, Line{ink.Text(line)})
		}
	}
	return out
}

// wrap is a text in lines no wider than room, which end at a blank where there
// is one.
func wrap(text string, room int) (out []string) {
	for width(text) > room {
		line := runewidth.Truncate(text, room, "")
		if at := strings.LastIndex(line, " "); at > len(line)/2 {
			line = line[:at]
		}
		out, text = append(out, line), strings.TrimLeft(text[len(line):], " ")
	}
	return append(out, strings.TrimRight(text, " "))
}

// listed is a list of the cells in the n columns that matter most.
func (b Brush) listed(s scene.Scene, n int) (out []Line) {
	line := func(text string) { out = append(out, Line{ink.Text(fit(text, b.Columns))}) }
	columns := chosen(s, n)
	for _, r := range s.Rows {
		line(b.rowHead(r))
		for _, c := range columns {
			if cell, has := r.At(c.ID); has {
				line(b.item(c, cell))
			}
		}
	}
	for _, a := range s.Arrows {
		if from, to, column := ends(s, a); a.Now && column != "" {
			line("  " + b.in(goesTo(a.Says, column, from, to)))
		}
	}
	if left := len(s.Columns) - len(columns) + s.More; left > 0 {
		line("  " + b.in(moreOf(left)))
	}
	return out
}

func (b Brush) rowHead(r scene.Row) string {
	if r.ID == "folded" {
		return b.in(r.Name)
	}
	if r.Note.Empty() {
		return b.in(headOf(r.Name))
	}
	return b.in(headNote(r.Name, r.Note))
}

// item is a cell as a line.
func (b Brush) item(column scene.Column, c scene.Cell) string {
	mark, _ := glyph(c)
	var words []string
	for _, p := range []say.Phrase{c.Text, c.Note} {
		if text := b.in(p); text != "" {
			words = append(words, text)
		}
	}
	if c.Has(scene.About) {
		words = append(words, b.in(nextStep))
	}
	if c.Now {
		words = append(words, b.in(thisStep))
	}
	if c.Span > 0 {
		return "  " + mark + " " + strings.Join(words, b.in(comma))
	}
	return "  " + mark + " " + b.in(itemOf(column.Name, strings.Join(words, b.in(comma))))
}

// ends are the names of the rows that an arrow goes from and to, and its
// column.
func ends(s scene.Scene, a scene.Arrow) (from, to say.Phrase, column string) {
	for _, r := range s.Rows {
		for _, c := range r.Cells {
			switch c.ID {
			case a.From:
				from = r.Name
			case a.To:
				to, column = r.Name, c.Column
			}
		}
	}
	return from, to, column
}
