package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/helper"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Engine is a running engine. Its methods are calls to the helper; see
// [sim.Engine].
type Engine struct {
	client *rpc.Client
	pid    int          // the helper's
	wait   func() error // for the helper's end, once
	close  sync.Once

	mu    sync.Mutex
	known knownLayer          // the container's layer that was read last
	trees map[string]*fs.Tree // of images' layers, by directory
}

var _ sim.Engine = (*Engine)(nil)

// errGone is the error of every call once the helper has ended.
var errGone = &sim.Lost{Err: errors.New("the embedded engine has ended unexpectedly and its containers with it; the model goes on")}

// call calls the helper.
func call[R any](ctx context.Context, e *Engine, method string, args any) (R, error) {
	r, err := rpc.Call[R](ctx, e.client, method, args)
	switch {
	case errors.Is(err, rpc.ErrGone):
		err = errGone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = ctx.Err() // which the helper knows only as the end of its own
	}
	return r, err
}

// Name is [sim.Embedded].
func (e *Engine) Name() string { return sim.Embedded }

// Info tells about the kernel.
func (e *Engine) Info(ctx context.Context) (sim.Info, error) {
	return call[sim.Info](ctx, e, "info", rpc.None(true))
}

// Pull fetches an image; see [sim.WithProgress].
func (e *Engine) Pull(ctx context.Context, ref string) (sim.PullResult, error) {
	return call[sim.PullResult](listening(ctx), e, "pull", ref)
}

// Push sends an image to its registry; see [sim.WithProgress].
func (e *Engine) Push(ctx context.Context, ref string) (sim.PushResult, error) {
	return call[sim.PushResult](listening(ctx), e, "push", ref)
}

// Images lists all images.
func (e *Engine) Images(ctx context.Context) ([]sim.Image, error) {
	packed, err := call[[]helper.PackedImage](ctx, e, "images", rpc.None(true))
	if err != nil {
		return nil, err
	}
	images := make([]sim.Image, len(packed))
	for i, p := range packed {
		if images[i], err = p.Unpack(); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// Image finds an image.
func (e *Engine) Image(ctx context.Context, ref string) (sim.Image, error) {
	p, err := call[helper.PackedImage](ctx, e, "image", ref)
	if err != nil {
		return sim.Image{}, err
	}
	return p.Unpack()
}

// Tag gives an image another name.
func (e *Engine) Tag(ctx context.Context, source, target string) error {
	_, err := call[rpc.None](ctx, e, "tag", helper.TagArgs{Source: source, Target: target})
	return err
}

// RemoveImage removes a name or an image.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) (sim.RemoveResult, error) {
	return call[sim.RemoveResult](ctx, e, "removeImage", helper.RemoveArgs{Name: ref, Force: force})
}

// Containers lists all containers.
func (e *Engine) Containers(ctx context.Context) ([]sim.Container, error) {
	return call[[]sim.Container](ctx, e, "containers", rpc.None(true))
}

// Overview is what a view tells of all containers.
func (e *Engine) Overview(ctx context.Context) ([]sim.ContainerView, error) {
	all, err := call[[]sim.ContainerView](ctx, e, "overview", rpc.None(true))
	return append([]sim.ContainerView{}, all...), err
}

// Container finds a container.
func (e *Engine) Container(ctx context.Context, key string) (sim.Container, error) {
	return call[sim.Container](ctx, e, "container", key)
}

// Create makes a container.
func (e *Engine) Create(ctx context.Context, spec sim.Spec) (sim.Container, error) {
	return call[sim.Container](ctx, e, "create", spec)
}

// Start runs a container. When ctx ends, the container is killed, unless it
// runs detached.
func (e *Engine) Start(ctx context.Context, container string, detach bool) (sim.Output, error) {
	return call[sim.Output](listening(ctx), e, "start", helper.StartArgs{Container: container, Detach: detach})
}

// Exec runs one more process. When ctx ends, the process is killed.
func (e *Engine) Exec(ctx context.Context, container string, p sim.Process) (sim.Output, error) {
	return call[sim.Output](listening(ctx), e, "exec", helper.ExecArgs{Container: container, Process: p})
}

// Line hands a shell a line. When ctx ends, what the line started is killed,
// and the shell too if that does not bring it back.
func (e *Engine) Line(ctx context.Context, shell, line string) (sim.Output, error) {
	return call[sim.Output](listening(ctx), e, "line", helper.LineArgs{Shell: shell, Line: line})
}

// Hangup ends a shell's input.
func (e *Engine) Hangup(ctx context.Context, shell string) (sim.Output, error) {
	return call[sim.Output](listening(ctx), e, "hangup", shell)
}

// Changes lists what a container changed.
func (e *Engine) Changes(ctx context.Context, container string) ([]fs.Change, error) {
	packed, err := call[[]helper.Change](ctx, e, "changes", container)
	if err != nil {
		return nil, err
	}
	changes := make([]fs.Change, len(packed))
	for i, c := range packed {
		changes[i] = fs.Change{Kind: c.Kind, Path: c.Path}
	}
	return changes, nil
}

// Layer reads a container's layer. The contents of its files stay in a file
// of the engine's and can be read until Close.
func (e *Engine) Layer(ctx context.Context, container string) (*fs.Tree, error) {
	known := e.lastLayer(container)
	l, err := call[helper.PackedLayer](ctx, e, "layer", helper.LayerArgs{Container: container, Known: known.stamp})
	if err != nil {
		return nil, err
	}
	if l.Contents == "" {
		return known.tree, nil
	}
	tree, err := received(l, known.tree)
	if err == nil {
		tree.DigestAfter(known.tree)
	}
	if err == nil && l.Settled {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.known = knownLayer{container, l.Stamp, tree}
	}
	return tree, err
}

// knownLayer is a container's layer that was read, and the stamp of its state.
type knownLayer struct {
	container, stamp string
	tree             *fs.Tree
}

func (e *Engine) lastLayer(container string) knownLayer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known.container != container {
		return knownLayer{}
	}
	return e.known
}

