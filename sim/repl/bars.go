package repl

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/mattn/go-runewidth"

	"twinlayer/sim"
)

// bars shows on a terminal how far a pull, push or load has come, as docker
// does: a line for each layer, drawn anew in its place; or the last lines of a
// log that is followed. When the command has ended they go, since what both
// worlds printed follows.
type bars struct {
	out    io.Writer
	width  int
	height int       // lines at most
	from   time.Time // nothing is drawn before: what is quick needs no bars

	mu    sync.Mutex
	parts []sim.Progress
	next  *time.Timer // draws; nil: nothing is new
	drawn int         // lines that are on the screen
	over  bool
}

const (
	barsAfter = 300 * time.Millisecond
	barsEvery = 50 * time.Millisecond
	barsMost  = 20 // layers that are shown: the last ones to begin
	barWidth  = 50
	barFrom   = 110 // columns that a screen needs for more than numbers
)

// underway is ctx with bars for what takes long, where Out is a terminal.
// What ends them must be called before anything else is printed.
func (r *REPL) underway(ctx context.Context) (_ context.Context, end func()) {
	if !r.Live {
		return ctx, func() {}
	}
	b := &bars{out: r.Out, width: r.Width, height: barsMost, from: time.Now().Add(barsAfter)}
	if r.Size != nil {
		columns, rows := r.Size()
		b.width, b.height = max(2, columns), max(1, min(barsMost, rows-1)) // the cursor needs a line of its own
	}
	return sim.WithProgress(ctx, b.tell), b.end
}

func (b *bars) tell(p sim.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.parts, func(old sim.Progress) bool { return old.ID == p.ID && p.ID != "" })
	switch {
	case b.over:
		return
	case i >= 0:
		b.parts[i] = p
	case p.ID == "":
		p.Action = runewidth.Truncate(printable(p.Action), b.width-1, "")
		b.parts = append(b.parts[max(0, len(b.parts)-b.height+1):], p)
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
	var text strings.Builder
	b.erase(&text)
	shown := b.parts[max(0, len(b.parts)-b.height):]
	for _, p := range shown {
		fmt.Fprintln(&text, runewidth.Truncate(bar(p, b.width), b.width-1, ""))
	}
	b.drawn = len(shown)
	io.WriteString(b.out, text.String())
}

// erase goes back to where the lines begin and clears the screen from there
// (ECMA-48, CUU and ED).
func (b *bars) erase(text *strings.Builder) {
	if b.drawn > 0 {
		fmt.Fprintf(text, "\x1b[%dA\r\x1b[J", b.drawn)
	}
}

func (b *bars) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var text strings.Builder
	b.erase(&text)
	io.WriteString(b.out, text.String())
	b.over = true
}

// bar is one line, as docker has it: where there is not much room only the
// numbers (github.com/moby/moby, client/pkg/jsonmessage).
func bar(p sim.Progress, width int) string {
	if p.ID == "" {
		return p.Action
	}
	line := p.ID + ": " + p.Action
	if p.Total <= 0 || p.Done <= 0 {
		return line
	}
	if width > barFrom {
		full := int(min(p.Done, p.Total) * barWidth / p.Total)
		line += " [" + strings.Repeat("=", full) + ">" + strings.Repeat(" ", barWidth-full) + "]"
	}
	return fmt.Sprintf("%s %8s/%s", line, units.HumanSize(float64(p.Done)), units.HumanSize(float64(p.Total)))
}
