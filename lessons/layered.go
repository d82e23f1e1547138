package lessons

import (
	"context"
	"path"
	"reflect"
	"slices"
	"strings"

	units "github.com/docker/go-units"

	"twinlayer/sim"
)

// fileGoal: the layer of the image holds the path. Layers count from 1 at the
// bottom, and from -1 at the top.
type fileGoal struct {
	Image string `yaml:"image"`
	Layer int    `yaml:"layer"`
	Path  string `yaml:"path"`
}

var _ state = (*fileGoal)(nil)

func (g *fileGoal) says() Phrase {
	switch g.Layer {
	case -1:
		return sayTopLayerHas(g.Image, g.Path)
	default:
		return sayLayerHas(g.Layer, g.Image, g.Path)
	}
}

func (g *fileGoal) vet(_ Lesson, fault faulter) {
	vetRef(".image", g.Image, fault)
	vetPath(".path", g.Path, fault)
	if g.Layer == 0 {
		fault("", "layer is a layer's number, 1 at the bottom or -1 at the top")
	}
}

func (g *fileGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	layers, why, err := layersIn(ctx, world, g.Image)
	if !why.Empty() || err != nil {
		return why, err
	}
	at := g.Layer - 1
	if g.Layer < 0 {
		at = len(layers) + g.Layer
	}
	if at < 0 || at >= len(layers) {
		return sayHasLayers(g.Image, layersOf(len(layers))), nil
	}
	if layers[at].holds(g.Path) {
		return why, nil
	}
	for i, l := range layers {
		if l.holds(g.Path) {
			return sayInLayer(g.Path, i+1, g.Image), nil
		}
	}
	return sayInNoLayer(g.Image, g.Path), nil
}

// layer is what a layer has by path: its size, or -1 where it hides the path.
type layer map[string]int64

const hides = -1

func (l layer) holds(p string) bool { size, ok := l[p]; return ok && size != hides }

// layersIn are the layers of an image, bottom first, or what is missing.
func layersIn(ctx context.Context, world sim.Engine, ref string) (out []layer, why Phrase, err error) {
	if _, why, err := image(ctx, world, ref); !why.Empty() || err != nil {
		return nil, why, err
	}
	trees, err := world.Layers(ctx, ref)
	for _, t := range trees {
		l := layer{}
		for f := range t.All() {
			l[f.Path] = f.Size()
			if f.IsWhiteout() {
				l[f.Path] = hides
			}
			if f.Opaque {
				l[f.Path+"/*"] = hides
			}
		}
		out = append(out, l)
	}
	return out, why, err
}

// storyGoal: what becomes of a path on its way up through the layers of an
// image. From is the layer whose file is seen; 0 where it is not seen at all.
// Hidden layers hold an older one, which is not seen any more.
type storyGoal struct {
	Image  string `yaml:"image"`
	Path   string `yaml:"path"`
	From   int    `yaml:"from"`
	Hidden []int  `yaml:"hidden"`
}

var _ state = (*storyGoal)(nil)

func (g *storyGoal) says() Phrase {
	if g.From == 0 {
		return sayHiddenStill(g.Path, g.Image)
	}
	return sayComesFrom(g.Path, g.Image, g.From)
}

func (g *storyGoal) vet(_ Lesson, fault faulter) {
	vetRef(".image", g.Image, fault)
	vetPath(".path", g.Path, fault)
	if g.From == 0 && len(g.Hidden) == 0 {
		fault(".hidden", "what is not seen is hidden in some layer")
	}
}

func (g *storyGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	layers, why, err := layersIn(ctx, world, g.Image)
	if !why.Empty() || err != nil {
		return why, err
	}
	from, hidden := story(layers, g.Path)
	switch {
	case from != g.From && from == 0 && len(hidden) == 0:
		return sayInNoLayer(g.Image, g.Path), nil
	case from != g.From && from == 0:
		return sayIsHidden(g.Path, g.Image), nil
	case from != g.From:
		return sayComesFrom(g.Path, g.Image, from), nil
	}
	for _, n := range g.Hidden {
		if !slices.Contains(hidden, n) {
			return sayNoOlder(n, g.Image, g.Path), nil
		}
	}
	return why, nil
}

