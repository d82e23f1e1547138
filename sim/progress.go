package sim

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

// Progress is how far one part of a pull, push or load has come, or a line that
// a program has printed whose end is waited for, or a log that is followed.
type Progress struct {
	ID     string // the layer's, as docker shows it: twelve digits; "" with a line
	Action string // in docker's words: "Downloading", "Pull complete", …; or the line
	Done   int64  // bytes, of
	Total  int64  // so many; 0: that is not known or does not matter
}

type progressKey struct{}

// WithProgress is a context in which engines that can tell what they are at
// call tell, from any goroutine.
func WithProgress(ctx context.Context, tell func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, tell)
}

// Telling is who is to be told; nil: nobody.
func Telling(ctx context.Context) func(Progress) {
	tell, _ := ctx.Value(progressKey{}).(func(Progress))
	return tell
}

// Aloud is w, and whoever asked for it with [WithProgress] is told the lines
// that are written to it while they come: the last of them, a few times a
// second. hush ends that.
func Aloud(ctx context.Context, w io.Writer) (both io.Writer, hush func()) {
	tell := Telling(ctx)
	if tell == nil {
		return w, func() {}
	}
	l := &lines{tell: tell}
	return io.MultiWriter(w, l), l.hush
}

// lines tells the lines that are written to it.
type lines struct {
	tell func(Progress)

	mu    sync.Mutex
	rest  []byte   // the beginning of the next line
	last  []string // that are still to be told
	next  *time.Timer
	ended bool
}

const (
	lineMost  = 1 << 10
	linesMost = 20 // more than these nobody sees before the next ones
	telling   = 50 * time.Millisecond
)

// Write never fails. A line that is too long for a screen is cut there.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return len(p), nil
	}
	for line := range bytes.Lines(p) {
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		l.rest = append(l.rest, text[:min(len(text), lineMost-len(l.rest))]...)
		if whole {
			l.last = append(l.last[max(0, len(l.last)-linesMost+1):], string(l.rest))
			l.rest = l.rest[:0]
		}
	}
	if l.next == nil && len(l.last) > 0 {
		l.next = time.AfterFunc(telling, l.say)
	}
	return len(p), nil
}

func (l *lines) say() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.last {
		if !l.ended {
			l.tell(Progress{Action: line})
		}
	}
	l.last, l.next = nil, nil
}

func (l *lines) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}
