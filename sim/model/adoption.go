package model

import (
	"errors"
	"maps"
	"slices"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"

	"github.com/opencontainers/go-digest"
)

// What the model cannot know it takes over from the real engine, after the
// command: images with their layers by reference, volumes by name, and what a
// container has become. From there on both worlds agree again.

// adoptionSteps is how many changes of a layer are taken over one by one; the
// rest comes at once.
const adoptionSteps = 1000

// Adoption is an operation in which the model takes over what a real engine
// has. Each change is a step.
type Adoption struct{ t *transition }

// TakeOver runs an adoption.
func (m *Model) TakeOver(op func(Adoption) error) error {
	return m.do(func(t *transition) error { return op(Adoption{t}) })
}

// HasImage says whether the model has the image id.
func (a Adoption) HasImage(id digest.Digest) bool {
	_, ok := a.t.state.images.Get(id)
	return ok
}

// Image takes over an image whose layers are in the real engine's keeping
// until the model needs their files: read reads the i-th.
func (a Adoption) Image(img sim.Image, read func(i int) (*fs.Tree, error)) {
	for i, diffID := range img.Layers {
		a.t.model.contents.ReadBy(diffID, func() (*fs.Tree, error) { return read(i) })
		l := contents.Layer{DiffID: diffID}
		if i < len(img.Sizes) {
			l.Size = img.Sizes[i]
		}
		a.t.state = a.t.state.withLayer(l)
	}
	parent := img
	parent.Tags = nil
	a.t.addImage(parent, nil)
	a.t.step("adopt", "/", sayAdopted(sayImageTaken(sim.Short(img.ID), len(img.Layers))))
}

// Tags gives the image id the tags of img, too.
func (a Adoption) Tags(img sim.Image, id digest.Digest) {
	for _, tag := range img.Tags {
		if have, _ := a.t.state.image(id); !slices.Contains(have.Tags, tag) {
			a.t.state = a.t.state.tag(tag, id)
			a.t.step("tag", "/", sayAdopted(sayTagTaken(tag, sim.Short(id))))
		}
	}
}

// Untag takes a tag off the image id.
func (a Adoption) Untag(id digest.Digest, tag string) {
	img, _ := a.t.state.image(id)
	a.t.state = a.t.state.untag(img, tag)
}

// RemoveImage removes an image that another session has removed.
func (a Adoption) RemoveImage(id digest.Digest) {
	a.dropImage(id)
	a.t.step("delete", "/", sayAdopted(sayImageRemovedElsewhere(sim.Short(id))))
}

func (a Adoption) dropImage(id digest.Digest) {
	a.t.state = a.t.state.withoutImage(id).withoutUnusedLayers()
}

// KeepImages removes the images that are none of these, and the names that
// they do not have.
func (a Adoption) KeepImages(kept map[digest.Digest]sim.Image) {
	for _, img := range a.t.state.Images() {
		real, ok := kept[img.ID]
		for _, tag := range img.Tags {
			if own, there := a.t.state.image(img.ID); there && !slices.Contains(real.Tags, tag) {
				a.t.state = a.t.state.untag(own, tag)
				a.t.step("untag", "/", sayAdopted(sayUntagged(tag)))
			}
		}
		if !ok {
			a.dropImage(img.ID)
			a.t.step("delete", "/", sayAdopted(sayImageNoMore(sim.Short(img.ID))))
		}
	}
}

// Volume takes over a volume by its name, and says whether it is new.
func (a Adoption) Volume(v sim.Volume) (added bool) {
	if _, ok := a.t.state.volumes.Get(v.Name); ok {
		return false
	}
	a.t.state = a.t.state.withVolume(volume{v, emptyDir(0o755, v.Created.UnixNano())})
	a.t.step("volume", "/", sayAdopted(sayVolumeTaken(shortVolume(v.Name))))
	return true
}

// VolumeTree takes over what a volume holds, one change after another.
func (a Adoption) VolumeTree(name string, tree *fs.Tree) {
	v, ok := a.t.state.volumes.Get(name)
	if !ok {
		return
	}
	changes := fs.Diff(v.tree, tree)
	v.tree = tree
	a.t.state = a.t.state.withVolume(v)
	for _, change := range changes[:min(len(changes), adoptionSteps)] {
		a.t.step(adoptedOp(change), change.Path, sayAdopted(sayVolumeChanged(shortVolume(name))))
	}
	a.more(changes)
}

// more tells of the changes that are not taken over one by one.
func (a Adoption) more(changes []fs.Change) {
	if len(changes) > adoptionSteps {
		a.t.step("adopt", "/", sayAdopted(sayMoreChanges(len(changes)-adoptionSteps)))
	}
}

// RemoveVolume removes a volume that another session has removed.
func (a Adoption) RemoveVolume(name string) {
	a.t.state = a.t.state.withoutVolume(name)
	a.t.step("volume", "/", sayAdopted(sayVolumeRemovedElsewhere(shortVolume(name))))
}

// KeepVolumes removes the volumes that are none of these.
func (a Adoption) KeepVolumes(kept []sim.Volume) {
	for name := range a.t.state.volumes.All() {
		if !slices.ContainsFunc(kept, func(v sim.Volume) bool { return v.Name == name }) {
			a.t.state = a.t.state.withoutVolume(name)
			a.t.step("volume", "/", sayAdopted(sayVolumeNoMore(shortVolume(name))))
		}
	}
}