// story is the layer that a path is seen from, 0 for none, and the layers
// below that have it too, counted from 1.
func story(layers []layer, p string) (from int, hidden []int) {
	covered := false
	for i := len(layers) - 1; i >= 0; i-- {
		switch {
		case layers[i].holds(p) && covered:
			hidden = append(hidden, i+1)
		case layers[i].holds(p):
			from, covered = i+1, true
		}
		covered = covered || layers[i].covers(p)
	}
	return from, hidden
}

// covers says whether a layer hides what is at p below it.
func (l layer) covers(p string) bool {
	if l[p] == hides {
		return true
	}
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if l[dir] == hides || l[dir+"/*"] == hides {
			return true
		}
	}
	return false
}

// sharedGoal: so many of the lowest layers of two images are the same.
type sharedGoal struct {
	Images []string `yaml:"images"`
	Layers int      `yaml:"layers"`
}

var _ state = (*sharedGoal)(nil)

func (g *sharedGoal) says() Phrase {
	return sayShare(g.Images[0], g.Images[1], layersOf(g.Layers))
}

func (g *sharedGoal) vet(_ Lesson, fault faulter) { vetPair(g.Images, fault) }

func vetPair(images []string, fault faulter) {
	if len(images) != 2 {
		fault("", "images are two")
	}
	for _, ref := range images {
		vetRef(".images", ref, fault)
	}
}

func (g *sharedGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	a, b, why, err := two(ctx, world, g.Images[0], g.Images[1])
	if !why.Empty() || err != nil {
		return why, err
	}
	if n := common(a, b); n != g.Layers {
		why = sayShareNot(g.Images[0], g.Images[1], layersOf(n), g.Layers)
	}
	return why, nil
}

// two are two images, or what is missing.
func two(ctx context.Context, world sim.Engine, first, second string) (a, b sim.Image, why Phrase, err error) {
	a, why, err = image(ctx, world, first)
	if why.Empty() && err == nil {
		b, why, err = image(ctx, world, second)
	}
	return a, b, why, err
}

// common is how many layers two images have in common, from the bottom.
func common(a, b sim.Image) (n int) {
	for n < min(len(a.Layers), len(b.Layers)) && a.Layers[n] == b.Layers[n] {
		n++
	}
	return n
}

// alikeGoal: the top layers of two images hold files of the same names and
// sizes.
type alikeGoal struct {
	Images []string `yaml:"images"`
}

var _ state = (*alikeGoal)(nil)

func (g *alikeGoal) says() Phrase {
	return sayTopsHold(g.Images[0], g.Images[1])
}

func (g *alikeGoal) vet(_ Lesson, fault faulter) { vetPair(g.Images, fault) }

func (g *alikeGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	var tops []layer
	for _, ref := range g.Images {
		layers, why, err := layersIn(ctx, world, ref)
		if !why.Empty() || err != nil {
			return why, err
		}
		if len(layers) == 0 {
			return sayHasLayers(ref, layersOf(0)), nil
		}
		tops = append(tops, layers[len(layers)-1])
	}
	for i, l := range tops {
		for p := range l {
			if _, ok := tops[1-i][p]; !ok {
				return sayTopHasNot(g.Images[i], p, g.Images[1-i]), nil
			}
		}
	}
	return Phrase{}, nil
}

// sizeGoal: an image is smaller or bigger than another, or at least as big.
type sizeGoal struct {
	Image   string `yaml:"image"`
	Smaller string `yaml:"smaller_than"`
	Bigger  string `yaml:"bigger_than"`
	AsBig   string `yaml:"as_big_as"`
}

var _ state = (*sizeGoal)(nil)

func (g *sizeGoal) other() string { return g.Smaller + g.Bigger + g.AsBig }

