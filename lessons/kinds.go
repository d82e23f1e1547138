package lessons

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"twinlayer/sim"
)

// faulter notes what is wrong with a field of a goal.
type faulter = func(field, format string, args ...any)

// imageGoal: the image is there, with so many layers.
type imageGoal struct {
	Ref    string `yaml:"ref"`
	Layers *int   `yaml:"layers"`
}

var _ state = (*imageGoal)(nil)

func (g *imageGoal) says() Phrase {
	if g.Layers == nil {
		return sayIsImage(g.Ref)
	}
	return sayIsImageOf(g.Ref, layersOf(*g.Layers))
}

func (g *imageGoal) vet(_ Lesson, fault faulter) {
	vetRef(".ref", g.Ref, fault)
	if g.Layers != nil && *g.Layers < 0 {
		fault(".layers", "an image cannot have %d layers", *g.Layers)
	}
}

func vetRef(field, ref string, fault faulter) {
	if familiar, err := sim.Familiar(ref); err != nil || familiar != ref {
		fault(field, "%s is an image as docker images has it, name:tag; not %q", strings.TrimLeft(field, "."), ref)
	}
}

func (g *imageGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	img, why, err := image(ctx, world, g.Ref)
	if why.Empty() && err == nil && g.Layers != nil && len(img.Layers) != *g.Layers {
		why = sayHasLayersNot(g.Ref, layersOf(len(img.Layers)), *g.Layers)
	}
	return why, err
}

// image is the image of that reference, or what is missing.
func image(ctx context.Context, world sim.Engine, ref string) (img sim.Image, why Phrase, err error) {
	all, err := world.Images(ctx)
	if err != nil {
		return img, why, err
	}
	img, err = sim.FindImage(all, ref)
	if err != nil {
		return img, noImage(ref, all), nil
	}
	return img, why, nil
}

func noImage(ref string, all []sim.Image) Phrase {
	have := tags(all)
	if like := Closest(ref, have); like != "" {
		return sayNoImageLike(ref, like)
	}
	return sayNoImage(ref, some(have, sayNoImageAtAll))
}

// tags are the references of all images, sorted.
func tags(all []sim.Image) (out []string) {
	for _, img := range all {
		out = append(out, img.Tags...)
	}
	slices.Sort(out)
	return out
}

// goneGoal: there is no such image or container.
type goneGoal struct {
	Image     string `yaml:"image"`
	Container string `yaml:"container"`
}

var _ state = (*goneGoal)(nil)

func (g *goneGoal) says() Phrase {
	if g.Image != "" {
		return sayImageGone(g.Image)
	}
	return sayContainerGone(g.Container)
}

func (g *goneGoal) vet(l Lesson, fault faulter) {
	switch {
	case (g.Image == "") == (g.Container == ""):
		fault("", "either an image or a container is gone")
	case g.Image != "":
		vetRef(".image", g.Image, fault)
	default:
		vetContainer(l, ".container", g.Container, fault)
	}
}

func (g *goneGoal) missing(ctx context.Context, world sim.Engine) (why Phrase, err error) {
	var lacks Phrase
	if g.Image != "" {
		why = sayStillThere(g.Image)
		_, lacks, err = image(ctx, world, g.Image)
	} else {
		why = sayStillThere(g.Container)
		_, lacks, err = find(ctx, world, g.Container)
	}
	if !lacks.Empty() || err != nil {
		return Phrase{}, err
	}
	return why, nil
}

// containerGoal: the container is there, in this state of its life, and of
// this image.
type containerGoal struct {
	Name   string     `yaml:"name"`
	Status sim.Status `yaml:"status"`
	Image  string     `yaml:"image"`
}

var _ state = (*containerGoal)(nil)

func (g *containerGoal) says() Phrase {
	switch {
	case g.Image != "":
		return sayIsContainerOf(g.Name, g.Image)
	case g.Status == "":
		return sayIsContainer(g.Name)
	}
	return sayContainerIs(g.Name, g.status())
}

func (g *containerGoal) status() Phrase { return standing(g.Status) }

// standing is a state of a container's life in words.
func standing(s sim.Status) Phrase {
	if s == sim.Exited {
		return sayStopped
	}
	return map[sim.Status]Phrase{sim.Created: sayCreated, sim.Running: sayRunning}[s]
}

func (g *containerGoal) vet(l Lesson, fault faulter) {
	vetContainer(l, ".name", g.Name, fault)
	if g.Image != "" {
		vetRef(".image", g.Image, fault)
	}
	if !slices.Contains([]sim.Status{"", sim.Created, sim.Running, sim.Exited}, g.Status) {
		fault(".status", "status is created, running or exited, not %q", g.Status)
	}
}

func vetContainer(l Lesson, field, name string, fault faulter) {
	if !slices.Contains(l.Containers, name) {
		fault(field, "%q is none of the lesson's containers", name)
	}
}

func (g *containerGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	k, why, err := find(ctx, world, g.Name)
	switch {
	case !why.Empty() || err != nil:
		return why, err
	case g.Status != "" && k.Status != g.Status:
		return sayIsNot(g.Name, standing(k.Status), g.status()), nil
	case g.Image != "" && !sameRef(k.Image, g.Image):
		return sayOfImageNot(g.Name, k.Image, g.Image), nil
	}
	return why, nil
}

func sameRef(a, b string) bool {
	x, errX := sim.Familiar(a)
	y, errY := sim.Familiar(b)
	return errX == nil && errY == nil && x == y
}

