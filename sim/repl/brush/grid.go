package brush

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fatih/color"

	"twinlayer/sim/repl/ink"
	"twinlayer/sim/scene"
)

// A cell is at least so wide, and at most; so is a row's label.
const (
	cellLeast, cellMost   = 11, 26
	labelLeast, labelMost = 8, 44
)

// grid is a scene being drawn in boxes.
type grid struct {
	Brush
	scene   scene.Scene
	columns []scene.Column
	rows    []scene.Row
	label   int // the width of the labels
	cell    int // and that of a cell
	tall    bool
	ruled   bool
	top     map[string]int // the row of a cell, by its id
}

func (b Brush) grid(s scene.Scene) []Line {
	g := &grid{Brush: b, scene: s, tall: true, ruled: true}
	g.measure()
	g.foldRows()
	out := []Line{g.head()}
	for i, r := range g.rows {
		if i > 0 && g.ruled {
			out = append(out, g.rule(i))
		}
		out = append(out, g.row(i, r)...)
	}
	if left := len(s.Columns) - len(g.columns) + s.More; left > 0 && len(out) < b.Rows {
		out = append(out, Line{{Color: faint, Text: fit(b.in(moreOf(left)), b.Columns)}})
	}
	return out
}

// measure chooses the columns, and shares the width among them.
func (g *grid) measure() {
	for _, r := range g.scene.Rows {
		g.label = max(g.label, width(g.in(r.Name)), width(g.in(r.Note)))
	}
	g.label = min(max(g.label, labelLeast), labelMost, max(labelLeast, g.Columns/3, g.Columns-len(g.scene.Columns)*labelLeast*2))
	room := g.Columns - g.label
	n := max(1, min(len(g.scene.Columns), room/(cellLeast+1)))
	g.columns = chosen(g.scene, n)
	if n < len(g.scene.Columns) && g.spans() {
		g.columns = g.scene.Columns[:n]
	}
	g.cell = min(cellMost, max(1, room/max(1, len(g.columns))-1))
}

func (g *grid) spans() bool {
	return slices.ContainsFunc(g.scene.Rows, func(r scene.Row) bool {
		return slices.ContainsFunc(r.Cells, func(c scene.Cell) bool { return c.Span > 1 })
	})
}

// foldRows makes the rows fit: first without rules, then with one line each,
// last with those in one that have nothing in the columns.
func (g *grid) foldRows() {
	g.rows = g.scene.Rows
	if g.height() > g.Rows {
		g.rows = g.withoutEmpty()
	}
	if g.height() > g.Rows {
		g.ruled = false
	}
	if g.height() > g.Rows {
		g.tall = false
	}
	if over := g.height() - g.Rows; over > 0 { // what is in the middle goes
		from := max(1, len(g.rows)-1-over-1)
		gone := scene.Row{ID: "folded", Name: folded(len(g.rows) - 1 - from)}
		g.rows = append(slices.Clone(g.rows[:from]), gone, g.rows[len(g.rows)-1])
	}
	g.top = map[string]int{}
	for i, r := range g.rows {
		for _, c := range r.Cells {
			g.top[c.ID] = i
		}
	}
}

// withoutEmpty has in one row each run of rows between the first and the last
// that has nothing in the columns.
func (g *grid) withoutEmpty() (out []scene.Row) {
	n := 0
	for i, r := range g.scene.Rows {
		empty := i > 0 && i < len(g.scene.Rows)-1 && !shown(r, g.columns) && !r.Has(scene.Writable)
		if empty {
			n++
			continue
		}
		if n > 0 {
			out = append(out, scene.Row{ID: "folded", Name: folded(n)})
			n = 0
		}
		out = append(out, r)
	}
	return out
}

func (g *grid) height() int {
	n := 1
	for i, r := range g.rows {
		n += g.lines(r)
		if i > 0 && g.ruled {
			n++
		}
	}
	return n
}

// lines is how many lines a row takes.
func (g *grid) lines(r scene.Row) int {
	if !g.tall || r.Note.Empty() && !slices.ContainsFunc(r.Cells, func(c scene.Cell) bool { return !c.Note.Empty() }) {
		return 1
	}
	return 2
}

func (g *grid) head() Line {
	out := Line{{Text: pad("", g.label)}}
	for _, c := range g.columns {
		out = append(out, ink.Text(" "), ink.Span{Color: bold, Text: pad("  "+fit(g.in(c.Name), g.cell-2), g.cell)})
	}
	return trimmed(out)
}

