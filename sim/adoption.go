package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
)

// What the model cannot know it takes over from the real engine, after the
// command: images with their layers by reference, volumes by name, and what a
// container has become. From there on both worlds agree again.

// adoptionSteps is how many changes of a layer are taken over one by one; the
// rest comes at once.
const adoptionSteps = 1000

// adopt takes over what the real engine made of a command.
func (s *Session) adopt(ctx context.Context, r *Result, cmd Cmd) error {
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
	if err := s.adoptStock(ctx, false); err != nil {
		return err
	}
	r.Steps = append(r.Steps, s.Model.Steps()...)
	s.images.model = s.Model.State().Images()
	return nil
}

// adoptStore takes over images and volumes that the model lacks, and which
// names images have.
func (s *Session) adoptStore(ctx context.Context, images []Image) error {
	volumes, err := s.Real.Volumes(ctx)
	if err != nil {
		return err
	}
	return s.Model.do(func(t *transition) error {
		for _, img := range slices.Backward(images) {
			t.adoptTags(img, s.adoptImage(ctx, t, img))
		}
		s.adoptVolumeNames(t, volumes)
		return nil
	})
}

// adoptVolumeNames takes over the volumes that the model lacks.
func (s *Session) adoptVolumeNames(t *transition, volumes []Volume) {
	if s.unread == nil {
		s.unread = map[string]bool{}
	}
	for _, v := range volumes {
		if _, ok := t.state.volumes.Get(v.Name); !ok {
			t.state = t.state.withVolume(volume{v, emptyDir(0o755, v.Created.UnixNano())})
			t.step("volume", "/", "adopted: the real engine has volume %s, what it holds when it is needed", shortVolume(v.Name))
			s.unread[v.Name] = true
		}
	}
}

// adoptImage takes over an image that the model lacks, and returns the id that
// it has there.
func (s *Session) adoptImage(ctx context.Context, t *transition, img Image) digest.Digest {
	id := s.modelID(t, img.ID)
	if _, ok := t.state.images.Get(id); ok {
		return id
	}
	lasting := context.WithoutCancel(ctx)
	t.adoptImage(s.pairs.inModel(img), func(i int) (*fs.Tree, error) { return s.realLayer(lasting, img.Layers[i]) })
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
	return nil, fmt.Errorf("no image has layer %s any more", Short(diffID))
}

// adoptImage keeps an image whose layers are in the real engine's keeping
// until the model needs their files.
func (t *transition) adoptImage(img Image, read func(i int) (*fs.Tree, error)) {
	for i, diffID := range img.Layers {
		l := layer{tree: sync.OnceValues(func() (*fs.Tree, error) { return read(i) })}
		if i < len(img.Sizes) {
			l.size = img.Sizes[i]
		}
		t.state = t.state.withLayer(diffID, l)
	}
	parent := img
	parent.Tags = nil
	t.keep(parent, nil)
	t.step("adopt", "/", "adopted: image %s and its %d layer(s) are taken over from the real engine, their files when they are needed", Short(img.ID), len(img.Layers))
}

func (t *transition) adoptTags(img Image, id digest.Digest) {
	for _, tag := range img.Tags {
		if have, _ := t.state.image(id); !slices.Contains(have.Tags, tag) {
			t.state = t.state.tag(tag, id)
			t.step("tag", "/", "adopted: %s names image %s", tag, Short(id))
		}
	}
}

func (s *Session) adoptContainer(ctx context.Context, r *Result, cmd Cmd, all []Container) error {
	id := r.Real.Container
	i := slices.IndexFunc(all, func(k Container) bool { return k.ID == id })
	var printed Output
	if i >= 0 {
		var err error
		if printed, err = s.Real.Logs(ctx, id, false); err != nil {
			return ignoreRefusal(err) // it was removed just now
		}
	}
	return s.Model.do(func(t *transition) error {
		c, err := t.state.container(id)
		switch {
		case i < 0 && err != nil:
			return nil
		case i < 0:
			t.adoptRemoval(c, r.Real.Exit)
			return nil
		case err != nil:
			if _, err := t.create(*all[i].Spec); err != nil {
				return err
			}
			c, _ = t.state.container(id)
		}
		t.adoptLayer(c, r.Real.Tree)
		t.adoptLife(all[i], r, cmd, printed)
		return nil
	})
}

