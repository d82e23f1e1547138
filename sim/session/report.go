package session

import (
	"context"
	"reflect"
	"strings"

	"twinlayer/sim/compare"
	"twinlayer/sim/report"
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
		b.WriteString(strings.Join(append([]string{row.Text}, row.Notes...), "\n") + "\n")
	}
	return b.String()
}

// sameRows compares with ids that differ between the worlds made equal.
func (s *Session) sameRows(model, real []report.Row) bool {
	mapped := make([]report.Row, len(model))
	for i, row := range model {
		mapped[i] = report.Row{Tone: row.Tone, Text: s.pairs.Real(row.Text), Notes: nil}
		for _, note := range row.Notes {
			mapped[i].Notes = append(mapped[i].Notes, s.pairs.Real(note))
		}
	}
	return reflect.DeepEqual(mapped, real)
}