// rule is the line above row i, with the arrows that go through it.
func (g *grid) rule(i int) Line {
	out := Line{{Color: faint, Text: strings.Repeat("─", g.label)}}
	for _, c := range g.columns {
		line := strings.Repeat("─", g.cell)
		arrow, through := g.arrow(c.ID, i-1, i)
		if !through {
			out = append(out, ink.Span{Color: faint, Text: "┼" + line})
			continue
		}
		half := (g.cell - 1) / 2
		side := "─"
		out = append(out, ink.Span{Color: faint, Text: "┼" + strings.Repeat(side, half)},
			ink.Span{Color: arrowColor(arrow), Text: "▲"}, ink.Span{Color: faint, Text: strings.Repeat(side, g.cell-1-half)})
	}
	return out
}

func arrowColor(a scene.Arrow) *color.Color {
	if a.Now {
		return color.New(color.FgYellow, color.Bold)
	}
	return color.New(color.FgYellow)
}

// arrow is one in a column that begins in row low or below, and ends in row
// high or above.
func (g *grid) arrow(column string, high, low int) (scene.Arrow, bool) {
	for _, a := range g.scene.Arrows {
		from, known := g.top[a.From]
		to, too := g.top[a.To]
		if known && too && g.columnOf(a.To) == column && from >= low && to <= high {
			return a, true
		}
	}
	return scene.Arrow{}, false
}

func (g *grid) columnOf(id string) string {
	for _, r := range g.rows {
		for _, c := range r.Cells {
			if c.ID == id {
				return c.Column
			}
		}
	}
	return ""
}

// row is a row in one line or two.
func (g *grid) row(i int, r scene.Row) []Line {
	labelColor := faint
	if r.Has(scene.Writable) {
		labelColor = good
	}
	first := Line{{Color: cmp.Or(labelColor, bold), Text: pad(g.in(r.Name), g.label)}}
	second := Line{{Color: faint, Text: pad(g.in(r.Note), g.label)}}
	for k := 0; k < len(g.columns); {
		c, has := r.At(g.columns[k].ID)
		span := max(1, min(c.Span, len(g.columns)-k))
		room := span*(g.cell+1) - 1
		a, b := g.cellLines(c, room)
		if !has {
			a, b = g.through(g.columns[k].ID, i)
		}
		wall := ink.Span{Color: faint, Text: "│"}
		first, second = append(append(first, wall), a...), append(append(second, wall), b...)
		k += span
	}
	if g.lines(r) == 1 {
		return []Line{trimmed(first)}
	}
	return []Line{trimmed(first), trimmed(second)}
}

// through is an empty place, with the arrow that goes through it.
func (g *grid) through(column string, i int) (a, b Line) {
	arrow, has := g.arrow(column, i-1, i+1)
	if !has {
		blank := Line{{Text: pad("", g.cell)}}
		return blank, blank
	}
	half := (g.cell - 1) / 2
	line := Line{{Text: pad("", half)}, {Color: arrowColor(arrow), Text: "│"}, {Text: pad("", g.cell-1-half)}}
	return line, line
}

// cellLines are the two lines of a cell.
func (g *grid) cellLines(c scene.Cell, room int) (a, b Line) {
	mark, paint := glyph(c)
	text := g.in(c.Text)
	if c.Of > 0 {
		text = bar(c, room-2-sizeWidth) + " " + text
	}
	tail := ""
	if c.Now {
		tail = " ◂"
	}
	if c.Has(scene.About) {
		tail += " ▸"
	}
	note := g.in(c.Note)
	if text == "" && c.Has(scene.About) {
		note = g.in(nextStep)
	}
	if c.Has(scene.Hidden) { // the marks of a crossed out text are not crossed out themselves
		return Line{{Text: mark + " "}, {Color: paint, Text: fit(text, room-2)}, {Text: pad("", room-2-width(fit(text, room-2)))}},
			Line{{Color: faint, Text: pad("  "+note, room)}}
	}
	if c.Now {
		paint = strong(paint)
	}
	return Line{{Color: paint, Text: pad(mark+" "+fit(text, room-2-width(tail))+tail, room)}},
		Line{{Color: cmp.Or(paint, faint), Text: pad("  "+note, room)}}
}

// strong is a colour in bold.
func strong(c *color.Color) *color.Color {
	if c == nil {
		return bold
	}
	out := *c
	return out.Add(color.Bold)
}

// sizeWidth is the width of a size, and of the blank in front of it.
const sizeWidth = 8

// bar is as long as a cell's bytes.
func bar(c scene.Cell, room int) string {
	room = max(room, 4)
	full := int(float64(min(c.Bytes, c.Of)) / float64(c.Of) * float64(room))
	if full == 0 && c.Bytes > 0 {
		return "▏" + strings.Repeat(" ", room-1)
	}
	return pad(strings.Repeat("█", full), room)
}

// trimmed is a line without blanks at its end.
func trimmed(l Line) Line {
	for len(l) > 0 {
		last := strings.TrimRight(l[len(l)-1].Text, " ")
		if last != "" {
			l = slices.Clone(l)
			l[len(l)-1].Text = last
			return l
		}
		l = l[:len(l)-1]
	}
	return l
}
