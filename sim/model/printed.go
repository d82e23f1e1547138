package model

import (
	"slices"
	"strings"

	"twinlayer/sim"
)

// spoken is what a process has printed so far, of each stream the first
// [PrintedMax] bytes: what came last, on what was there before. nil is nothing.
type spoken struct {
	before         *spoken
	stdout, stderr string
	out, err       int // bytes of each, with those before
}

// and is s and what was printed after it.
func (s *spoken) and(o sim.Output) *spoken {
	if o.Stdout == "" && o.Stderr == "" {
		return s
	}
	next := spoken{before: s}
	if s != nil {
		next.out, next.err = s.out, s.err
	}
	next.stdout, next.stderr = o.Stdout[:min(len(o.Stdout), sim.PrintedMax-next.out)], o.Stderr[:min(len(o.Stderr), sim.PrintedMax-next.err)]
	next.out, next.err = next.out+len(next.stdout), next.err+len(next.stderr)
	return &next
}

// output is all of it.
func (s *spoken) output() sim.Output {
	var stdout, stderr []string
	for ; s != nil; s = s.before {
		stdout, stderr = append(stdout, s.stdout), append(stderr, s.stderr)
	}
	slices.Reverse(stdout)
	slices.Reverse(stderr)
	return sim.Output{Stdout: strings.Join(stdout, ""), Stderr: strings.Join(stderr, "")}
}
