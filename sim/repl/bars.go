package repl

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/mattn/go-runewidth"

	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
)

// bars shows on a terminal how far a pull, push or load has come, as docker
// does: a line for each layer, drawn anew in its place; or the last lines of a
// log that is followed. When the command has ended they go, since what both
// worlds printed follows.
type bars struct {
	pen  ink.Pen
	size func() (columns, rows int)
	from time.Time // nothing is drawn before: what is quick needs no bars

	mu    sync.Mutex
	parts []play.Progress
	next  *time.Timer // draws; nil: nothing is new
	drawn []string    // the lines that are on the screen
	over  bool
}

const (
	barsAfter = 300 * time.Millisecond
	barsEvery = 50 * time.Millisecond
	barsMost  = 20 // layers that are shown: the last ones to begin
	barWidth  = 50
	barFrom   = 110 // columns that a screen needs for more than numbers
)

// progress draws bars, where Out is a terminal. What is drawn next ends them.
func (r *REPL) progress(p play.Progress) {
	if !r.Live {
		return
	}
	if r.bars == nil {
		r.bars = &bars{pen: ink.NewPen(r.Out), size: r.Size, from: r.began.Add(barsAfter)}
	}
	r.bars.tell(p)
}

func (r *REPL) endBars() {
	if r.bars != nil {
		r.bars.end()
		r.bars = nil
	}
}

func (b *bars) tell(p play.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.parts, func(old play.Progress) bool { return old.ID == p.ID && p.ID != "" })
	switch {
	case b.over:
		return
	case i >= 0:
		b.parts[i] = p
	case p.ID == "":
		b.parts = append(b.parts[max(0, len(b.parts)-barsMost+1):], p)
	default:
		b.parts = append(b.parts, p)
	}
	if b.next == nil {
		b.next = time.AfterFunc(max(barsEvery, time.Until(b.from)), b.draw)
	}
}

// draw draws all lines over those that are there.
func (b *bars) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = nil
	if b.over {
		return
	}
	columns, rows := b.size()
	up := b.rows(columns)
	b.drawn = nil
	most := max(1, min(barsMost, rows-2)) // the cursor has a line of its own, and the first one stays
	for _, p := range b.parts[max(0, len(b.parts)-most):] {
		line := runewidth.Truncate(bar(p, columns), max(1, columns-1), "")
		b.drawn = append(b.drawn, line)
	}
	var lines [][]ink.Span
	for _, l := range b.drawn {
		lines = append(lines, []ink.Span{ink.Text(l)})
	}
	b.pen.Redraw(up, lines)
}

// rows is how many rows of the screen the lines take that are drawn. One that
// has become narrower has folded them.
func (b *bars) rows(columns int) (n int) {
	for _, line := range b.drawn {
		n += 1 + max(0, runewidth.StringWidth(line)-1)/max(1, columns)
	}
	return n
}

func (b *bars) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.drawn) > 0 {
		columns, _ := b.size()
		b.pen.Redraw(b.rows(columns), nil)
		b.drawn = nil
	}
	b.over = true
}

// bar is one line, as docker has it: where there is not much room only the
// numbers (github.com/moby/moby, client/pkg/jsonmessage).
func bar(p play.Progress, width int) string {
	if p.ID == "" {
		return ink.Printed(p.Action)
	}
	line := ink.Visible(p.ID + ": " + p.Action)
	if p.Total <= 0 || p.Done <= 0 {
		return line
	}
	if width > barFrom {
		full := int(min(p.Done, p.Total) * barWidth / p.Total)
		line += " [" + strings.Repeat("=", full) + ">" + strings.Repeat(" ", barWidth-full) + "]"
	}
	return fmt.Sprintf("%s %8s/%s", line, units.HumanSize(float64(p.Done)), units.HumanSize(float64(p.Total)))
}
