package model

import (
	"slices"
	"strings"
	"time"
	"twinlayer/fs/persist"
	"twinlayer/fs/vfs"
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"
	"twinlayer/sim/userland"

	"github.com/opencontainers/go-digest"
)

// State is everything the model knows at one moment: the machine, the images
// and the containers. It is an immutable value; what changes it returns a new
// one that shares the rest.
type State struct {
	Machine    kernel.Machine
	images     persist.Map[digest.Digest, *image]
	layers     persist.Map[digest.Digest, contents.Layer] // by diffID, one copy each
	volumes    persist.Map[string, volume]
	registry   persist.Map[string, image] // twinlayer's own registry, by reference
	containers containers
	focus      string // the id of the container that changed last
}

// containers are all containers by number, and what leads to them. The number
// is the time of creation, in nanoseconds, or the next that is free: the clock
// may have been set back since the last one.
type containers struct {
	all     persist.Map[int64, *container]
	ids     persist.Map[string, int64]
	names   persist.Map[string, int64]
	running persist.Map[int64, *container]
}

// free is the number of a container that is created then.
func (c containers) free(created time.Time) int64 {
	n := created.UnixNano()
	for _, taken := c.all.Get(n); taken; _, taken = c.all.Get(n) {
		n++
	}
	return n
}

// container is a container with all that is in it.
type container struct {
	sim.Container
	number  int64       // see [containers]; what the state that it is in says counts
	image   *image      // what it was made from
	process sim.Process // its own
	mounts  *vfs.Mounts // a snapshot
	ns      kernel.Namespaces
	pid     int // of its own process, on the host; 0 where it does not run
	shells  map[string]idleShell
	printed *contents.Printed // by its own process in all its starts
	held    *detached         // its own process, where it waits for the clock; nil: it does not
	unread  say.Phrase        // why the model does not have all of its image
	astray  say.Phrase        // why the model cannot tell any more what jobs do in it
}

// idleShell is a shell between two lines.
type idleShell struct {
	*userland.Shell
	process resting
	pid     int
	foreign say.Phrase // why the model cannot know what it does; "": it can
	jobs    []leftJob
	orphans []leftJob // that are no jobs of its own
}

// Images are the images that a tag names, newest first.
func (s State) Images() []sim.Image {
	var out []sim.Image
	for img := range s.images.Values() {
		out = append(out, img.Image)
	}
	slices.SortFunc(out, sim.CompareImages)
	return out
}

// Containers are all containers, newest first.
func (s State) Containers() []sim.Container {
	out := make([]sim.Container, 0, s.containers.all.Len())
	for _, c := range s.containers.all.Backward() {
		out = append(out, c.Container)
	}
	return out
}

// container is the container that key names; see [FindContainer].
func (s State) container(key string) (container, error) {
	n, err := s.containers.find(key)
	if err != nil {
		return container{Container: sim.Container{Spec: &sim.Spec{}}}, err
	}
	c, _ := s.containers.all.Get(n)
	return *c, nil
}

// find is the number of the container that key names.
func (c containers) find(key string) (int64, error) {
	if n, ok := c.ids.Get(key); ok {
		return n, nil
	}
	if n, ok := c.names.Get(strings.TrimPrefix(key, "/")); ok {
		return n, nil
	}
	var found []int64
	for id, n := range c.ids.From(key) {
		if key == "" || !strings.HasPrefix(id, key) || len(found) > 1 {
			break
		}
		found = append(found, n)
	}
	if len(found) != 1 {
		return 0, sim.NotOne(key, len(found))
	}
	return found[0], nil
}

// Holder is [Holder] among the containers of s.
func (s State) Holder(name string) string {
	n, ok := s.containers.names.Get(name)
	if !ok {
		return ""
	}
	c, _ := s.containers.all.Get(n)
	return c.ID
}

// shell is the container that the waiting shell key is in.
func (s State) shell(key string) (container, idleShell, error) {
	for c := range s.containers.running.Values() {
		if sh, ok := c.shells[key]; ok {
			return *c, sh, nil
		}
	}
	return container{}, idleShell{}, sim.Refuse("no shell waits for lines in container %s; open one with docker exec -it", sim.Short(key))
}

// with is the state with c in the place of the container of its id, or added.
func (s State) with(c container) State {
	in := &s.containers
	if n, there := in.ids.Get(c.ID); there {
		c.number = n
	} else {
		c.number = in.free(c.Created)
		in.ids, in.names = in.ids.With(c.ID, c.number), in.names.With(c.Name, c.number)
	}
	c.mounts = c.mounts.Snapshot()
	in.all, in.running = in.all.With(c.number, &c), in.running.Without(c.number)
	if c.Status == sim.Running {
		in.running = in.running.With(c.number, &c)
	}
	s.focus = c.ID
	return s
}

func (s State) without(c container) State {
	in := &s.containers
	in.all, in.running = in.all.Without(c.number), in.running.Without(c.number)
	in.ids, in.names = in.ids.Without(c.ID), in.names.Without(c.Name)
	return s
}

// withImage is the state with img in the place of the image of its id.
func (s State) withImage(img image) State {
	s.images = s.images.With(img.ID, &img)
	return s
}

func (s State) withoutImage(id digest.Digest) State {
	s.images = s.images.Without(id)
	return s
}

// image is the image of an id.
func (s State) image(id digest.Digest) (image, bool) {
	img, ok := s.images.Get(id)
	if !ok {
		return image{}, false
	}
	return *img, true
}

// layer is the layer of a diffID, which must be there.
func (s State) layer(diffID digest.Digest) contents.Layer {
	l, _ := s.layers.Get(diffID)
	return l
}

// withLayer is the state with one more layer; one that is there already stays.
func (s State) withLayer(l contents.Layer) State {
	if _, ok := s.layers.Get(l.DiffID); !ok {
		s.layers = s.layers.With(l.DiffID, l)
	}
	return s
}

// tag makes ref name the image id, and no other.
func (s State) tag(ref string, id digest.Digest) State {
	for img := range s.images.Values() {
		if img.ID != id && slices.Contains(img.Tags, ref) {
			s = s.untag(*img, ref)
		}
	}
	img, _ := s.image(id)
	if !slices.Contains(img.Tags, ref) {
		img.Tags = slices.Sorted(slices.Values(append(slices.Clip(img.Tags), ref)))
	}
	return s.withImage(img)
}

func (s State) untag(img image, ref string) State {
	img.Tags = slices.DeleteFunc(slices.Clone(img.Tags), func(t string) bool { return t == ref })
	return s.withImage(img)
}

// root is a container's root file system.
func (c container) root() *vfs.Union { return c.mounts.Root() }

// Container is the container that key names; see [FindContainer].
func (s State) Container(key string) (sim.Container, error) {
	c, err := s.container(key)
	return c.Container, err
}

// VolumeNames are the names of all volumes, in order.
func (s State) VolumeNames() (names []string) {
	for name := range s.volumes.All() {
		names = append(names, name)
	}
	return names
}