// received is a tree that the helper read; before is the one that it knows of.
// Its contents lie in a file without a name, which goes with the tree.
func received(l helper.PackedLayer, before *fs.Tree) (*fs.Tree, error) {
	defer os.Remove(l.Contents)
	f, err := os.Open(l.Contents)
	if err != nil {
		return nil, fmt.Errorf("reading what the engine read: %w", err)
	}
	return overlay.Tree(l.Entries, f, before)
}

// Close ends the helper, and every container with it, and waits for that.
func (e *Engine) Close() (err error) {
	e.close.Do(func() {
		e.client.Close()
		err = e.wait()
	})
	return err
}

// Refresh sees what other sessions have made of images and volumes.
func (e *Engine) Refresh(ctx context.Context) (bool, error) {
	return call[bool](ctx, e, "refresh", rpc.None(true))
}

// Others tells what the containers of other sessions have, and which of these
// volumes they wrote to.
func (e *Engine) Others(ctx context.Context, volumes []string) (sim.Others, error) {
	return call[sim.Others](ctx, e, "others", volumes)
}

// SetScratch keeps what becomes of images and volumes to this session, until it is
// called with false.
func (e *Engine) SetScratch(ctx context.Context, apart bool) error {
	_, err := call[rpc.None](ctx, e, "apart", apart)
	return err
}

// Troubles are what the engine has found damaged on its disk since the last
// call.
func (e *Engine) Troubles(ctx context.Context) ([]say.Phrase, error) {
	return call[[]say.Phrase](ctx, e, "troubles", rpc.None(true))
}

// Verify holds all that lies in the data directory against its digests.
func (e *Engine) Verify(ctx context.Context) (store.Verified, error) {
	return call[store.Verified](ctx, e, "verify", rpc.None(true))
}
