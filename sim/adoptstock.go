package sim

import (
	"context"
	"slices"

	"github.com/opencontainers/go-digest"
)

// adoptStock takes over which containers, images and volumes there are: what
// the real engine has and the model lacks, and the other way round. With all,
// it takes over what every container has become, too.
func (s *Session) adoptStock(ctx context.Context, all bool) error {
	containers, err := s.Real.Containers(ctx)
	if err != nil {
		return err
	}
	if err := s.adoptStore(ctx, s.images.real); err != nil {
		return err
	}
	for _, k := range slices.Backward(containers) {
		if _, err := s.Model.State().container(k.ID); err == nil && !all {
			continue
		}
		if err := s.adoptAsIs(ctx, k, containers); err != nil {
			return err
		}
	}
	volumes, err := s.Real.Volumes(ctx)
	if err != nil {
		return err
	}
	return s.Model.do(func(t *transition) error {
		t.dropContainers(containers)
		t.dropImages(s.inModel(s.images.real))
		t.dropVolumes(volumes)
		return nil
	})
}

// adoptAsIs takes over a container as it stands in the real engine.
func (s *Session) adoptAsIs(ctx context.Context, k Container, all []Container) error {
	layer, err := s.Real.Layer(ctx, k.ID)
	if err != nil {
		return ignoreRefusal(err) // it was removed just now
	}
	r := Result{Real: &View{Container: k.ID, Exit: k.Exit, Tree: layer}}
	return s.adoptContainer(ctx, &r, Cmd{Verb: "start"}, all)
}

// inModel are images of the real world by the ids that they have in the model.
func (s *Session) inModel(images []Image) map[digest.Digest]Image {
	out := map[digest.Digest]Image{}
	for _, img := range images {
		id := img.ID
		if other := s.pairs.other(id); other != "" {
			id = other
		}
		out[id] = img
	}
	return out
}

// dropContainers removes the containers that are none of these.
func (t *transition) dropContainers(kept []Container) {
	for _, k := range t.state.Containers() {
		if slices.ContainsFunc(kept, func(o Container) bool { return o.ID == k.ID }) {
			continue
		}
		if c, err := t.state.container(k.ID); err == nil {
			t.adoptRemoval(c, k.Exit)
		}
	}
}

// dropImages removes the images that are none of these, and the names that
// they do not have.
func (t *transition) dropImages(kept map[digest.Digest]Image) {
	for _, img := range t.state.Images() {
		real, ok := kept[img.ID]
		for _, tag := range img.Tags {
			if own, there := t.state.image(img.ID); there && !slices.Contains(real.Tags, tag) {
				t.state = t.state.untag(own, tag)
				t.step("untag", "/", "adopted: %s names no image any more", tag)
			}
		}
		if !ok {
			t.state = t.state.withoutImage(img.ID).withoutUnusedLayers()
			t.step("delete", "/", "adopted: the real engine has image %s no more", Short(img.ID))
		}
	}
}

// dropVolumes removes the volumes that are none of these.
func (t *transition) dropVolumes(kept []Volume) {
	for name := range t.state.volumes.All() {
		if !slices.ContainsFunc(kept, func(v Volume) bool { return v.Name == name }) {
			t.state = t.state.withoutVolume(name)
			t.step("volume", "/", "adopted: the real engine has volume %s no more", shortVolume(name))
		}
	}
}
