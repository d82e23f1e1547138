package session

import (
	"context"
	"errors"
	"slices"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model"
)

// adoptRunning takes over how far the containers have come that run what the
// model cannot follow, and says whether there are any that still run.
func (s *Session) adoptRunning(ctx context.Context) bool {
	lost := s.Model.State().Lost()
	if len(lost) == 0 || s.Real == nil || s.broken != nil {
		return false
	}
	all, err := s.Real.Containers(ctx)
	for _, id := range lost {
		if err == nil {
			err = s.adoptProgress(ctx, id, all)
		}
	}
	s.fell(err)
	return len(s.Model.State().Lost()) > 0
}

func (s *Session) adoptProgress(ctx context.Context, id string, all []sim.Container) error {
	volumes := s.volumesOf(id, sim.Cmd{}, nil)
	var layer *fs.Tree
	var printed sim.Output
	i := slices.IndexFunc(all, func(k sim.Container) bool { return k.ID == id })
	if i >= 0 {
		var err error
		if layer, err = s.Real.Layer(ctx, id); err != nil {
			return ignoreRefusal(err) // it was removed just now
		}
		if printed, err = s.Real.Logs(ctx, id, false); err != nil {
			return ignoreRefusal(err)
		}
	}
	err := s.Model.TakeOver(func(a model.Adoption) error {
		if i < 0 {
			a.RemoveContainer(id, 0)
			return nil
		}
		return a.Progress(all[i], layer, printed)
	})
	if err != nil {
		return err
	}
	return s.adoptVolumes(ctx, volumes)
}

func ignoreRefusal(err error) error {
	if errors.As(err, new(*sim.Refusal)) {
		return nil
	}
	return err
}
