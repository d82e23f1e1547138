package session

import (
	"context"
	"slices"

	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
	"twinlayer/sim/model"
)

// adoptInventory takes over which containers, images and volumes there are: what
// the real engine has and the model lacks, and the other way round. With all,
// it takes over what every container has become, too.
func (s *Session) adoptInventory(ctx context.Context, all bool) error {
	containers, err := s.Real.Containers(ctx)
	if err != nil {
		return err
	}
	if err := s.adoptStore(ctx, s.images.real); err != nil {
		return err
	}
	for _, k := range slices.Backward(containers) {
		if _, err := s.Model.State().Container(k.ID); err == nil && !all {
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
	return s.Model.TakeOver(func(a model.Adoption) error {
		a.KeepContainers(containers)
		a.KeepImages(s.inModel(s.images.real))
		a.KeepVolumes(volumes)
		return nil
	})
}

// adoptAsIs takes over a container as it stands in the real engine.
func (s *Session) adoptAsIs(ctx context.Context, k sim.Container, all []sim.Container) error {
	layer, err := s.Real.Layer(ctx, k.ID)
	if err != nil {
		return ignoreRefusal(err) // it was removed just now
	}
	r := sim.Result{Real: &sim.View{Container: k.ID, Exit: k.Exit, Tree: layer}}
	return s.adoptContainer(ctx, &r, sim.Cmd{Verb: "start"}, all)
}

// inModel are images of the real world by the ids that they have in the model.
func (s *Session) inModel(images []sim.Image) map[digest.Digest]sim.Image {
	out := map[digest.Digest]sim.Image{}
	for _, img := range images {
		id := img.ID
		if other := s.pairs.Other(id); other != "" {
			id = other
		}
		out[id] = img
	}
	return out
}
