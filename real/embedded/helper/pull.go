//go:build linux

package helper

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/real/embedded/remote"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// pull fetches what the store lacks of an image and names it.
func (h *helper) pull(ctx context.Context, ref string) (sim.PullResult, error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	sources, err := h.remote.Locate(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	p := &pull{h: h, ref: ref}
	p.pulled.Ref = familiar
	if err := p.any(ctx, sources); err != nil {
		return sim.PullResult{}, remote.ExplainPull(ctx, ref, err)
	}
	return p.pulled, nil
}

// pull is one pull on its way.
type pull struct {
	h      *helper
	ref    string
	pulled sim.PullResult
}

// any fetches the image from the first source that has it.
func (p *pull) any(ctx context.Context, sources []name.Reference) error {
	var first error
	for _, source := range sources {
		found, err := p.h.remote.Find(ctx, source)
		if err == nil {
			return p.fetch(ctx, found)
		}
		if first == nil {
			first = err
		}
		if !remote.Unknown(err) {
			break
		}
	}
	return first
}

func (p *pull) fetch(ctx context.Context, found *remote.Image) error {
	img, err := newImage(found.Config, "")
	if err != nil {
		return err
	}
	p.pulled.Digest = found.Digest
	layers := found.Manifest.Layers
	if len(layers) != len(img.Layers) {
		return fmt.Errorf("the image is damaged: %d layers, but %d diffIDs: tell whoever made it", len(layers), len(img.Layers))
	}
	img.own = found.Repo.Local() && isBundled(img.Config) && p.short()
	batch, err := p.h.store.Batch()
	if err != nil {
		return err
	}
	defer batch.Abort()
	batch.Cached = img.own
	release, err := p.h.store.Hold(img.Layers...)
	if err != nil {
		return err
	}
	defer release()
	if err := p.layers(ctx, batch, found, img); err != nil {
		return err
	}
	p.pulled.UpToDate, err = p.h.keep(batch, img, p.pulled.Ref)
	return err
}

// short says whether the reference names no registry.
func (p *pull) short() bool {
	registry, _, _, err := sim.SplitRef(p.ref)
	return err == nil && registry == ""
}

// downloads is how many layers come at the same time, as docker has it.
const downloads = 3

// layers gets the layers that the store lacks.
func (p *pull) layers(ctx context.Context, batch *store.Batch, found *remote.Image, img *image) error {
	seen, err := p.h.known()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	free, begun := make(chan bool, downloads), map[digest.Digest]bool{}
	for i, blob := range found.Manifest.Layers {
		diffID := img.Layers[i]
		p.pulled.Layers = append(p.pulled.Layers, sim.PulledLayer{Digest: blob.Digest, Exists: seen[diffID]})
		_, have := batch.Have(diffID)
		have = have || begun[diffID]
		begun[diffID] = begun[diffID] || !have
		tellBegin(ctx, blob.Digest, have, len(begun) > downloads)
		if have {
			continue
		}
		all.Go(func() {
			free <- true
			defer func() { <-free }()
			if err := p.layer(ctx, batch, found.Repo, blob, diffID); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// tellBegin tells of a layer before anything of it has come.
func tellBegin(ctx context.Context, blob digest.Digest, have, waits bool) {
	p := sim.Progress{ID: sim.Short(blob), Action: "Pulling fs layer"}
	switch {
	case have:
		p.Action = "Already exists"
	case waits:
		p.Action = "Waiting"
	}
	rpc.Tell(ctx, p)
}

// layer gets one layer.
func (p *pull) layer(ctx context.Context, batch *store.Batch, repo *remote.Repository, blob ocispec.Descriptor, diffID digest.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	news := &meter{ctx: ctx, p: sim.Progress{ID: sim.Short(blob.Digest), Action: "Downloading", Total: blob.Size}, then: "Extracting"}
	fetch := func(from int64) io.ReadCloser {
		news.p.Done = from
		return news.of(repo.Blob(ctx, blob, from))
	}
	got, err := p.get(batch, repo, blob, fetch)
	switch {
	case err != nil:
		return fmt.Errorf("layer %s: %w", blob.Digest, err)
	case got.DiffID != diffID:
		return store.Corrupt("the content with the diffID", diffID, got.DiffID)
	}
	news.p.Total = 0 // docker then shows no bar
	news.tell("Pull complete")
	return nil
}

// get adds a layer to the batch. What this machine itself serves is not worth
// a copy of what is there in part.
func (p *pull) get(batch *store.Batch, repo *remote.Repository, blob ocispec.Descriptor, fetch func(int64) io.ReadCloser) (store.Layer, error) {
	if !repo.Local() {
		return batch.Download(blob, fetch)
	}
	r := fetch(0)
	defer r.Close()
	l, err := batch.Layer(r)
	got := l.DiffID
	if l.Blob != nil {
		got = l.Blob.Digest
	}
	if err == nil && got != blob.Digest {
		err = store.Corrupt("layer", blob.Digest, got)
	}
	return l, err
}

// known are the layers of all images. Those that are only cached do not count:
// nobody can see them.
func (h *helper) known() (map[digest.Digest]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	images, err := h.imageValues()
	known := map[digest.Digest]bool{}
	for _, img := range images {
		for _, diffID := range img.Layers {
			known[diffID] = true
		}
	}
	return known, err
}

// meter tells how much of a stream has passed, now and then.
type meter struct {
	ctx  context.Context
	p    sim.Progress
	last time.Time
	then string // the action when all has passed; "": the same
}

// of is the stream r with the meter in it.
func (m *meter) of(r io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r, m), r}
}

func (m *meter) Write(b []byte) (int, error) {
	m.p.Done += int64(len(b))
	if m.p.Done == m.p.Total {
		m.tell(cmp.Or(m.then, m.p.Action))
	} else if time.Since(m.last) > 100*time.Millisecond {
		m.tell(m.p.Action)
	}
	return len(b), nil
}

func (m *meter) tell(action string) {
	m.p.Action, m.last = action, time.Now()
	rpc.Tell(m.ctx, m.p)
}
