package userland

import (
	"context"
	"io"
	"testing"
	"time"
)

// FuzzLine: no line makes the shell or a tool panic or hang.
func FuzzLine(f *testing.F) {
	for _, c := range scriptCases() {
		f.Add(c.script)
	}
	f.Fuzz(func(t *testing.T, line string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		m := newMachine(t)
		p := m.process("sh")
		p.Stdout, p.Stderr = io.Discard, io.Discard
		NewShell(p).Line(ctx, p, line)
		Complete(line)
	})
}
