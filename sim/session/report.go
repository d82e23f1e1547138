package session

import (
	"context"
	"slices"
	"strings"

	"twinlayer/sim/compare"
	"twinlayer/sim/report"
	"twinlayer/sim/say"
)

// Report asks both worlds for a report.
func (s *Session) Report(ctx context.Context, query report.Query) (report.Report, error) {
	rows, err := query(ctx, s.Model)
	if err != nil || s.Real == nil || s.broken != nil {
		return report.Report{Rows: rows}, err
	}
	real, err := query(ctx, s.Real)
	if err != nil {
		return report.Report{}, err
	}
	if s.sameRows(rows, real) {
		return report.Report{Rows: rows, Agree: true}, nil
	}
	out := report.Report{Rows: rows, Real: real}
	out.Class, out.Reason = compare.Comparison{Pairs: &s.pairs}.Texts(s.Real.Name(), rowsText(rows), rowsText(real))
	return out, nil
}

// rowsText is a report as text, which what is declared of outputs is about.
func rowsText(rows []report.Row) string {
	var b strings.Builder
	for _, row := range rows {
		for _, what := range append([]say.Phrase{row.Text}, row.Notes...) {
			b.WriteString(say.Text(what) + "\n")
		}
	}
	return b.String()
}

// sameRows compares with ids that differ between the worlds made equal.
func (s *Session) sameRows(model, real []report.Row) bool {
	return slices.EqualFunc(model, real, func(m, r report.Row) bool {
		return m.Tone == r.Tone && s.samePhrase(m.Text, r.Text) && slices.EqualFunc(m.Notes, r.Notes, s.samePhrase)
	})
}

func (s *Session) samePhrase(model, real say.Phrase) bool {
	return model.Map(s.pairs.Real).Equal(real)
}
