//go:build linux

package real_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// losing is an engine that ends in one of the calls that a session makes
// before, in or after a command.
type losing struct {
	sim.Engine
	in string
}

func (l losing) lose(call string) {
	if call == l.in {
		l.Close()
	}
}

func (l losing) Images(ctx context.Context) ([]sim.Image, error) {
	l.lose("images")
	return l.Engine.Images(ctx)
}

func (l losing) Refresh(ctx context.Context) (bool, error) {
	l.lose("refresh")
	return l.Engine.Refresh(ctx)
}

func (l losing) Others(ctx context.Context, volumes []string) (sim.Others, error) {
	l.lose("others")
	return l.Engine.Others(ctx, volumes)
}

func (l losing) Create(ctx context.Context, spec sim.Spec) (sim.Container, error) {
	l.lose("create")
	return l.Engine.Create(ctx, spec)
}

func (l losing) Layer(ctx context.Context, key string) (*fs.Tree, error) {
	l.lose("layer")
	return l.Engine.Layer(ctx, key)
}

func (l losing) Troubles(ctx context.Context) ([]say.Phrase, error) {
	l.lose("troubles")
	return l.Engine.Troubles(ctx)
}

// TestStaleSince: wherever in a command the real engine is lost, the session
// says since when.
func TestStaleSince(t *testing.T) {
	for _, in := range []string{"images", "refresh", "others", "create", "layer", "troubles"} {
		t.Run(in, func(t *testing.T) {
			s := bothAt(t, t.TempDir())
			s.Clock = func() time.Time { return time.Date(2026, 5, 4, 13, 14, 15, 0, time.UTC) }
			s.Real = losing{s.Real, in}
			typed(t, s, "docker run -v data:/data busybox touch /data/x")
			require.ErrorAs(t, s.Broken(), new(*sim.Lost))
			r := typed(t, s, "docker ps")
			require.Contains(t, say.Text(r.Differences[0].Reason), "the real world is stale since 13:14:15: ")
		})
	}
}
