package repl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	units "github.com/docker/go-units"
	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
)

// painter writes for people: coloured and with drawn lines, or plain.
type painter struct {
	pen    ink.Pen
	width  int
	height int    // of the screen
	screen bool   // somebody looks at it
	lang   string // of lessons; "": en
	lines  glyphs

	prose, faint, bold, good, odd, bad *color.Color // prose is nil: as the terminal writes
}

// glyphs are what boxes are drawn with.
type glyphs struct{ rule, wall, cross, ok, warn, here, to string }

var (
	drawn = glyphs{"─", "│", "┼", "✔", "▲", "▶", "–"}
	ascii = glyphs{"-", "|", "+", "ok", "!!", ">", "-"}
)

func newPainter(pen ink.Pen, plain bool, width int) painter {
	p := painter{pen: pen, width: max(width, 40), lines: drawn,
		faint: color.New(color.Faint), bold: color.New(color.Bold), good: color.New(color.FgGreen),
		odd: color.New(color.FgYellow), bad: color.New(color.FgRed, color.Bold)}
	if plain {
		p.lines = ascii
		for _, c := range []*color.Color{p.faint, p.bold, p.good, p.odd, p.bad} {
			c.DisableColor()
		}
	}
	return p
}

func (p painter) text(s string) { p.pen.Lines(s) }

// line writes a line in a colour.
func (p painter) line(c *color.Color, text string) { p.pen.Line(ink.Span{Color: c, Text: text}) }

// paragraph writes text in lines no wider than the screen. What stands between
// backticks, to be typed, is bold instead where there is colour.
func (p painter) paragraph(c *color.Color, indent, text string) {
	for _, line := range p.wrapped(c, indent, text) {
		p.pen.Line(line...)
	}
}

// wrapped is a paragraph in lines.
func (p painter) wrapped(c *color.Color, indent, text string) (out [][]ink.Span) {
	code := false
	for _, line := range p.wrapWords(text, p.width-len(indent)) {
		spans := []ink.Span{ink.Text(indent)}
		if p.lines == ascii || color.NoColor || strings.Count(text, "`")%2 == 1 {
			out = append(out, append(spans, ink.Span{Color: c, Text: line}))
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i > 0 {
				code = !code
			}
			spans = append(spans, ink.Span{Color: map[bool]*color.Color{true: p.bold, false: c}[code], Text: part})
		}
		out = append(out, spans)
	}
	return out
}

// result draws the two worlds side by side, and the verdict.
// Where the container's layer is as it was when it was last shown, it is not
// shown again.
func (p painter) result(r play.Result) {
	if !r.Notice.Empty() {
		p.warned(r.Notice)
	}
	if r.Real != nil && alike(r.Differences) {
		p.once(r)
		p.hints(r)
		return
	}
	left := p.column(r.Model, p.worldName("model"), r.Unchanged)
	if r.Real == nil {
		p.alone(left, logs(r.Cmd))
	} else {
		p.beside(left, p.column(*r.Real, p.worldName(r.Real.Engine), r.Unchanged))
	}
	p.verdict(r.Result)
	p.hints(r)
}

// alike says whether the worlds differ in nothing that a learner need look at.
func alike(all []sim.Difference) bool {
	return !slices.ContainsFunc(all, func(d sim.Difference) bool { return !d.Quiet })
}

// once draws what both worlds show alike, and a mark that they do.
func (p painter) once(r play.Result) {
	v := *r.Real
	p.foldedLog(p.printedLines(v), logs(r.Cmd))
	mark := sayBoth
	switch {
	case len(r.Differences) > 0:
		mark = sayBothQuiet
	case holds(v):
		mark = sayBothLayer(shortDigest(v.Layer))
	}
	if v.Layer != "" && !r.Unchanged && (holds(v) || strings.HasPrefix(r.Cmd, "docker ")) {
		p.printed(p.changeLines(v))
	}
	p.paragraph(p.good, "", p.lines.ok+" "+p.in(mark))
}

// noRealKey is of the reason that stands at every command of a session without
// a real engine.
const noRealKey = "world.no-real"

// logs says whether a command prints what a program, or a build, tells on its
// way, of which the middle matters least.
func logs(cmd string) bool {
	words := strings.Fields(cmd)
	if len(words) > 2 && words[0] == "docker" && words[1] == "container" {
		words = words[1:]
	}
	if slices.Contains(words, "--help") {
		return false
	}
	return len(words) < 2 || words[0] != "docker" && words[0] != "container" || slices.Contains(logging, words[1])
}

var logging = []string{"build", "run", "exec", "pull", "push", "logs", "start", "attach"}

// logMost is how many lines of a log are drawn on a screen.
const logMost = 16

// foldedLog draws lines; of a long log, on a screen, not the middle.
func (p painter) foldedLog(lines []string, log bool) {
	half := logMost / 2
	if !log || !p.screen || len(lines) <= logMost+2 {
		p.printed(lines)
		return
	}
	p.printed(lines[:half])
	p.note(sayLinesFolded(len(lines) - 2*half))
	p.printed(lines[len(lines)-half:])
}

