//go:build linux

package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// exchanger is a container that exchanges files, fifos, sockets, directories
// and symlinks to a directory of the host for one another all the time, in its
// own layer, over what the image has, and in the volume "shared".
func exchanger(t *testing.T, e *embedded.Engine, outside string) sim.Spec {
	t.Helper()
	_, err := e.Pull(timeout(t), "exchange")
	require.NoError(t, err)
	s := spec("/exchange", outside, "/own", "/etc", "/shared")
	s.Image, s.Mounts = "exchange", []sim.Mount{{Type: sim.InStore, Source: "shared", Target: "/shared"}}
	detached(t, e, s)
	require.Eventually(t, func() bool { _, err := e.CopyOut(timeout(t), s.ID, "/ready"); return err == nil }, 10*time.Second, 10*time.Millisecond)
	return s
}

const secret = "what only the host may read"

// hostsOwn is a directory of the host with the file names that a container
// exchanges.
func hostsOwn(t *testing.T) string {
	outside := scratchDir(t)
	for _, name := range []string{"file", "other", "passwd", "dir/file"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(outside, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(outside, name), []byte(secret), 0o644))
	}
	return outside
}

// walkers are all ways in which the engine reads or writes a container's
// files. Those that may fail, since what they name is not there at times, say
// so; the others must not.
var walkers = map[string]struct {
	mayFail bool
	walk    func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error)
}{
	"diff": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		_, err := e.Changes(ctx, s.ID)
		return nil, err
	}},
	"layer": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return e.Layer(ctx, s.ID)
	}},
	"commit": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return committed(ctx, e, sim.Commit{Container: s.ID, Created: time.Now()})
	}},
	"commit of a paused one": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return committed(ctx, e, sim.Commit{Container: s.ID, Created: time.Now(), Pause: true})
	}},
	"evidence": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		all, err := e.Evidence(ctx, s.ID)
		for _, fact := range all {
			if strings.Contains(fact.Shown, secret) {
				return nil, errors.New("the evidence tells the host's secret")
			}
		}
		return nil, err
	}},
	"export": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return e.CopyOut(ctx, s.ID, "/")
	}},
	"copy of a directory": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return e.CopyOut(ctx, s.ID, "/own")
	}},
	"copy of a volume": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return e.CopyOut(ctx, s.ID, "/shared")
	}},
	"copy of a file": {true, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return e.CopyOut(ctx, s.ID, "/own/dir/file")
	}},
	"copy in": {true, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return nil, e.CopyIn(ctx, s.ID, "/own", newFiles())
	}},
	"copy in, by a name that is exchanged": {true, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return nil, e.CopyIn(ctx, s.ID, "/own/dir", newFiles())
	}},
	"copy into a volume": {true, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		return nil, e.CopyIn(ctx, s.ID, "/shared", newFiles())
	}},
	"another container with the volume": {false, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		other := spec("true")
		other.Mounts = []sim.Mount{{Type: sim.InStore, Source: "shared", Target: "/home"}}
		_, err := e.Create(ctx, other)
		if err == nil {
			_, err = e.Start(ctx, other.ID, false)
		}
		return nil, errors.Join(err, e.RemoveContainer(ctx, other.ID, sim.RemoveOptions{Force: true}))
	}},
	"exec by a user's name": {true, func(ctx context.Context, e *embedded.Engine, s sim.Spec) (*fs.Tree, error) {
		_, err := e.Exec(ctx, s.ID, sim.Process{Args: []string{"true"}, User: "ana"})
		return nil, err
	}},
}

func newFiles() *fs.Tree {
	b := fs.NewBuilder()
	for name, n := range map[string]fs.Node{
		"/dir": {Mode: fs.S_IFDIR | 0o755}, "/dir/file": regular("new"), "/dir/dir": {Mode: fs.S_IFDIR | 0o700}, "/dir/dir/file": regular("new"),
		"/pipe": regular("new"), "/file": {Mode: fs.S_IFIFO | 0o644}, "/door": {Mode: fs.S_IFDIR | 0o755}, "/door/file": regular("new"),
	} {
		if err := b.Put(name, n); err != nil {
			panic(err)
		}
	}
	return b.Tree()
}

// committed is the last layer of an image that a container becomes.
func committed(ctx context.Context, e *embedded.Engine, c sim.Commit) (*fs.Tree, error) {
	img, err := e.Commit(ctx, c)
	if err != nil {
		return nil, err
	}
	layers, err := e.Layers(ctx, img.ID.String())
	if err != nil {
		return nil, err
	}
	_, err = e.RemoveImage(ctx, img.ID.String(), true)
	return layers[len(layers)-1], err
}

// While a container exchanges its files for what cannot be read, or leads to
// the host, whatever walks them comes to an end, has nothing of the host's,
// and changes nothing there.
func TestExchanged(t *testing.T) {
	builtImage(t, "exchange")
	each(t, func(t *testing.T, e *embedded.Engine) {
		outside := hostsOwn(t)
		s := exchanger(t, e, outside)
		for round := range 5 {
			for name, w := range walkers {
				tree, err := w.walk(timeout(t), e, s)
				require.NotErrorIs(t, err, context.DeadlineExceeded, name)
				if !w.mayFail {
					require.NoError(t, err, name)
				}
				if tree != nil {
					requireInside(t, name, tree)
				}
			}
			require.Equal(t, sim.Running, state(t, e, s.ID).Status, round)
		}
		require.Equal(t, "again\n", sh(t, e, "echo again"), "the engine answers")
		for _, name := range []string{"file", "other", "passwd", "dir/file"} {
			text, err := os.ReadFile(filepath.Join(outside, name))
			require.NoError(t, err)
			require.Equal(t, secret, string(text))
		}
		left, err := os.ReadDir(outside)
		require.NoError(t, err)
		require.Len(t, left, 4)
	})
}

func requireInside(t *testing.T, walker string, tree *fs.Tree) {
	t.Helper()
	for p := range tree.All() {
		if p.IsRegular() && p.Size() < 1<<20 {
			text, err := p.Data.Bytes()
			require.NoError(t, err, walker, p.Path)
			require.NotContains(t, string(text), secret, "%s: %s", walker, p.Path)
		}
	}
}