// Become is what a container has become in the real engine.
type Become struct {
	Layer   *fs.Tree   // its writable layer; nil: as it was
	Printed sim.Output // by its own process
	// Prints says that it was this command's process that printed.
	Prints bool
	Shell  string // the shell in it that has ended; "": none
}

// Container takes over what the container k has become; one that the model
// lacks it creates.
func (a Adoption) Container(k sim.Container, b Become) error {
	c, err := a.t.state.container(k.ID)
	if err != nil {
		if _, err := a.t.create(*k.Spec); err != nil {
			return err
		}
		c, _ = a.t.state.container(k.ID)
	}
	a.t.adoptLayer(c, b.Layer)
	c, err = a.t.state.container(k.ID)
	if err != nil {
		return nil
	}
	if b.Shell != "" {
		c.shells = maps.Clone(c.shells)
		delete(c.shells, b.Shell) // its end, if it was the container's own, follows
	}
	switch {
	case k.Status == sim.Running && c.Status != sim.Running:
		a.t.state = a.t.state.with(c)
		c = a.t.adoptStart(c, k)
	case k.Status == sim.Exited && c.Status == sim.Running:
		c = a.t.adoptExit(c, k)
	}
	c.Status, c.Exit, c.Finished = k.Status, k.Exit, k.Finished
	if b.Prints {
		c.printed = (*contents.Printed)(nil).And(b.Printed)
	}
	a.t.state = a.t.state.with(c)
	return nil
}

// Progress takes over how far the running container k has come, which the
// model cannot follow.
func (a Adoption) Progress(k sim.Container, layer *fs.Tree, printed sim.Output) error {
	c, err := a.t.state.container(k.ID)
	if err != nil {
		return err
	}
	a.t.adoptLayer(c, layer)
	c, err = a.t.state.container(k.ID)
	if err != nil {
		return nil
	}
	if k.Status == sim.Exited {
		c = a.t.adoptExit(c, k)
		c.Status, c.Exit, c.Finished = k.Status, k.Exit, k.Finished
	}
	c.printed = (*contents.Printed)(nil).And(printed)
	a.t.state = a.t.state.with(c)
	return nil
}

// RemoveContainer removes a container that is no more in the real engine; its
// process has ended with that status.
func (a Adoption) RemoveContainer(key string, exit int) {
	if c, err := a.t.state.container(key); err == nil {
		a.t.adoptRemoval(c, exit)
	}
}

// KeepContainers removes the containers that are none of these.
func (a Adoption) KeepContainers(kept []sim.Container) {
	for _, k := range a.t.state.Containers() {
		if !slices.ContainsFunc(kept, func(o sim.Container) bool { return o.ID == k.ID }) {
			a.RemoveContainer(k.ID, k.Exit)
		}
	}
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
		t.step(adoptedOp(change), change.Path, sayAdopted(sayProgramDid))
	}
	Adoption{t}.more(changes)
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
	list[0].FS = vfs.NewUnion(old.Layers(), old.Lower(), layer)
	c.mounts = vfs.NewMounts(list...)
	return c
}

// adoptExit ends a container's process as it ended in the real engine.
func (t *transition) adoptExit(c container, k sim.Container) container {
	t.stop(c, k.Exit)
	t.step("exit", "/", sayAdopted(sayProcessEnded(k.Exit)))
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
func (t *transition) adoptStart(c container, k sim.Container) container {
	c = t.mountAll(c)
	x := t.execution(c)
	x.p.Args = k.Path
	x.begin(&x.p)
	c.pid, c.Status, c.Started = x.pid, sim.Running, t.now
	if sim.IsInteractiveShell(k.Path, k.Interactive) {
		c.shells = map[string]idleShell{c.ID: {process: x.rest(), pid: x.pid, foreign: sayForeignProgram}}
	} else {
		c.held = &detached{lost: sayForeignProgram}
	}
	return c
}

// Lost are the running containers that the model cannot follow.
func (s State) Lost() (ids []string) {
	for _, c := range s.containers.running.Backward() {
		if !c.astray.Empty() || c.held != nil && !c.held.lost.Empty() {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// VolumeNames are the names of the volumes that the model has now.
func (a Adoption) VolumeNames() []string { return a.t.state.VolumeNames() }

// Adopt gives a container of the model, whose program it could not run, the
// layer and the end that the same container had in the real engine. Its
// changes become steps, marked as adopted.
func (m *Model) Adopt(key string, layer *fs.Tree, out sim.Output) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		t.adoptLayer(c, layer)
		c, _ = t.state.container(key)
		if c.Status == sim.Created {
			c.Started, c.Finished = t.now, t.now
		}
		c.Status, c.Exit = sim.Exited, out.Exit
		t.state = t.state.with(c)
		return nil
	})
}

// AdoptRefused notes that the real engine could not start a container.
func (m *Model) AdoptRefused(key string, why error) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		c.Status, c.Exit, c.Started, c.Finished = sim.Created, 1, time.Time{}, time.Time{}
		var r *sim.Refusal
		if errors.As(why, &r) {
			c.Exit = max(r.Exit, 1)
		}
		t.state = t.state.with(c)
		return nil
	})
}

// Note records a step of something larger, as of a build, that changes
// nothing itself.
func (m *Model) Note(op, path string, why say.Phrase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, sim.Step{Event: fs.Event{Op: op, Path: path, Why: why}, After: m.state})
}
