package repl

import (
	"context"
	"slices"

	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
)

// Complete completes commands, images, containers and, inside a container,
// paths, as liner's WordCompleter. What cannot be typed is no candidate.
func (r *REPL) Complete(line string, pos int) (head string, candidates []string, tail string) {
	r.Play.Do(context.Background(), play.Complete{Line: line, At: pos})
	c := r.completion
	untyped := func(s string) bool { return ink.Visible(s) != s }
	return c.Head, slices.DeleteFunc(slices.Clone(c.Candidates), untyped), c.Tail
}
