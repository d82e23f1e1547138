package sim

import "context"

// Progress is how far one part of a pull, push or load has come.
type Progress struct {
	ID     string // the layer's, as docker shows it: twelve digits
	Action string // in docker's words: "Downloading", "Pull complete", …
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
