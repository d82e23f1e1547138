package sim

import (
	"bytes"
	"fmt"
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