// output draws all that was printed.
func (p painter) output(o play.Output) {
	p.printed(p.screenLines(o.Model))
	if o.Real != "" {
		p.paragraph(p.bold, "", p.in(realWorld))
		p.printed(p.screenLines(o.Real))
	}
}

// differs draws each difference with what each world shows.
func (p painter) differs(d play.Differs) {
	for _, one := range d.Differences {
		p.paragraph(p.odd, "", p.lines.warn+" "+p.in(sayDiffers(one.What, string(one.Class), one.Reason)))
		p.beside(append([]string{p.worldName("model")}, p.screenLines(one.Model)...), append([]string{p.in(realWorld)}, p.screenLines(one.Real)...))
	}
}

// column is what one world showed, as lines; the first is its head.
func (p painter) column(v sim.View, head string, asBefore bool) []string {
	out := append([]string{head}, p.printedLines(v)...)
	if v.Layer == "" {
		return out
	}
	if len(out) > 1 {
		out = append(out, "")
	}
	if asBefore && len(v.Changes) > 0 {
		return append(out, p.in(sayLayerAsBefore(shortDigest(v.Layer))))
	}
	out = append(out, p.changeLines(v)...)
	if !holds(v) {
		return out // the digest of an empty layer tells nothing
	}
	return append(out, p.in(sayLayerIs(shortDigest(v.Layer))))
}

// printedLines are what a world has printed, and the exit status if it tells
// something.
func (p painter) printedLines(v sim.View) (out []string) {
	for _, text := range v.Printed() {
		out = append(out, p.screenLines(text)...)
	}
	if v.Exit != 0 {
		out = append(out, p.in(sayExitStatus(v.Exit)))
	}
	return out
}

func (p painter) changeLines(v sim.View) []string {
	const most = 12
	changes := v.Changes
	switch {
	case len(changes) == 0 && holds(v):
		return []string{p.in(sayOnlyCopies)}
	case len(changes) == 0:
		return []string{p.in(sayNoChanges)}
	}
	var out []string
	for i, c := range changes {
		if i == most {
			return append(out, p.in(sayMoreChanges(len(changes)-most)))
		}
		out = append(out, c.Kind.Letter()+" "+ink.Visible(c.Path))
	}
	return out
}

// holds says whether there is anything in the layer that a view has.
func holds(v sim.View) bool { return v.Layer != "" && v.Layer != emptyLayer() }

// emptyLayer is the digest of a layer that holds nothing.
var emptyLayer = sync.OnceValue(func() string {
	d, _ := fs.NewBuilder().Tree().Digest() // of what is in memory: nothing fails
	return d.String()
})

func shortDigest(d string) string {
	if len(d) > 19 {
		return d[:19] + "…"
	}
	return d
}

func (p painter) alone(lines []string, log bool) {
	p.paragraph(p.bold, "", p.in(sayNoRealEngine(lines[0])))
	p.foldedLog(lines[1:], log)
}

// beside draws two columns. What both worlds show alike, but is too wide for
// half the screen, is drawn once over its whole width; where a table of one is
// too wide, they are drawn one below the other. Other lines that are too wide
// go on in the next row.
func (p painter) beside(left, right []string) {
	half := (p.width - 3) / 2
	if slices.Equal(left[1:], right[1:]) && widest(left) > half {
		p.together(p.in(sayShowTheSame(left[0], right[0])), left[1:])
		return
	}
	if wideTable(left[1:], half) || wideTable(right[1:], half) {
		p.together(left[0], left[1:])
		p.together(right[0], right[1:])
		return
	}
	p.row(half, left[0], right[0], p.bold)
	p.line(p.faint, strings.Repeat(p.lines.rule, half+1)+p.lines.cross+strings.Repeat(p.lines.rule, p.width-half-2))
	left, right = left[1:], right[1:]
	l, r := folded(left, half), folded(right, half)
	for i := range max(len(l), len(r)) {
		for k := range max(len(at(l, i)), len(at(r, i))) {
			p.row(half, at(at(l, i), k), at(at(r, i), k), nil)
		}
	}
}

func (p painter) together(head string, lines []string) {
	p.line(p.bold, head)
	p.line(p.faint, strings.Repeat(p.lines.rule, p.width))
	p.printed(lines)
}

// printed writes what both worlds, or one, have printed. On a screen a line
// that is too wide is folded where that reads well.
func (p painter) printed(lines []string) {
	if !p.screen {
		for _, l := range lines {
			p.line(nil, l)
		}
		return
	}
	for _, row := range folded(lines, p.width) {
		for _, l := range row {
			p.line(nil, l)
		}
	}
}

func at[T any](lines []T, i int) (none T) {
	if i < len(lines) {
		return lines[i]
	}
	return none
}

