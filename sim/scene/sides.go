package scene

import (
	"slices"

	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Sides is two scenes of one kind in one; a and b are what the sides are
// called.
func Sides(one, other Scene, a, b say.Phrase) Scene {
	s := Scene{Kind: play.PictureSides, Title: saySides(a, b), Columns: columnsOf(one, other), Rows: []Row{}, Arrows: []Arrow{}, More: max(one.More, other.More)}
	differ := 0
	for _, id := range merged(rowIDs(one), rowIDs(other)) {
		left, has := rowOf(one, id)
		right, too := rowOf(other, id)
		row := left
		switch {
		case !has:
			row, row.Note, row.Marks = right, sayOnlyIn(b), append(slices.Clone(right.Marks), Differs)
		case !too:
			row.Note, row.Marks = sayOnlyIn(a), append(slices.Clone(left.Marks), Differs)
		default:
			row.Cells = both(left, right, s.Columns)
			if !left.Note.Equal(right.Note) {
				row.Note, row.Marks = sayEither(left.Note, right.Note), append(slices.Clone(left.Marks), Differs)
			}
		}
		s.Rows = append(s.Rows, row)
		differ += differing(row)
	}
	s.Says = saySame(a, b)
	if differ > 0 {
		s.Says = sayDiffer(a, b, differ)
	}
	return s
}

// columnsOf are the columns of two scenes, in the order of the first with those
// of the second in their places.
func columnsOf(one, other Scene) (out []Column) {
	byID := map[string]Column{}
	var left, right []string
	for _, c := range other.Columns {
		byID[c.ID] = c
		right = append(right, c.ID)
	}
	for _, c := range one.Columns {
		byID[c.ID] = c
		left = append(left, c.ID)
	}
	order := merged(left, right)
	slices.SortStableFunc(order, func(a, b string) int { return byID[a].Rank - byID[b].Rank })
	for rank, id := range order {
		c := byID[id]
		c.Rank = rank
		byID[id] = c
	}
	for _, id := range merged(left, right) {
		out = append(out, byID[id])
	}
	return out
}

func rowIDs(s Scene) (ids []string) {
	for _, r := range s.Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func rowOf(s Scene, id string) (Row, bool) {
	i := slices.IndexFunc(s.Rows, func(r Row) bool { return r.ID == id })
	if i < 0 {
		return Row{}, false
	}
	return s.Rows[i], true
}

// merged has what is only in b right in front of what follows it in both.
func merged(a, b []string) (out []string) {
	for _, id := range a {
		if i := slices.Index(b, id); i >= 0 {
			for _, before := range b[:i] {
				if !slices.Contains(a, before) {
					out = append(out, before)
				}
			}
			b = b[i+1:]
		}
		out = append(out, id)
	}
	for _, rest := range b {
		if !slices.Contains(a, rest) {
			out = append(out, rest)
		}
	}
	return out
}

// both are the cells of a row that both sides have.
func both(left, right Row, columns []Column) []Cell {
	out := []Cell{}
	for _, c := range columns {
		l, has := left.At(c.ID)
		r, too := right.At(c.ID)
		switch {
		case !has && !too:
			continue
		case has && too && l.Text.Equal(r.Text) && slices.Equal(l.Marks, r.Marks):
		case !too:
			l.Note, l.Marks = sayEither(l.Text, sayNothing), []Mark{Differs}
		case !has:
			l = r
			l.Note, l.Marks = sayEither(sayNothing, r.Text), []Mark{Differs}
		case l.Text.Equal(r.Text):
			l.Note, l.Marks = sayEither(l.Note.Or(sayNothing), r.Note.Or(sayNothing)), []Mark{Differs}
		default:
			l.Note, l.Marks = sayEither(l.Text, r.Text), []Mark{Differs}
		}
		out = append(out, l)
	}
	return out
}

// differing is how many things of a row the sides do not have alike.
func differing(r Row) (n int) {
	if r.Has(Differs) {
		n++
	}
	for _, c := range r.Cells {
		if c.Has(Differs) {
			n++
		}
	}
	return n
}