// find is the container of that name, or what is missing.
func find(ctx context.Context, world sim.Engine, name string) (k sim.Container, why Phrase, err error) {
	all, err := world.Containers(ctx)
	if err != nil {
		return k, why, err
	}
	if i := slices.IndexFunc(all, func(k sim.Container) bool { return k.Name == name }); i >= 0 {
		return all[i], why, nil
	}
	if like := Closest(name, names(all)); like != "" {
		return k, sayNoContainerLike(name, like), nil
	}
	return k, sayNoContainer(name, some(names(all), sayNoContainerAtAll)), nil
}

func names(all []sim.Container) (out []string) {
	for _, k := range all {
		out = append(out, k.Name)
	}
	return out
}

// changeGoal: the container changed the path, in this way.
type changeGoal struct {
	Container string `yaml:"container"`
	Kind      string `yaml:"kind"`
	Path      string `yaml:"path"`
}

var _ state = (*changeGoal)(nil)

// did is what a kind of change has done to a path.
func did(kind string) Phrase {
	return map[string]Phrase{"add": sayAdded, "modify": sayModified, "delete": sayDeleted}[kind]
}

func (g *changeGoal) says() Phrase { return sayHasDone(g.Container, did(g.Kind), g.Path) }

func (g *changeGoal) vet(l Lesson, fault faulter) {
	vetContainer(l, ".container", g.Container, fault)
	vetPath(".path", g.Path, fault)
	if did(g.Kind).Empty() {
		fault(".kind", "kind is add, modify or delete, not %q", g.Kind)
	}
}

func vetPath(field, p string, fault faulter) {
	if !path.IsAbs(p) || path.Clean(p) != p {
		fault(field, "%s begins with / and is as short as it can be; not %q", strings.TrimLeft(field, "."), p)
	}
}

func (g *changeGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	all, why, err := changes(ctx, world, g.Container)
	if !why.Empty() || err != nil {
		return why, err
	}
	switch kind := all[g.Path]; kind {
	case g.Kind:
		return why, nil
	case "":
		other, err := g.elsewhere(ctx, world)
		if other != "" {
			return sayOtherHasDone(g.Container, did(g.Kind), g.Path, other), err
		}
		return g.nearest(all), err
	default:
		return sayHasDoneNot(g.Container, did(kind), g.Path, did(g.Kind)), nil
	}
}

// changes are the kinds of change in a container, by path; or what is missing.
func changes(ctx context.Context, world sim.Engine, name string) (all map[string]string, why Phrase, err error) {
	k, why, err := find(ctx, world, name)
	if !why.Empty() || err != nil {
		return nil, why, err
	}
	list, err := world.Changes(ctx, k.ID)
	all = map[string]string{}
	for _, c := range list {
		all[c.Path] = string(c.Kind)
	}
	return all, why, err
}

// elsewhere is the other container that made this very change; "" if none has.
func (g *changeGoal) elsewhere(ctx context.Context, world sim.Engine) (string, error) {
	containers, err := world.Containers(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range names(containers) {
		all, _, err := changes(ctx, world, name)
		if err != nil {
			return "", err
		}
		if name != g.Container && all[g.Path] == g.Kind {
			return name, nil
		}
	}
	return "", nil
}

// nearest is the change most like the one that is missing.
func (g *changeGoal) nearest(all map[string]string) Phrase {
	paths := slices.Sorted(maps.Keys(all))
	if like := Closest(g.Path, paths); like != "" {
		return sayChangesLike(g.Container, like, g.Path)
	}
	return sayHasNotDone(g.Container, did(g.Kind), g.Path, some(paths, sayNothing))
}

// unchangedGoal: the container is there, and the path in it is the image's.
type unchangedGoal struct {
	Container string `yaml:"container"`
	Path      string `yaml:"path"`
}

var _ state = (*unchangedGoal)(nil)

func (g *unchangedGoal) says() Phrase { return sayUnchanged(g.Container, g.Path) }

func (g *unchangedGoal) vet(l Lesson, fault faulter) {
	vetContainer(l, ".container", g.Container, fault)
	vetPath(".path", g.Path, fault)
}

func (g *unchangedGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	all, why, err := changes(ctx, world, g.Container)
	if kind := all[g.Path]; kind != "" {
		why = sayHasDone(g.Container, did(kind), g.Path)
	}
	return why, err
}

// volumeGoal: the volume is there, and a container has it.
type volumeGoal struct {
	Name      string `yaml:"name"`
	Container string `yaml:"container"`
}

var _ state = (*volumeGoal)(nil)

func (g *volumeGoal) says() Phrase {
	if g.Container == "" {
		return sayIsVolume(g.Name)
	}
	return sayHasVolume(g.Container, g.Name)
}

func (g *volumeGoal) vet(l Lesson, fault faulter) {
	if g.Name == "" {
		fault(".name", "name is the volume's")
	}
	if g.Container != "" {
		vetContainer(l, ".container", g.Container, fault)
	}
}

func (g *volumeGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	all, err := world.Volumes(ctx)
	if err != nil {
		return Phrase{}, err
	}
	var have []string
	for _, v := range all {
		have = append(have, v.Name)
	}
	if !slices.Contains(have, g.Name) {
		return sayNoVolume(g.Name, some(have, sayNoVolumeAtAll)), nil
	}
	if g.Container == "" {
		return Phrase{}, nil
	}
	k, why, err := find(ctx, world, g.Container)
	if why.Empty() && err == nil && !slices.ContainsFunc(k.Mounts, func(m sim.Mount) bool { return m.Source == g.Name }) {
		why = sayWithoutVolume(g.Container, g.Name)
	}
	return why, err
}