func (p painter) row(half int, left, right string, c *color.Color) {
	spans := []ink.Span{{Color: c, Text: runewidth.FillRight(left, half)}, ink.Text(" "), {Color: p.faint, Text: p.lines.wall}}
	if right = strings.TrimRight(right, " "); right != "" {
		spans = append(spans, ink.Text(" "), ink.Span{Color: c, Text: right})
	}
	p.pen.Line(spans...)
}

// verdict says whether the worlds agree, and why where they do not.
func (p painter) verdict(r sim.Result) {
	for _, d := range r.Differences {
		if r.Real == nil && d.Reason.Key == noRealKey {
			continue // the head says so
		}
		if r.Real == nil {
			p.paragraph(p.odd, "", p.lines.warn+" "+p.in(modelAlone(d.Reason)))
		} else {
			p.difference(d)
		}
	}
}

func (p painter) difference(d sim.Difference) {
	c := p.odd
	if d.Class == sim.Bug {
		c = p.bad
	}
	p.paragraph(c, "", p.lines.warn+" "+p.in(sayDiffers(d.What, string(d.Class), d.Reason)))
	if d.Class == sim.Bug {
		p.paragraph(c, "   ", p.in(sayModelShows(firstLine(d.Model))))
		p.paragraph(c, "   ", p.in(sayRealShows(firstLine(d.Real))))
	}
}

func firstLine(s string) string {
	line, _, more := strings.Cut(s, "\n")
	const most = 200
	if len(line) > most {
		line, more = begin(line, most), true
	}
	if more {
		line += " …"
	}
	return line
}

// step draws a step in one line and its reason.
func (p painter) step(s play.StepAt) {
	p.pen.Line(ink.Span{Color: p.faint, Text: fmt.Sprintf("%2d/%d ", s.Index, s.Of)}, ink.Span{Color: p.bold, Text: fmt.Sprintf("%-10s ", s.Op)}, ink.Text(s.Path))
	p.paragraph(p.faint, "      ", p.in(s.Why))
}

// timeline draws the commands of the session, a line each, with the numbers of
// their steps.
func (p painter) timeline(t play.Timeline) {
	for _, c := range t.Commands {
		mark, color := " ", p.faint
		if c.Here {
			mark, color = p.lines.here, p.bold
		}
		steps := p.lines.to
		switch {
		case c.First != 0 && c.First == c.Last:
			steps = strconv.Itoa(c.First)
		case c.First != 0:
			steps = fmt.Sprint(c.First, p.lines.to, c.Last)
		}
		p.pen.Line(ink.Span{Color: color, Text: fmt.Sprintf("%s %9s  ", mark, steps)}, ink.Text(runewidth.Truncate(firstLine(c.Cmd), p.width-13, "…")))
	}
	p.note(sayTimelineAt(t.At, t.Of))
}

// stack draws layers with the topmost first, and what the writable one holds.
func (p painter) stack(stack []play.Layer) {
	for i, l := range slices.Backward(stack) {
		access := sayReadOnly
		if l.Writable {
			access = sayWritable
		}
		head := "  " + p.lines.wall + " " + runewidth.FillRight(p.in(layerName(l, i)), 24) + " " + p.in(access)
		p.pen.Line(ink.Span{Color: p.layerColor(l.Writable), Text: head}, ink.Span{Color: p.faint, Text: "  " + p.in(summary(l))})
		if l.Writable {
			p.contents(l)
		}
	}
}

func (p painter) layerColor(top bool) *color.Color {
	if top {
		return p.good
	}
	return p.faint
}

// layerName is what a layer is called, by its place in the stack.
func layerName(l play.Layer, at int) say.Phrase {
	switch l.Kind {
	case play.OfContainer:
		return sayContainerLayer
	case play.OfEngine:
		return sayInitLayer
	}
	return sayImageLayer(at + 1)
}

func summary(l play.Layer) say.Phrase {
	if l.Bytes < 1000 {
		return sayPathsBytes(l.Paths, l.Bytes)
	}
	return sayPathsSize(l.Paths, units.HumanSizeWithPrecision(float64(l.Bytes), 3))
}

// contents lists what a container's layer holds.
func (p painter) contents(l play.Layer) {
	const most = 12
	for i, e := range l.Entries {
		if i == most {
			p.line(nil, "  "+p.lines.wall+"   …")
			return
		}
		p.line(nil, "  "+p.lines.wall+"   "+p.in(describe(e)))
	}
}

// describe is a path of a container's layer with what it means there.
func describe(e play.Entry) say.Phrase {
	switch e.Kind {
	case play.Whiteout:
		return sayWhiteout(e.Path)
	case play.Opaque:
		return sayOpaque(e.Path)
	case play.Directory:
		return say.Verbatim(e.Path + "/")
	case play.Symlink:
		return say.Verbatim(e.Path + " -> " + e.Target)
	}
	return sayFileOf(e.Path, e.Size)
}