func (g *sizeGoal) says() Phrase {
	switch {
	case g.Smaller != "":
		return saySmaller(g.Image, g.Smaller)
	case g.Bigger != "":
		return sayBigger(g.Image, g.Bigger)
	}
	return sayNotSmaller(g.Image, g.AsBig)
}

func (g *sizeGoal) vet(_ Lesson, fault faulter) {
	vetRef(".image", g.Image, fault)
	vetRef("", g.other(), fault)
}

func (g *sizeGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	a, b, why, err := two(ctx, world, g.Image, g.other())
	if !why.Empty() || err != nil {
		return why, err
	}
	switch x, y := a.Size(), b.Size(); {
	case g.Smaller != "" && x < y, g.Bigger != "" && x > y, g.AsBig != "" && x >= y:
		return why, nil
	default:
		return saySizes(g.Image, human(x), g.other(), human(y)), nil
	}
}

func human(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// configGoal: a field of the image's configuration has this in it.
type configGoal struct {
	Image string `yaml:"image"`
	Field string `yaml:"field"` // Cmd, Entrypoint, Env, Labels, WorkingDir, User, …
	Has   string `yaml:"has"`
}

var _ state = (*configGoal)(nil)

func (g *configGoal) says() Phrase {
	return sayConfigHas(g.Image, g.Has, g.Field)
}

func (g *configGoal) vet(_ Lesson, fault faulter) {
	vetRef(".image", g.Image, fault)
	if !field(sim.Image{}, g.Field).IsValid() {
		fault(".field", "%q is no field of an image's configuration", g.Field)
	}
	if g.Has == "" {
		fault("", "has is what the field is to have")
	}
}

// field is a field of an image's configuration (image-spec, config.md).
func field(img sim.Image, name string) reflect.Value {
	return reflect.ValueOf(img.Config.Config).FieldByName(name)
}

func (g *configGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	img, why, err := image(ctx, world, g.Image)
	if !why.Empty() || err != nil {
		return why, err
	}
	all := values(field(img, g.Field))
	if slices.Contains(all, g.Has) || strings.Join(all, " ") == g.Has {
		return why, nil
	}
	return sayFieldIs(g.Field, g.Image, some(all, sayEmpty)), nil
}

// values are what a field holds: each entry of a list, "key=value" of a
// mapping, or the one text.
func values(v reflect.Value) (out []string) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, v.Index(i).String())
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out = append(out, strings.TrimSuffix(key.String()+"="+v.MapIndex(key).String(), "=<struct {} Value>"))
		}
		slices.Sort(out)
	case reflect.String:
		if s := v.String(); s != "" {
			out = []string{s}
		}
	}
	return out
}

// historyGoal: the image remembers an instruction, or does not.
type historyGoal struct {
	Image string `yaml:"image"`
	Has   string `yaml:"has"`
	Lacks string `yaml:"lacks"`
}

var _ state = (*historyGoal)(nil)

func (g *historyGoal) says() Phrase {
	if g.Has == "" {
		return sayHistorySilent(g.Image, g.Lacks)
	}
	return sayHistoryTells(g.Image, g.Has)
}

func (g *historyGoal) vet(_ Lesson, fault faulter) {
	vetRef(".image", g.Image, fault)
	if (g.Has == "") == (g.Lacks == "") {
		fault("", "a history has something, or lacks it")
	}
}

func (g *historyGoal) missing(ctx context.Context, world sim.Engine) (Phrase, error) {
	img, why, err := image(ctx, world, g.Image)
	if !why.Empty() || err != nil {
		return why, err
	}
	told := false
	for _, h := range img.Config.History {
		told = told || strings.Contains(h.CreatedBy, g.Has+g.Lacks)
	}
	switch {
	case told && g.Lacks != "":
		return sayHistoryTells(g.Image, g.Lacks), nil
	case !told && g.Has != "":
		return sayHistorySilent(g.Image, g.Has), nil
	}
	return why, nil
}
