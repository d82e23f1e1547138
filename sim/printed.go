package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// PrintedMax is how many bytes of each stream of a process or a line are
// kept, in every engine.
const PrintedMax = 1 << 20

// Printed keeps the first [PrintedMax] bytes written to it and counts the
// rest. The zero value is ready; it is safe for concurrent use.
type Printed struct {
	mu      sync.Mutex
	kept    bytes.Buffer
	dropped int64
}

// Write never fails.
func (b *Printed) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(p), PrintedMax-b.kept.Len())
	b.kept.Write(p[:n])
	b.dropped += int64(len(p) - n)
	return len(p), nil
}

// Reset forgets what was written.
func (b *Printed) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Reset()
	b.dropped = 0
}

// Take is [Printed.String], of which then nothing is kept any more.
func (b *Printed) Take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := Cut(b.kept.String(), b.dropped)
	b.kept, b.dropped = bytes.Buffer{}, 0
	return text
}

// String is what was kept, and a last line about what was not.
func (b *Printed) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Cut(b.kept.String(), b.dropped)
}

// Cut is what was kept of an output, and a last line about what was not.
func Cut(kept string, dropped int64) string {
	if dropped == 0 {
		return kept
	}
	return fmt.Sprintf("%s\n[twinlayer: %d more bytes were not kept]\n", kept, dropped)
}

// spoken is what a process has printed so far, of each stream the first
// [PrintedMax] bytes: what came last, on what was there before. nil is nothing.
type spoken struct {
	before         *spoken
	stdout, stderr string
	out, err       int // bytes of each, with those before
}

// and is s and what was printed after it.
func (s *spoken) and(o Output) *spoken {
	if o.Stdout == "" && o.Stderr == "" {
		return s
	}
	next := spoken{before: s}
	if s != nil {
		next.out, next.err = s.out, s.err
	}
	next.stdout, next.stderr = o.Stdout[:min(len(o.Stdout), PrintedMax-next.out)], o.Stderr[:min(len(o.Stderr), PrintedMax-next.err)]
	next.out, next.err = next.out+len(next.stdout), next.err+len(next.stderr)
	return &next
}

// output is all of it.
func (s *spoken) output() Output {
	var stdout, stderr []string
	for ; s != nil; s = s.before {
		stdout, stderr = append(stdout, s.stdout), append(stderr, s.stderr)
	}
	slices.Reverse(stdout)
	slices.Reverse(stderr)
	return Output{Stdout: strings.Join(stdout, ""), Stderr: strings.Join(stderr, "")}
}
