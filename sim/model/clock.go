package model

import (
	"context"
	"time"

	"twinlayer/fs"
)

// sleep is how a program sleeps in the foreground.
func (t *transition) sleep(ctx context.Context, d time.Duration) error {
	if t.Sleep == nil {
		return ctx.Err()
	}
	return t.Sleep(ctx, d)
}

// after calls f when the time has passed, unless ctx ends before.
func (t *transition) after(ctx context.Context, d time.Duration, f func()) {
	if t.Sleep == nil {
		return
	}
	go func() {
		if t.Sleep(ctx, d) == nil {
			f()
		}
	}()
}

// within is ctx, which ends after d at the latest.
func (t *transition) within(ctx context.Context, d time.Duration) (limited context.Context, stop context.CancelFunc) {
	limited, stop = context.WithCancel(ctx)
	t.after(limited, d, stop)
	return limited, stop
}

// AskedTime says whether a program has asked for the time since the last call.
func (m *Model) AskedTime() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = false
	return asked
}

// Retime gives a container's files other times. One whose process goes on by
// the clock keeps its own.
func (m *Model) Retime(id string, times *fs.Tree) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.state.container(id)
	if err != nil || c.held != nil {
		return
	}
	c.mounts = c.mounts.Fork()
	c.root().Retime(times)
	m.state = m.state.with(c)
}

// Take gives a container another layer.
func (m *Model) Take(id string, layer *fs.Tree) {
	m.do(func(t *transition) error {
		if c, err := t.state.container(id); err == nil && c.held == nil {
			t.adoptLayer(c, layer)
		}
		return nil
	})
}
