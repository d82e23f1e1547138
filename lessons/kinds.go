package lessons

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"twinlayer/sim"
)

// imageGoal: the image is there, with so many layers.
type imageGoal struct {
	Ref    string `yaml:"ref"`
	Layers *int   `yaml:"layers"`
}

var _ single = (*imageGoal)(nil)

func (g *imageGoal) String() string {
	if g.Layers == nil {
		return "there is an image " + g.Ref
	}
	return fmt.Sprintf("there is an image %s of %s", g.Ref, count(*g.Layers, "layer"))
}

func (g *imageGoal) vet(_ Lesson, fault func(string, string, ...any)) {
	if familiar, err := sim.Familiar(g.Ref); err != nil || familiar != g.Ref {
		fault(".ref", "ref is an image as docker images has it, name:tag; not %q", g.Ref)
	}
	if g.Layers != nil && *g.Layers < 0 {
		fault(".layers", "an image cannot have %d layers", *g.Layers)
	}
}

func (g *imageGoal) missing(ctx context.Context, world sim.Engine) (string, error) {
	all, err := world.Images(ctx)
	if err != nil {
		return "", err
	}
	img, err := sim.FindImage(all, g.Ref)
	switch {
	case err != nil:
		return "there is no image " + g.Ref + "; there is " + some(tags(all), "no image at all"), nil
	case g.Layers != nil && len(img.Layers) != *g.Layers:
		return fmt.Sprintf("%s has %s, not %d", g.Ref, count(len(img.Layers), "layer"), *g.Layers), nil
	}
	return "", nil
}

// tags are the references of all images, sorted.
func tags(all []sim.Image) (out []string) {
	for _, img := range all {
		out = append(out, img.Tags...)
	}
	slices.Sort(out)
	return out
}

// containerGoal: the container is there, in this state of its life.
type containerGoal struct {
	Name   string     `yaml:"name"`
	Status sim.Status `yaml:"status"`
}

var _ single = (*containerGoal)(nil)

func (g *containerGoal) String() string {
	if g.Status == "" {
		return "there is a container " + g.Name
	}
	return fmt.Sprintf("container %s is %s", g.Name, g.Status)
}

func (g *containerGoal) vet(l Lesson, fault func(string, string, ...any)) {
	vetContainer(l, ".name", g.Name, fault)
	if !slices.Contains([]sim.Status{"", sim.Created, sim.Running, sim.Exited}, g.Status) {
		fault(".status", "status is created, running or exited, not %q", g.Status)
	}
}

func vetContainer(l Lesson, field, name string, fault func(string, string, ...any)) {
	if !slices.Contains(l.Containers, name) {
		fault(field, "%q is none of the lesson's containers", name)
	}
}

func (g *containerGoal) missing(ctx context.Context, world sim.Engine) (string, error) {
	k, why, err := find(ctx, world, g.Name)
	if why == "" && g.Status != "" && k.Status != g.Status {
		why = fmt.Sprintf("%s is %s, not %s", g.Name, k.Status, g.Status)
	}
	return why, err
}

// find is the container of that name, or what is missing.
func find(ctx context.Context, world sim.Engine, name string) (k sim.Container, why string, err error) {
	all, err := world.Containers(ctx)
	if err != nil {
		return k, "", err
	}
	i := slices.IndexFunc(all, func(k sim.Container) bool { return k.Name == name })
	if i < 0 {
		return k, "there is no container " + name + "; there is " + some(names(all), "no container at all"), nil
	}
	return all[i], "", nil
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

var _ single = (*changeGoal)(nil)

// past is what a kind of change has done to a path.
var past = map[string]string{"add": "added", "modify": "modified", "delete": "deleted"}

func (g *changeGoal) String() string {
	return fmt.Sprintf("%s has %s %s", g.Container, past[g.Kind], g.Path)
}

func (g *changeGoal) vet(l Lesson, fault func(string, string, ...any)) {
	vetContainer(l, ".container", g.Container, fault)
	vetPath(g.Path, fault)
	if past[g.Kind] == "" {
		fault(".kind", "kind is add, modify or delete, not %q", g.Kind)
	}
}

func vetPath(p string, fault func(string, string, ...any)) {
	if !path.IsAbs(p) || path.Clean(p) != p {
		fault(".path", "path begins with / and is as short as it can be; not %q", p)
	}
}

func (g *changeGoal) missing(ctx context.Context, world sim.Engine) (string, error) {
	all, why, err := changes(ctx, world, g.Container)
	if why != "" || err != nil {
		return why, err
	}
	switch kind := all[g.Path]; kind {
	case g.Kind:
		return "", nil
	case "":
		other, err := g.elsewhere(ctx, world)
		return fmt.Sprintf("%s has not %s %s; %s", g.Container, past[g.Kind], g.Path, cmp.Or(other, g.nearest(all))), err
	default:
		return fmt.Sprintf("%s has %s %s, not %s it", g.Container, past[kind], g.Path, past[g.Kind]), nil
	}
}

// changes are the kinds of change in a container, by path; or what is missing.
func changes(ctx context.Context, world sim.Engine, name string) (all map[string]string, why string, err error) {
	k, why, err := find(ctx, world, name)
	if why != "" || err != nil {
		return nil, why, err
	}
	list, err := world.Changes(ctx, k.ID)
	all = map[string]string{}
	for _, c := range list {
		all[c.Path] = string(c.Kind)
	}
	return all, "", err
}

// elsewhere says which other container made this very change; "" if none has.
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
		if all[g.Path] == g.Kind {
			return name + " has", nil
		}
	}
	return "", nil
}

