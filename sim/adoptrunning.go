package sim

import (
	"context"
	"errors"
	"slices"

	"twinlayer/fs"
)

// adoptRunning takes over how far the containers have come that run what the
// model cannot follow, and says whether there are any that still run.
func (s *Session) adoptRunning(ctx context.Context) bool {
	lost := s.Model.State().lost()
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
	return len(s.Model.State().lost()) > 0
}

// lost are the running containers that the model cannot follow.
func (s State) lost() (ids []string) {
	for _, c := range s.containers.running.Backward() {
		if c.astray != "" || c.held != nil && c.held.lost != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (s *Session) adoptProgress(ctx context.Context, id string, all []Container) error {
	volumes := s.volumesOf(id, Cmd{}, nil)
	var layer *fs.Tree
	var printed Output
	i := slices.IndexFunc(all, func(k Container) bool { return k.ID == id })
	if i >= 0 {
		var err error
		if layer, err = s.Real.Layer(ctx, id); err != nil {
			return ignoreRefusal(err) // it was removed just now
		}
		if printed, err = s.Real.Logs(ctx, id, false); err != nil {
			return ignoreRefusal(err)
		}
	}
	err := s.Model.do(func(t *transition) error {
		c, err := t.state.container(id)
		if err != nil {
			return err
		}
		if i < 0 {
			t.adoptRemoval(c, 0)
			return nil
		}
		t.adoptLayer(c, layer)
		t.adoptEnd(all[i], printed)
		return nil
	})
	if err != nil {
		return err
	}
	return s.adoptVolumes(ctx, volumes)
}

// adoptEnd gives a container the output that it has in the real engine, and
// its end if it has ended.
func (t *transition) adoptEnd(k Container, printed Output) {
	c, err := t.state.container(k.ID)
	if err != nil {
		return
	}
	if k.Status == Exited {
		c = t.adoptExit(c, k)
		c.Status, c.Exit, c.Finished = k.Status, k.Exit, k.Finished
	}
	c.printed = (*spoken)(nil).and(printed)
	t.state = t.state.with(c)
}

func ignoreRefusal(err error) error {
	if errors.As(err, new(*Refusal)) {
		return nil
	}
	return err
}
