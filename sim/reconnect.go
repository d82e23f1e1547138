package sim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// broke notes that the real engine cannot be used any more.
func (s *Session) broke(err error, at time.Time) { s.broken, s.stale = err, at }

// keep remembers a command that ran to its end, for [Session.Reconnect].
func (s *Session) keep(ctx context.Context, b *both) {
	if ctx.Err() == nil {
		cmd := b.modelCmd
		cmd.ask, cmd.tell = nil, nil
		s.kept = append(s.kept, cmd)
	}
}

// Reconnect opens a fresh real engine and runs there what was run so far, but
// for what was interrupted, so that it catches up with the model. It returns
// how many commands that were. Files of the host are read again, and none is
// written.
func (s *Session) Reconnect(ctx context.Context) (int, error) {
	if s.Open == nil {
		return 0, errors.New("there is no real engine in this session: start twinlayer with --real")
	}
	fresh, err := s.Open(ctx)
	if err != nil {
		return 0, err
	}
	if s.Real != nil {
		s.Real.Close() // it may be gone; what it left is removed if it can be
	}
	s.Real, s.pairs, s.images.real, s.broken = fresh, Pairs{}, nil, nil
	lasting := s.kept
	if s.apart {
		lasting = s.kept[:s.lasts]
	}
	if err := s.replay(ctx, lasting); err != nil {
		return 0, err
	}
	if s.apart {
		s.setApart(ctx)
	}
	if err := s.replay(ctx, s.kept[len(lasting):]); err != nil {
		return 0, err
	}
	s.pairs.learn(ctx, side{s.Model, s.images.model}, side{s.Real, s.images.real})
	return len(s.kept), nil
}

// replay runs commands in the real world alone.
func (s *Session) replay(ctx context.Context, cmds []Cmd) error {
	for _, cmd := range cmds {
		view, err := World{s.Real, reader{share(s.Host)}}.Do(ctx, cmd)
		if err != nil {
			s.broke(err, s.now())
			return fmt.Errorf("running %q again: %w", cmd.Text, err)
		}
		s.images.real = view.images
	}
	return nil
}

func (s *Session) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

func (s *Session) noReal() string {
	if s.broken != nil {
		return fmt.Sprintf("the real world is stale since %s: %v; reconnect catches up", s.stale.Format(time.TimeOnly), s.broken)
	}
	return "there is no real engine to compare with"
}
