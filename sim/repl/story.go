package repl

import (
	"github.com/fatih/color"

	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/report"
)

// report draws what a word such as why has told.
func (p painter) report(t play.Report) {
	switch {
	case t.Layers != nil:
		p.stack(t.Layers)
	case t.World != "":
		p.paragraph(p.bold, "", p.worldName(t.World))
		p.evidence(t.Seen)
	default:
		p.told(t)
	}
}

func (p painter) told(t play.Report) {
	p.rows(t.Rows)
	switch {
	case t.Agree:
		p.paragraph(p.good, "", p.lines.ok+" "+p.in(sayTellTheSame))
	case t.Real != nil:
		c := p.odd
		if t.Class == sim.Bug {
			c = p.bad
		}
		p.paragraph(c, "", p.lines.warn+" "+p.in(sayAnotherStory))
		p.rows(t.Real)
		p.paragraph(c, "", p.in(t.Reason))
	}
}

func (p painter) rows(rows []report.Row) {
	for _, row := range rows {
		c := p.tone(row.Tone)
		p.hanging(c, "", p.in(row.Text))
		for _, note := range row.Notes {
			p.hanging(c, "    ", p.in(note))
		}
	}
}

// hanging writes text in lines of which all but the first are indented.
func (p painter) hanging(c *color.Color, indent, text string) {
	const hang = "    "
	for i, line := range p.wrapWords(text, p.width-len(indent)-len(hang)) {
		if i > 0 {
			line = hang + line
		}
		p.pen.Line(ink.Text(indent), ink.Span{Color: c, Text: line})
	}
}

func (p painter) tone(t report.Tone) *color.Color {
	switch t {
	case report.Counts:
		return p.good
	case report.Hidden:
		return p.faint
	case report.Warns:
		return p.odd
	}
	return p.prose
}

// hints are what both worlds, or the real one, would say beside docker's
// words.
func (p painter) hints(r play.Result) {
	for _, hint := range r.Hints {
		p.paragraph(p.odd, "", p.in(hint))
	}
	if !r.Builder.Empty() {
		p.paragraph(p.odd, "", p.in(sayBuiltByTwinlayer(r.Builder)))
	}
	for _, what := range r.Adopted {
		p.paragraph(p.odd, "", p.in(sayAdopted(what)))
	}
}
