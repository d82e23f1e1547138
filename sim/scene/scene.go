package scene

import (
	"slices"

	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Scene is a picture. It is a grid: a cell stands in a row and a column.
type Scene struct {
	Kind    play.PictureKind `json:"kind"`
	Title   say.Phrase       `json:"title"`          // what it is of
	Step    *play.StepAt     `json:"step,omitempty"` // after which it is so
	Says    say.Phrase       `json:"says,omitzero"`  // the sentence for it
	Columns []Column         `json:"columns"`
	Rows    []Row            `json:"rows"` // top first; the base is the last
	Arrows  []Arrow          `json:"arrows"`
	More    int              `json:"more,omitempty"` // so many columns are left out
}

// Column is a column of the grid.
type Column struct {
	ID   string     `json:"id"`
	Name say.Phrase `json:"name"`
	Rank int        `json:"rank"` // its place where there is no room for all; the first is 0
}

// Row is a row of the grid, and what it is.
type Row struct {
	ID    string     `json:"id"`
	Name  say.Phrase `json:"name"`
	Note  say.Phrase `json:"note,omitzero"`
	Marks []Mark     `json:"marks,omitempty"`
	Cells []Cell     `json:"cells"` // by their columns; where nothing is, there is none
}

// Cell is a thing in its place.
type Cell struct {
	ID     string     `json:"id"`
	Column string     `json:"column"`         // where it begins
	Span   int        `json:"span,omitempty"` // over how many columns it goes; 0: 1
	Text   say.Phrase `json:"text,omitzero"`
	Note   say.Phrase `json:"note,omitzero"`
	Marks  []Mark     `json:"marks,omitempty"`
	Now    bool       `json:"now,omitempty"`   // the step has just done it
	Bytes  int64      `json:"bytes,omitempty"` // of a bar
	Of     int64      `json:"of,omitempty"`    // what a full bar stands for; 0: there is none
}

// Arrow goes from a cell to a cell.
type Arrow struct {
	From string     `json:"from"`
	To   string     `json:"to"`
	Says say.Phrase `json:"says"`
	Now  bool       `json:"now,omitempty"` // the step has just done it
}

// Mark says what is special of a cell or a row.
type Mark string

// The marks.
const (
	About    Mark = "about"    // the next step will change it
	New      Mark = "new"      // it was not there below
	Changed  Mark = "changed"  // it is other than what is below
	Copied   Mark = "copied"   // it was copied up
	Hidden   Mark = "hidden"   // it is there, and not seen
	Whiteout Mark = "whiteout" // it hides what is below
	Opaque   Mark = "opaque"   // it hides all that is below in it
	Gone     Mark = "gone"     // it is not seen any more
	Shared   Mark = "shared"   // several stand on it
	Cached   Mark = "cached"   // an earlier build made it
	Differs  Mark = "differs"  // the other side has another
	Writable Mark = "writable" // of a row
)

// Has says whether a cell has a mark.
func (c Cell) Has(m Mark) bool { return slices.Contains(c.Marks, m) }

// Has says whether a row has a mark.
func (r Row) Has(m Mark) bool { return slices.Contains(r.Marks, m) }

// At is the cell of a row at a column.
func (r Row) At(column string) (Cell, bool) {
	i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Column == column })
	if i < 0 {
		return Cell{}, false
	}
	return r.Cells[i], true
}

// columnsMost is how many columns the widest screen has room for.
const columnsMost = 24