// nearest is the change most like the one that is missing.
func (g *changeGoal) nearest(all map[string]string) string {
	best, most := "", 0
	paths := slices.Sorted(maps.Keys(all))
	for _, p := range paths {
		if n := common(p, g.Path); n > most {
			best, most = p, n
		}
	}
	if most == 0 {
		return "it has changed " + some(paths, "nothing")
	}
	return fmt.Sprintf("it has %s %s", past[all[best]], best)
}

// common is how alike two paths are: by the parts that they share from the
// root on, and a little more by their last.
func common(a, b string) int {
	x, y := strings.Split(a[1:], "/"), strings.Split(b[1:], "/")
	n := 0
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	if path.Base(a) == path.Base(b) {
		return 2*n + 1
	}
	return 2 * n
}

// unchangedGoal: the container is there, and the path in it is the image's.
type unchangedGoal struct {
	Container string `yaml:"container"`
	Path      string `yaml:"path"`
}

var _ single = (*unchangedGoal)(nil)

func (g *unchangedGoal) String() string {
	return fmt.Sprintf("%s has not changed %s", g.Container, g.Path)
}

func (g *unchangedGoal) vet(l Lesson, fault func(string, string, ...any)) {
	vetContainer(l, ".container", g.Container, fault)
	vetPath(g.Path, fault)
}

func (g *unchangedGoal) missing(ctx context.Context, world sim.Engine) (string, error) {
	all, why, err := changes(ctx, world, g.Container)
	if kind := all[g.Path]; kind != "" {
		why = fmt.Sprintf("%s has %s %s", g.Container, past[kind], g.Path)
	}
	return why, err
}

// verdictGoal: the worst verdict on the step's lines.
type verdictGoal sim.Class

var _ joint = (*verdictGoal)(nil)

func (g *verdictGoal) String() string {
	return map[sim.Class]string{
		sim.Same:     "both worlds agree",
		sim.Expected: "both worlds agree, but for what is expected",
		sim.Limit:    "both worlds agree, as far as the model can know",
	}[sim.Class(*g)]
}

func (g *verdictGoal) vet(_ Lesson, fault func(string, string, ...any)) {
	if g.String() == "" {
		fault("", "the worst verdict is same, expected or limit, not %q", string(*g))
	}
}

func (g *verdictGoal) missing(ran []sim.Result) string {
	if len(ran) == 0 {
		return "nothing was run yet"
	}
	for _, r := range ran {
		for _, d := range r.Differences {
			if worse(d.Class, sim.Class(*g)) {
				return fmt.Sprintf("%s: %s differs (%s): %s", r.Cmd, d.What, d.Class, d.Reason)
			}
		}
	}
	return ""
}

// worse says whether a is a graver verdict than b.
func worse(a, b sim.Class) bool {
	return a != b && sim.Verdict([]sim.Difference{{Class: a}, {Class: b}}) == a
}

// count is "1 layer", "2 layers".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// some is the first few of all, or none.
func some(all []string, none string) string {
	const most = 5
	switch {
	case len(all) == 0:
		return none
	case len(all) > most:
		return strings.Join(all[:most], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}