// adoptLayer gives a container the layer that it has in the real engine, one
// change after another.
func (t *transition) adoptLayer(c container, layer *fs.Tree) {
	if layer == nil {
		return
	}
	now := c.root().Upper()
	changes := fs.Diff(now, layer)
	for _, change := range changes[:min(len(changes), adoptionSteps)] {
		next, err := fs.Apply(now, []fs.Change{change})
		if err != nil {
			continue // a directory that comes with a later change
		}
		now = next
		t.state = t.state.with(c.on(now))
		t.step(adoptedOp(change), change.Path, "adopted: the real program did this; the model cannot run it")
	}
	if len(changes) > adoptionSteps {
		t.step("adopt", "/", "adopted: %d more changes", len(changes)-adoptionSteps)
	}
	t.state = t.state.with(c.on(layer))
}

func adoptedOp(c fs.Change) string {
	switch {
	case c.Node != nil && c.Node.IsWhiteout():
		return "whiteout"
	case c.Kind == fs.Delete:
		return "remove"
	case c.Kind == fs.Add && c.Node != nil && c.Node.IsDir():
		return "mkdir"
	case c.Kind == fs.Add:
		return "create"
	}
	return "write"
}

// on is the container with this layer as its own.
func (c container) on(layer *fs.Tree) container {
	list := slices.Clone(c.mounts.List())
	old := list[0].FS
	list[0].FS = fs.NewUnion(old.Layers(), old.Lower(), layer)
	c.mounts = fs.NewMounts(list...)
	return c
}

// adoptLife gives a container the state and, of its own process, the output
// that it has in the real engine.
func (t *transition) adoptLife(k Container, r *Result, cmd Cmd, printed Output) {
	c, err := t.state.container(k.ID)
	if err != nil {
		return
	}
	if cmd.Verb == VerbLine && r.Real.Shell == "" {
		c.shells = maps.Clone(c.shells)
		delete(c.shells, cmd.Shell) // its end, if it was the container's own, follows
	}
	switch {
	case k.Status == Running && c.Status != Running:
		t.state = t.state.with(c)
		c = t.adoptStart(c, k)
	case k.Status == Exited && c.Status == Running:
		c = t.adoptExit(c, k)
	}
	c.Status, c.Exit, c.Finished = k.Status, k.Exit, k.Finished
	if cmd.Verb == "run" || cmd.Verb == "start" || cmd.Verb == VerbLine && cmd.Shell == c.ID {
		c.printed = (*spoken)(nil).and(printed)
	}
	t.state = t.state.with(c)
}

// adoptExit ends a container's process as it ended in the real engine.
func (t *transition) adoptExit(c container, k Container) container {
	t.stop(c, k.Exit)
	t.step("exit", "/", "adopted: the process has ended with status %d", k.Exit)
	c, _ = t.state.container(k.ID)
	return c
}

// adoptRemoval removes a container that is no more in the real engine.
func (t *transition) adoptRemoval(c container, exit int) {
	t.stop(c, exit)
	t.remove(c)
	t.removeVolumesOf(c)
}

// adoptStart makes a container run whose program the model does not know.
func (t *transition) adoptStart(c container, k Container) container {
	const why = "its program is not one that the model can run"
	c = t.mountAll(c)
	x := t.execution(c)
	x.p.Args = k.Path
	x.begin(&x.p)
	c.pid, c.Status, c.Started = x.pid, Running, t.now
	if TakesLines(k.Path, k.Interactive) {
		c.shells = map[string]waiting{c.ID: {process: x.p, pid: x.pid, foreign: why}}
	} else {
		c.held = &heldBack{lost: why}
	}
	return c
}
