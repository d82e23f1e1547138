package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model"
)

// adopt takes over what the real engine made of a command.
func (s *Session) adopt(ctx context.Context, r *sim.Result, cmd sim.Cmd) error {
	if err := s.adoptStore(ctx, s.images.real); err != nil {
		return err
	}
	if r.Real.Container != "" {
		all, err := s.Real.Containers(ctx)
		if err != nil {
			return err
		}
		volumes := s.volumesOf(r.Real.Container, cmd, all)
		if err := s.adoptContainer(ctx, r, cmd, all); err != nil {
			return err
		}
		if err := s.adoptVolumes(ctx, volumes); err != nil {
			return err
		}
	}
	if err := s.adoptInventory(ctx, false); err != nil {
		return err
	}
	r.Steps = append(r.Steps, s.Model.Steps()...)
	s.images.model = s.Model.State().Images()
	return nil
}

// adoptStore takes over images and volumes that the model lacks, and which
// names images have.
func (s *Session) adoptStore(ctx context.Context, images []sim.Image) error {
	volumes, err := s.Real.Volumes(ctx)
	if err != nil {
		return err
	}
	return s.Model.TakeOver(func(a model.Adoption) error {
		for _, img := range slices.Backward(images) {
			a.Tags(img, s.adoptImage(ctx, a, img))
		}
		s.adoptVolumeNames(a, volumes)
		return nil
	})
}

// adoptVolumeNames takes over the volumes that the model lacks.
func (s *Session) adoptVolumeNames(a model.Adoption, volumes []sim.Volume) {
	if s.unread == nil {
		s.unread = map[string]bool{}
	}
	for _, v := range volumes {
		if a.Volume(v) {
			s.unread[v.Name] = true
		}
	}
}

// adoptImage takes over an image that the model lacks, and returns the id that
// it has there.
func (s *Session) adoptImage(ctx context.Context, a model.Adoption, img sim.Image) digest.Digest {
	id := s.modelID(a, img.ID)
	if a.HasImage(id) {
		return id
	}
	lasting := context.WithoutCancel(ctx)
	a.Image(s.pairs.InModel(img), func(i int) (*fs.Tree, error) { return s.realLayer(lasting, img.Layers[i]) })
	return img.ID
}

// realLayer is a layer of the real engine, whichever image has it still.
func (s *Session) realLayer(ctx context.Context, diffID digest.Digest) (*fs.Tree, error) {
	images, err := s.Real.Images(ctx)
	if err != nil {
		return nil, err
	}
	for _, img := range images {
		i := slices.Index(img.Layers, diffID)
		if i < 0 {
			continue
		}
		all, err := s.Real.Layers(ctx, img.ID.String())
		if err != nil {
			return nil, err
		}
		return all[i], nil
	}
	return nil, fmt.Errorf("no image has layer %s any more", sim.Short(diffID))
}

func (s *Session) adoptContainer(ctx context.Context, r *sim.Result, cmd sim.Cmd, all []sim.Container) error {
	id := r.Real.Container
	i := slices.IndexFunc(all, func(k sim.Container) bool { return k.ID == id })
	var printed sim.Output
	if i >= 0 {
		var err error
		if printed, err = s.Real.Logs(ctx, id, false); err != nil {
			return ignoreRefusal(err) // it was removed just now
		}
	}
	return s.Model.TakeOver(func(a model.Adoption) error {
		if i < 0 {
			a.RemoveContainer(id, r.Real.Exit)
			return nil
		}
		b := model.Become{Layer: r.Real.Tree, Printed: printed, Prints: cmd.Verb == "run" || cmd.Verb == "start" || cmd.Verb == sim.VerbLine && cmd.Shell == id}
		if cmd.Verb == sim.VerbLine && r.Real.Shell == "" {
			b.Shell = cmd.Shell
		}
		return a.Container(all[i], b)
	})
}
