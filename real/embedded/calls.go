package embedded

import (
	"context"
	"time"

	"twinlayer/real/embedded/wire"
	"twinlayer/sim"
)

// Arguments of the methods below.
type (
	stopArgs struct {
		Container string
		Grace     time.Duration
	}
	signalArgs struct{ Container, Signal string }
)

// Stop ends a container, gently at first.
func (e *Engine) Stop(ctx context.Context, container string, grace time.Duration) error {
	_, err := call[wire.None](ctx, e, "stop", stopArgs{container, grace})
	return err
}

// Kill sends a container's process a signal.
func (e *Engine) Kill(ctx context.Context, container, signal string) error {
	_, err := call[wire.None](ctx, e, "kill", signalArgs{container, signal})
	return err
}

// Wait waits for a container's end.
func (e *Engine) Wait(ctx context.Context, container string) (int, error) {
	return call[int](ctx, e, "wait", container)
}

// Logs reads what a container's own process printed.
func (e *Engine) Logs(ctx context.Context, container string) (sim.Output, error) {
	return call[sim.Output](ctx, e, "logs", container)
}
