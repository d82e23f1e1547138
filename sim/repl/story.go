package repl

import (
	"context"
	"errors"

	"github.com/fatih/color"

	"twinlayer/sim"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/report"
)

func why(r *REPL, ctx context.Context, args []string) error {
	if at := r.Session.Attached(); len(args) == 1 && at.Container != "" {
		args = []string{at.Container, args[0]}
	}
	if len(args) != 2 {
		r.draw.warn("why needs an image or a container, and a path: why busybox /bin/sh")
		return nil
	}
	return r.recount(ctx, report.Why(args[0], args[1]))
}

func audit(r *REPL, ctx context.Context, args []string) error {
	if len(args) != 1 {
		r.draw.warn("audit needs an image or a container: audit busybox")
		return nil
	}
	return r.recount(ctx, report.Audit(args[0]))
}

func diffImages(r *REPL, ctx context.Context, args []string) error {
	if len(args) != 2 {
		r.draw.warn("diff needs two images: diff busybox mine; of a container, docker diff lists the changes")
		return nil
	}
	return r.recount(ctx, report.Diff(args[0], args[1]))
}

// recount tells a story in both worlds and shows it.
func (r *REPL) recount(ctx context.Context, story report.Query) error {
	told, err := r.Session.Report(ctx, story)
	var refusal *sim.Refusal
	switch {
	case errors.As(err, &refusal):
		r.draw.warn("%v", refusal)
		return nil
	case err != nil:
		return err
	case r.JSON:
		return r.writeJSON(told)
	}
	r.draw.told(told)
	return nil
}

func (p painter) told(t report.Report) {
	p.rows(t.Rows)
	switch {
	case t.Agree:
		p.paragraph(p.good, "", p.lines.ok+" "+p.tr("both worlds tell the same"))
	case t.Real != nil:
		c := p.odd
		if t.Class == sim.Bug {
			c = p.bad
		}
		p.paragraph(c, "", p.lines.warn+" "+p.tr("the real world tells another story:"))
		p.rows(t.Real)
		p.paragraph(c, "", p.tr(t.Reason))
	}
}

func (p painter) rows(rows []report.Row) {
	for _, row := range rows {
		c := p.tone(row.Tone)
		p.hanging(c, "", p.tr(row.Text))
		for _, note := range row.Notes {
			p.hanging(c, "    ", p.tr(note))
		}
	}
}

// hanging writes text in lines of which all but the first are indented.
func (p painter) hanging(c *color.Color, indent, text string) {
	const hang = "    "
	for i, line := range wrapWords(text, p.width-len(indent)-len(hang)) {
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
func (p painter) hints(r sim.Result) {
	for _, hint := range r.Model.Hints {
		p.paragraph(p.odd, "", p.tr(hint))
	}
	if r.Real != nil && r.Real.Builder != "" {
		p.paragraph(p.odd, "", p.tr("twinlayer's builder performed the steps, not the engine's own: "+r.Real.Builder))
	}
	for _, what := range r.Model.Adopted {
		p.paragraph(p.odd, "", p.tr("adopted from the real world: "+what))
	}
}
