package contents

import (
	"slices"
	"strings"

	"twinlayer/sim"
)

// Printed is what a process has printed so far, of each stream the first
// [PrintedMax] bytes: what came last, on what was there before. nil is nothing.
type Printed struct {
	before         *Printed
	stdout, stderr string
	out, err       int // bytes of each, with those before
}

// And is s and what was printed after it.
func (s *Printed) And(o sim.Output) *Printed {
	if o.Stdout == "" && o.Stderr == "" {
		return s
	}
	next := Printed{before: s}
	if s != nil {
		next.out, next.err = s.out, s.err
	}
	next.stdout, next.stderr = o.Stdout[:min(len(o.Stdout), sim.PrintedMax-next.out)], o.Stderr[:min(len(o.Stderr), sim.PrintedMax-next.err)]
	next.out, next.err = next.out+len(next.stdout), next.err+len(next.stderr)
	return &next
}

// Output is all of it.
func (s *Printed) Output() sim.Output {
	var stdout, stderr []string
	for ; s != nil; s = s.before {
		stdout, stderr = append(stdout, s.stdout), append(stderr, s.stderr)
	}
	slices.Reverse(stdout)
	slices.Reverse(stderr)
	return sim.Output{Stdout: strings.Join(stdout, ""), Stderr: strings.Join(stderr, "")}
}
