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
// does: a line for each layer, drawn anew in its place. When the command has
// ended they go, since what both worlds printed follows.
type bars struct {
	out    io.Writer
	width  int
	height int       // lines at most
	from   time.Time // nothing is drawn before: what is quick needs no bars

	mu    sync.Mutex
	parts []sim.Progress
	drawn int // lines that are on the screen
	over  bool
}

const (
	barsAfter = 300 * time.Millisecond
	barsMost  = 20 // layers that are shown: the last ones to begin
	barWidth  = 50
)

// underway is ctx with bars for what takes long, where Out is a terminal.
// What ends them must be called before anything else is printed.
func (r *REPL) underway(ctx context.Context) (_ context.Context, end func()) {
	if !r.Live {
		return ctx, func() {}
	}
	b := &bars{out: r.Out, width: r.Width, height: barsMost, from: time.Now().Add(barsAfter)}
	return sim.WithProgress(ctx, b.tell), b.end
}

func (b *bars) tell(p sim.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	i := slices.IndexFunc(b.parts, func(old sim.Progress) bool { return old.ID == p.ID })
	if i < 0 {
		b.parts = append(b.parts, p)
	} else {
		b.parts[i] = p
	}
	if time.Now().After(b.from) {
		b.draw()
	}
}

// draw draws all lines over those that are there.
func (b *bars) draw() {
	var text strings.Builder
	b.erase(&text)
	shown := b.parts[max(0, len(b.parts)-b.height):]
	for _, p := range shown {
		fmt.Fprintln(&text, runewidth.Truncate(bar(p), b.width-1, ""))
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

// bar is one line, as docker has it.
func bar(p sim.Progress) string {
	line := p.ID + ": " + p.Action
	if p.Total <= 0 || p.Done <= 0 {
		return line
	}
	full := int(min(p.Done, p.Total) * barWidth / p.Total)
	return fmt.Sprintf("%s [%s>%s] %8s/%s", line, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full),
		units.HumanSize(float64(p.Done)), units.HumanSize(float64(p.Total)))
}
