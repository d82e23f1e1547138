package sim

import (
	"bytes"
	"context"
)

// Progress is how far one part of a pull, push or load has come, or a line of
// a log that is followed.
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

// Tell tells whoever asked for it with [WithProgress].
func Tell(ctx context.Context, p Progress) {
	if tell := Telling(ctx); tell != nil {
		tell(p)
	}
}

// Telling is who is to be told; nil: nobody.
func Telling(ctx context.Context) func(Progress) {
	tell, _ := ctx.Value(progressKey{}).(func(Progress))
	return tell
}

// Lines is a writer that tells each line that is written to it. It is for one
// goroutine.
type Lines struct {
	Tell func(Progress)
	rest []byte
}

// Write never fails. A line that is too long for a screen is cut there.
func (l *Lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
		if !ended {
			l.rest = l.rest[:min(len(l.rest), lineMost)]
			return len(p), nil
		}
		l.Tell(Progress{Action: string(line[:min(len(line), lineMost)])})
		l.rest = rest
	}
}

const lineMost = 1 << 10
