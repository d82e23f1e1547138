package sim

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim/userland"
)

// State is everything the model knows at one moment: the machine, the images
// and the containers. It is an immutable value; what changes it returns a new
// one that shares the rest.
type State struct {
	Machine    kernel.Machine
	images     map[digest.Digest]image
	layers     map[digest.Digest]layer // by diffID, one copy each
	volumes    map[string]volume
	shelf      map[string]shelved // twinlayer's own registry, by reference
	containers []container        // oldest first
	focus      string             // the id of the container that changed last
}

// container is a container with all that is in it.
type container struct {
	Container
	image   image   // what it was made from
	process Process // its own
	mounts  *fs.Mounts
	ns      kernel.Namespaces
	pid     int // of its own process, on the host; 0 where it does not run
	shells  map[string]waiting
	printed Output    // by its own process in all its starts
	held    *heldBack // its own process, where it waits for the clock; nil: it does not
	astray  string    // why the model cannot tell any more what jobs do in it; ""
}

// waiting is a shell between two lines.
type waiting struct {
	*userland.Shell
	process userland.Process
	pid     int
	foreign string // why the model cannot know what it does; "": it can
	jobs    []leftJob
}

// Images are the images that a tag names, newest first.
func (s State) Images() []Image {
	var out []Image
	for _, img := range s.images {
		out = append(out, img.Image)
	}
	slices.SortFunc(out, CompareImages)
	return out
}

// CompareImages puts the newest first; of one time, those with the longest
// history, then by name, and then by id, so that all engines list alike.
func CompareImages(a, b Image) int {
	return cmp.Or(created(b).Compare(created(a)), len(b.Config.History)-len(a.Config.History), slices.Compare(a.Tags, b.Tags), strings.Compare(string(a.ID), string(b.ID)))
}

// Containers are all containers, newest first.
func (s State) Containers() []Container {
	var out []Container
	for _, c := range slices.Backward(s.containers) {
		out = append(out, c.Container)
	}
	return out
}

// container is the container that key names.
func (s State) container(key string) (container, error) {
	found, err := FindContainer(s.Containers(), key)
	if err != nil {
		return container{}, err
	}
	i := slices.IndexFunc(s.containers, func(c container) bool { return c.ID == found.ID })
	return s.containers[i], nil
}

// shell is the container that the waiting shell key is in.
func (s State) shell(key string) (container, waiting, error) {
	for _, c := range s.containers {
		if sh, ok := c.shells[key]; ok {
			return c, sh, nil
		}
	}
	return container{}, waiting{}, Refuse("no shell waits for lines in container %s; open one with docker exec -it", Short(key))
}

// with is the state with c in the place of the container of its id, or added.
func (s State) with(c container) State {
	s.containers, s.focus = slices.Clone(s.containers), c.ID
	i := slices.IndexFunc(s.containers, func(o container) bool { return o.ID == c.ID })
	if i < 0 { // the clock may have been set back since the last one
		for i = len(s.containers); i > 0 && s.containers[i-1].Created.After(c.Created); i-- {
		}
		s.containers = slices.Insert(s.containers, i, c)
	} else {
		s.containers[i] = c
	}
	return s
}

func (s State) without(id string) State {
	s.containers = slices.DeleteFunc(slices.Clone(s.containers), func(c container) bool { return c.ID == id })
	return s
}

// withImage is the state with img in the place of the image of its id.
func (s State) withImage(img image) State {
	s.images = maps.Clone(s.images)
	if s.images == nil {
		s.images = map[digest.Digest]image{}
	}
	s.images[img.ID] = img
	return s
}

func (s State) withoutImage(id digest.Digest) State {
	s.images = maps.Clone(s.images)
	delete(s.images, id)
	return s
}

// withLayer is the state with one more layer; one that is there already stays.
func (s State) withLayer(diffID digest.Digest, l layer) State {
	if _, ok := s.layers[diffID]; ok {
		return s
	}
	s.layers = maps.Clone(s.layers)
	if s.layers == nil {
		s.layers = map[digest.Digest]layer{}
	}
	s.layers[diffID] = l
	return s
}

// tag makes ref name the image id, and no other.
func (s State) tag(ref string, id digest.Digest) State {
	for _, img := range s.images {
		if img.ID != id && slices.Contains(img.Tags, ref) {
			s = s.untag(img, ref)
		}
	}
	img := s.images[id]
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
func (c container) root() *fs.Union { return c.mounts.Root() }

// Focus is the layers of the container that changed last, for a picture of
// the moment; nil if none has.
func (s State) Focus() []fs.Layer {
	stack, err := s.Layers(s.focus)
	if err != nil {
		return nil
	}
	return stack
}

// Layers of a container's root as a picture draws them: name and tree, bottom
// first, the container's own layer last.
func (s State) Layers(key string) ([]fs.Layer, error) {
	c, err := s.container(key)
	if err != nil {
		return nil, err
	}
	root := c.root()
	return append(slices.Clip(root.Layers()), fs.Layer{Name: "container layer", Tree: root.Upper()}), nil
}
