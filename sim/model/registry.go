package model

import (
	"encoding/json"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/sim"
)

// The model has no network, but it knows one registry: twinlayer's own, as far
// as this session has filled it.

// ownRegistry says whether ref is of twinlayer's own registry.
func (m *Model) ownRegistry(ref string) bool {
	host, _, _, err := sim.SplitRef(ref)
	return err == nil && host != "" && host == m.cfg.LocalRegistry
}

// registryHas says whether the own registry has a layer.
func (s State) registryHas(diffID digest.Digest) bool {
	for have := range s.registry.Values() {
		if slices.Contains(have.Layers, diffID) {
			return true
		}
	}
	return false
}

// pushLocal puts img into the own registry under ref.
func (t *transition) pushLocal(ref string, img image) sim.PushResult {
	manifest := img.manifest()
	p := sim.PushResult{Ref: ref, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	for _, diffID := range slices.Backward(img.Layers) {
		exists := t.state.registryHas(diffID)
		p.Layers = append(p.Layers, sim.PushedLayer{DiffID: diffID, Exists: exists})
		if exists {
			t.step("push", "/", sayLayerThere(sim.Short(diffID)))
		} else {
			t.step("push", "/", sayLayerSent(sim.Short(diffID)))
		}
	}
	t.state.registry = t.state.registry.With(ref, img)
	t.step("push", "/", sayManifestPushed(ref))
	return p
}

// manifest is the image's, with its layers as they are on disk.
func (i image) manifest() []byte {
	config := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: i.ID, Size: int64(len(i.blob))}
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config}
	for n, diffID := range i.Layers {
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffID, Size: i.Sizes[n]})
	}
	b, err := json.Marshal(m)
	must(err)
	return b
}

// pullLocal takes an image from the own registry.
func (t *transition) pullLocal(ref string) (sim.PullResult, error) {
	have, ok := t.state.registry.Get(ref)
	if !ok {
		return sim.PullResult{}, &sim.Unknown{Why: sayShelfKept(ref)}
	}
	p := sim.PullResult{Ref: ref, Digest: digest.FromBytes(have.manifest())}
	old, err := sim.FindImage(t.model.images(t.state), ref)
	if p.UpToDate = err == nil && old.ID == have.ID; p.UpToDate {
		t.step("pull", "/", sayHereAlready(ref))
		return p, nil
	}
	for i, diffID := range have.Layers {
		_, exists := t.state.layers.Get(diffID)
		p.Layers = append(p.Layers, sim.PulledLayer{Digest: diffID, Exists: exists})
		if exists {
			t.step("layer", "/", sayLayerShared(sim.Short(diffID)))
			continue
		}
		t.state = t.state.withLayer(have.layers[i])
		t.step("layer", "/", sayLayerUnpacked(sim.Short(diffID)))
	}
	img := have.Image
	img.Tags, img.Parent = nil, ""
	if old, ok := t.state.image(img.ID); ok {
		img.Parent = old.Parent
	}
	t.addImage(img, have.blob)
	t.state = t.state.tag(ref, img.ID)
	t.step("tag", "/", sayTagged(ref, sim.Short(img.ID)))
	return p, nil
}
