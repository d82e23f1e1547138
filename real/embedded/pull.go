//go:build linux

package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"

	"twinlayer/real/embedded/store"
	"twinlayer/sim"
)

// pull fetches what the store lacks of an image and names it.
func (h *helper) pull(ctx context.Context, ref string) (sim.Pulled, error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.Pulled{}, err
	}
	target, err := h.locate(ref)
	if err != nil {
		return sim.Pulled{}, err
	}
	p := &pull{h: h, ref: ref, ctx: ctx}
	p.pulled.Ref = familiar
	if err := p.fetch(target); err != nil {
		return sim.Pulled{}, p.explain(err)
	}
	return p.pulled, nil
}

// locate is where ref is to be had. A short name is the registry's of the
// configuration; a full one means what it says.
func (h *helper) locate(ref string) (name.Reference, error) {
	registry, repository, version, err := sim.SplitRef(ref)
	if err != nil {
		return nil, err
	}
	full := ref
	if registry == "" && h.cfg.Registry != "" {
		separator := ":"
		if digest.Digest(version).Validate() == nil {
			separator = "@"
		}
		full = h.cfg.Registry + "/" + repository + separator + version
	}
	target, err := name.ParseReference(full)
	if err != nil {
		return nil, sim.Refuse("invalid reference format: %v", err)
	}
	return target, nil
}

// pull is one pull on its way.
type pull struct {
	h      *helper
	ctx    context.Context
	ref    string
	img    *image
	pulled sim.Pulled
}

func (p *pull) fetch(target name.Reference) error {
	desc, err := remote.Get(target, remote.WithContext(p.ctx),
		remote.WithTransport(&guarded{plain: p.h.cfg.Registry}),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return err
	}
	remote, err := desc.Image()
	if err != nil {
		return err
	}
	p.pulled.Digest = digest.Digest(desc.Digest.String())
	batch, err := p.h.store.Batch()
	if err != nil {
		return err
	}
	defer batch.Abort()
	if err := p.config(remote); err != nil {
		return err
	}
	p.img.own = isBundled(p.img.Config) && p.short()
	batch.Cached = p.img.own
	release, err := p.h.store.Hold(p.img.Layers...)
	if err != nil {
		return err
	}
	defer release()
	if err := p.layers(batch, remote); err != nil {
		return err
	}
	p.pulled.UpToDate, err = p.h.keep(batch, p.img, p.pulled.Ref)
	return err
}

// short says whether the reference names no registry.
func (p *pull) short() bool {
	registry, _, _, err := sim.SplitRef(p.ref)
	return err == nil && registry == ""
}

// config gets the configuration.
func (p *pull) config(remote v1.Image) error {
	config, err := remote.RawConfigFile()
	if err != nil {
		return err
	}
	p.img, err = newImage(config, "")
	return err
}

// layers gets the layers that the store lacks.
func (p *pull) layers(batch *store.Batch, remote v1.Image) error {
	layers, err := remote.Layers()
	if err != nil {
		return err
	}
	if len(layers) != len(p.img.Layers) {
		return fmt.Errorf("the image %s is damaged: %d layers, but %d diffIDs: tell whoever made it", p.ref, len(layers), len(p.img.Layers))
	}
	seen, err := p.h.known()
	if err != nil {
		return err
	}
	for i, layer := range layers {
		hash, err := layer.Digest()
		if err != nil {
			return err
		}
		blob, diffID := digest.Digest(hash.String()), p.img.Layers[i]
		p.pulled.Layers = append(p.pulled.Layers, sim.PulledLayer{Digest: blob, Exists: seen[diffID]})
		if _, have := batch.Have(diffID); have {
			continue
		}
		if err := p.layer(batch, layer, blob, diffID); err != nil {
			return err
		}
	}
	return nil
}

func (p *pull) layer(batch *store.Batch, layer v1.Layer, blob, diffID digest.Digest) error {
	r, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer r.Close()
	mediaType, err := layer.MediaType()
	if err != nil {
		return err
	}
	got, err := batch.Layer(r, string(mediaType))
	switch {
	case err != nil:
		return fmt.Errorf("layer %s: %w", blob, err)
	case got.DiffID != diffID:
		return store.Corrupt("content with diffID", diffID, got.DiffID)
	}
	return nil
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

// explain puts what a registry answers into docker's words.
func (p *pull) explain(err error) error {
	var answer *transport.Error
	switch {
	case p.ctx.Err() != nil:
		return p.ctx.Err()
	case !errors.As(err, &answer):
		return p.unreachable(err)
	}
	says := func(codes ...transport.ErrorCode) bool {
		return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
	}
	switch {
	case says(transport.ManifestUnknownErrorCode):
		return sim.ManifestUnknown(p.ref)
	case says(transport.NameUnknownErrorCode, transport.DeniedErrorCode, transport.UnauthorizedErrorCode),
		answer.StatusCode == 401, answer.StatusCode == 403:
		return sim.PullDenied(p.ref)
	case answer.StatusCode == 404:
		return sim.ManifestUnknown(p.ref)
	}
	return fmt.Errorf("pulling %s: %w", p.ref, err)
}
