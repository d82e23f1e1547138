//go:build linux

package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/real/embedded/remote"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// push sends what the registry of ref lacks of the image.
func (h *helper) push(ctx context.Context, ref string) (sim.PushResult, error) {
	img, familiar, near, release, err := h.toPush(ref)
	if err != nil {
		return sim.PushResult{}, err
	}
	defer release()
	places, err := h.remote.Locate(ref)
	if err != nil {
		return sim.PushResult{}, err
	}
	repo, err := h.remote.Open(ctx, places[0].Context(), "push,pull")
	if err != nil {
		return sim.PushResult{}, remote.ExplainPush(ctx, ref, err)
	}
	p := &push{h: h, ctx: ctx, repo: repo, near: near, pushed: sim.PushResult{Ref: familiar}}
	if err := p.image(img, places[0].Identifier()); err != nil {
		return sim.PushResult{}, remote.ExplainPush(ctx, ref, err)
	}
	return p.pushed, nil
}

// toPush is the image that ref names, by its name alone, and holds its layers.
// near tells of some of these in which other repository of the same registry
// they may be.
func (h *helper) toPush(ref string) (img *image, familiar string, near map[digest.Digest]string, release func(), err error) {
	if familiar, err = sim.Familiar(ref); err != nil {
		return nil, "", nil, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	images, err := h.allImages()
	if err != nil {
		return nil, "", nil, nil, err
	}
	name := familiar[:strings.LastIndexAny(familiar, ":@")]
	i := slices.IndexFunc(images, func(img *image) bool { return slices.Contains(img.Tags, familiar) })
	if i < 0 {
		other := func(tag string) bool { return strings.HasPrefix(tag, name+":") }
		if slices.ContainsFunc(images, func(img *image) bool { return slices.ContainsFunc(img.Tags, other) }) {
			return nil, "", nil, nil, sim.Refuse("tag does not exist: %s", familiar)
		}
		return nil, "", nil, nil, sim.Refuse("An image does not exist locally with the tag: %s", name)
	}
	release, err = h.store.Hold(images[i].Layers...)
	return images[i], familiar, neighbours(images, familiar), release, err
}

// neighbours are the repositories of ref's registry by the layers of their
// images.
func neighbours(images []*image, ref string) map[digest.Digest]string {
	near := map[digest.Digest]string{}
	host, own, _, _ := sim.SplitRef(ref)
	for _, img := range images {
		for _, tag := range img.Tags {
			registry, repository, _, err := sim.SplitRef(tag)
			if err != nil || registry != host || repository == own {
				continue
			}
			for _, diffID := range img.Layers {
				near[diffID] = repository
			}
		}
	}
	return near
}

// push is one push on its way.
type push struct {
	h      *helper
	ctx    context.Context
	repo   *remote.Repository
	near   map[digest.Digest]string
	pushed sim.PushResult
}

func (p *push) image(img *image, tag string) error {
	var layers []ocispec.Descriptor
	for _, diffID := range img.Layers {
		d, exists, err := p.layer(diffID)
		if err != nil {
			return fmt.Errorf("layer %s: %w", diffID, err)
		}
		layers = append(layers, d)
		p.pushed.Layers = append(p.pushed.Layers, sim.PushedLayer{DiffID: diffID, Exists: exists})
	}
	slices.Reverse(p.pushed.Layers)
	manifest := manifestOf(img.raw, layers)
	if err := p.repo.Put(p.ctx, manifest.Config, func() (io.ReadCloser, error) { return inMemory(img.raw), nil }); err != nil {
		return err
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	p.pushed.Digest, p.pushed.Size = digest.FromBytes(text), int64(len(text))
	return p.repo.PutManifest(p.ctx, tag, ocispec.MediaTypeImageManifest, text)
}

// layer sends a layer, unless the registry has it.
func (p *push) layer(diffID digest.Digest) (d ocispec.Descriptor, exists bool, err error) {
	l, ok := p.h.store.Layer(diffID)
	if !ok {
		return d, false, fmt.Errorf("it is missing in %s", p.h.store.Dir())
	}
	if l.Blob != nil {
		if exists, err = p.repo.Has(p.ctx, l.Blob.Digest); err != nil || exists {
			p.tell(diffID, "Layer already exists")
			return *l.Blob, exists, err
		}
	}
	if from := p.near[diffID]; l.Blob != nil && from != "" {
		// Where that is not to be had, the layer is sent.
		if mounted, err := p.repo.Mount(p.ctx, l.Blob.Digest, from); err == nil && mounted {
			p.tell(diffID, "Mounted from "+from)
			return *l.Blob, true, nil
		}
	}
	// A layer that came without compression goes so, if it is there.
	plain := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffID, Size: l.Length}
	if exists, err = p.repo.Has(p.ctx, diffID); err != nil || exists {
		p.tell(diffID, "Layer already exists")
		return plain, exists, err
	}
	d, open, done, err := p.blob(l)
	if err != nil {
		return d, false, err
	}
	defer done()
	news := &meter{ctx: p.ctx, p: sim.Progress{ID: sim.Short(diffID), Action: "Pushing", Total: d.Size}}
	err = p.repo.Put(p.ctx, d, func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		news.p.Done = 0
		return news.of(r), nil
	})
	if err == nil {
		p.tell(diffID, "Pushed")
	}
	return d, false, err
}

func (p *push) tell(diffID digest.Digest, action string) {
	rpc.Tell(p.ctx, sim.Progress{ID: sim.Short(diffID), Action: action})
}

// blob is a layer as it will travel: as it came, or compressed for the
// occasion.
func (p *push) blob(l store.Layer) (d ocispec.Descriptor, open func() (io.ReadCloser, error), done func(), err error) {
	if l.Blob != nil {
		have := func() (io.ReadCloser, error) { return p.h.store.OpenBlob(l.Blob.Digest) }
		if r, err := have(); err == nil {
			r.Close()
			return *l.Blob, have, func() {}, nil
		}
	}
	f, err := p.h.store.Scratch()
	if err != nil {
		return d, nil, nil, err
	}
	done = func() { f.Close(); os.Remove(f.Name()) }
	if d, err = p.compress(l.DiffID, f); err == nil {
		err = p.h.store.SetBlob(l.DiffID, d)
	}
	if err != nil {
		done()
		return d, nil, nil, p.h.store.Explain(err)
	}
	return d, func() (io.ReadCloser, error) { return os.Open(f.Name()) }, done, nil
}

func (p *push) compress(diffID digest.Digest, f *os.File) (d ocispec.Descriptor, err error) {
	r, err := p.h.store.OpenLayer(diffID)
	if err != nil {
		return d, err
	}
	defer r.Close()
	sum, size := digest.SHA256.Digester(), &counter{}
	z := gzip.NewWriter(io.MultiWriter(f, sum.Hash(), size))
	_, err = io.CopyBuffer(z, &untilDone{p.ctx, r}, make([]byte, 256<<10))
	err = errors.Join(err, z.Close())
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: sum.Digest(), Size: size.n}, err
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// untilDone is a stream that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func inMemory(b []byte) io.ReadCloser { return io.NopCloser(strings.NewReader(string(b))) }
