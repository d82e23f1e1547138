package model

import (
	"context"

	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
	"twinlayer/sim/model/contents"
)

// Pull takes an image from the registry.
func (m *Model) Pull(ctx context.Context, ref string) (sim.PullResult, error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	host, repository, version, err := sim.SplitRef(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	if m.ownRegistry(ref) {
		var p sim.PullResult
		err = m.do(func(t *transition) error {
			p, err = t.pullLocal(familiar)
			return err
		})
		return p, err
	}
	if host != "" {
		return sim.PullResult{}, &sim.Unknown{Why: sayNoNetwork(host)}
	}
	artifact, err := m.cfg.Registry.Resolve(ctx, repository, version)
	if err != nil {
		return sim.PullResult{}, unable(err)
	}
	var p sim.PullResult
	err = m.do(func(t *transition) error {
		p, err = t.pull(familiar, artifact)
		return err
	})
	return p, err
}

func (t *transition) pull(ref string, a *sim.Artifact) (sim.PullResult, error) {
	img, err := a.Image()
	if err != nil {
		return sim.PullResult{}, err
	}
	p := sim.PullResult{Ref: ref, Digest: digest.FromBytes(a.Manifest)}
	old, err := sim.FindImage(t.model.images(t.state), ref)
	p.UpToDate = err == nil && old.ID == img.ID
	if p.UpToDate {
		t.step("pull", "/", sayHereAlready(ref))
		return p, nil
	}
	t.step("pull", "/", sayManifest(ref, len(a.Layers)))
	for i, blob := range a.Layers {
		layer, err := t.pullLayer(blob, img.Layers[i])
		if err != nil {
			return p, err
		}
		p.Layers = append(p.Layers, layer)
	}
	t.addImage(img, a.Config)
	t.state = t.state.tag(ref, img.ID)
	t.step("tag", "/", sayTagged(ref, sim.Short(img.ID)))
	return p, nil
}

func (t *transition) pullLayer(blob sim.Blob, diffID digest.Digest) (sim.PulledLayer, error) {
	p := sim.PulledLayer{Digest: blob.Descriptor.Digest}
	if _, p.Exists = t.state.layers.Get(diffID); p.Exists {
		t.step("layer", "/", sayLayerShared(sim.Short(diffID)))
		return p, nil
	}
	tree, err := blob.Tree()
	if err != nil {
		return p, err
	}
	t.state = t.state.withLayer(contents.Layer{DiffID: diffID, Size: tree.Bytes(), Tree: tree})
	t.model.contents.TarBy(diffID, blob.Tar)
	t.step("layer", "/", sayLayerUnpacked(sim.Short(diffID)))
	return p, nil
}

// Images are all images, newest first.
func (m *Model) Images(context.Context) ([]sim.Image, error) {
	return m.images(m.State()), nil
}

// images are those of a State, newest first.
func (m *Model) images(s State) []sim.Image {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listed.images(s)
}

// Image is the image that ref names.
func (m *Model) Image(ctx context.Context, ref string) (sim.Image, error) {
	all, err := m.Images(ctx)
	if err != nil {
		return sim.Image{}, err
	}
	return sim.FindImage(all, ref)
}

// Tag gives an image another reference.
func (m *Model) Tag(_ context.Context, source, target string) error {
	familiar, err := sim.Familiar(target)
	if err != nil {
		return err
	}
	return m.do(func(t *transition) error {
		img, err := sim.FindImage(t.model.images(t.state), source)
		if err != nil {
			return err
		}
		t.state = t.state.tag(familiar, img.ID)
		t.step("tag", "/", sayTaggedOnly(familiar, sim.Short(img.ID)))
		return nil
	})
}

// RemoveImage removes a reference, and with the last one the image.
func (m *Model) RemoveImage(_ context.Context, ref string, force bool) (r sim.RemoveResult, err error) {
	err = m.do(func(t *transition) error {
		r, err = sim.Removal(t.model.images(t.state), t.state.Containers(), t.model.elsewhere, ref, force)
		if err != nil {
			return err
		}
		t.removeImage(ref, r)
		return nil
	})
	return r, err
}

func (t *transition) removeImage(ref string, r sim.RemoveResult) {
	img, _ := sim.FindImage(t.model.images(t.state), ref)
	for _, tag := range r.Untagged {
		full, _ := t.state.image(img.ID)
		t.state = t.state.untag(full, tag)
		t.step("untag", "/", sayUntagged(tag))
	}
	for _, id := range r.Deleted {
		if _, ok := t.state.images.Get(id); ok {
			t.state = t.state.withoutImage(id).withoutUnusedLayers()
			t.step("delete", "/", sayImageDeleted(sim.Short(id)))
		}
	}
}

// withoutUnusedLayers is the state with only the layers that images stand on.
func (s State) withoutUnusedLayers() State {
	used := map[digest.Digest]bool{}
	for img := range s.images.Values() {
		for _, l := range img.Layers {
			used[l] = true
		}
	}
	for d := range s.layers.All() {
		if !used[d] {
			s.layers = s.layers.Without(d)
		}
	}
	return s
}
