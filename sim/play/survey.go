package play

import (
	"maps"
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim"
)

// surveyor makes pictures of worlds. What it has found out about image layers,
// which never change, it keeps.
type surveyor struct {
	read   func(image string) ([]*fs.Tree, error) // the layers of an image that a moment does not have itself
	sizes  map[string]Layer                       // by layer: of each, Bytes and Paths
	chains map[string]map[string]entries          // by the ids of layers that stand on each other: the entries of each that matter
}

// entries are those of one layer, by path.
type entries map[string]*Entry

// stacked is a layer in its place.
type stacked struct {
	id   string
	kind LayerKind
	tree *fs.Tree
}

// survey is one picture in the making.
type survey struct {
	*surveyor
	focus  []string // paths whose entries matter whatever they do
	deep   bool     // and those of what is below them
	world  World
	layers map[string]*Layer
	found  map[string]entries // by layer
}

func newSurveyor(read func(image string) ([]*fs.Tree, error)) *surveyor {
	return &surveyor{read, map[string]Layer{}, map[string]map[string]entries{}}
}

// of is the picture of a world, with the focus on paths; deep: and on what is
// below them.
func (v *surveyor) of(w sim.World, focus []string, deep bool) World {
	s := &survey{v, focus, deep, World{w.Focus, []Image{}, []Container{}, []Layer{}, cachedOf(w.PageCache)}, map[string]*Layer{}, map[string]entries{}}
	for _, img := range w.Images {
		s.image(img)
	}
	for _, k := range w.Containers {
		s.container(k)
	}
	for _, id := range slices.Sorted(maps.Keys(s.layers)) {
		layer := s.layers[id]
		s.list(layer, s.found[id])
		s.world.Layers = append(s.world.Layers, *layer)
	}
	return s.world
}

func (s *survey) image(img sim.ImageNow) {
	stack := s.imageStack(img)
	s.world.Images = append(s.world.Images, Image{img.ID.String(), img.Tags, idsOf(stack)})
	s.stand(stack, nameOf(img.Image))
	s.chain(stack)
}

// imageStack are an image's layers, bottom first; where the world cannot show
// them there are none.
func (s *survey) imageStack(img sim.ImageNow) (out []stacked) {
	trees, err := img.Trees()
	if err != nil {
		trees, err = s.read(img.ID.String())
	}
	if err != nil || len(trees) != len(img.Layers) {
		return nil
	}
	for i, tree := range trees {
		out = append(out, stacked{img.Layers[i].String(), OfImage, tree})
	}
	return out
}

func nameOf(img sim.Image) string {
	if len(img.Tags) > 0 {
		return img.Tags[0]
	}
	return sim.Short(img.ID)
}

func (s *survey) container(k sim.ContainerNow) {
	stack := s.imageStack(k.Image)
	s.chain(stack)
	if k.Init != nil {
		stack = append(stack, stacked{"init:" + k.ImageID.String(), OfEngine, k.Init})
	}
	stack = append(stack, stacked{k.ID, OfContainer, k.Upper})
	s.stand(stack, k.Name)
	merge(s.found, top(stack))
	s.world.Containers = append(s.world.Containers, Container{
		ID: k.ID, Name: k.Name, Image: k.Spec.Image, Status: k.Status, Exit: k.Exit,
		Layers: idsOf(stack), Mounts: mountsOf(k.Container), Processes: processesOf(k.Processes), Namespaces: k.Namespaces,
	})
	s.look(stack)
}

func idsOf(stack []stacked) []string {
	out := []string{}
	for _, l := range stack {
		out = append(out, l.id)
	}
	return out
}

// stand notes the layers that who stands on.
func (s *survey) stand(stack []stacked, who string) {
	for _, l := range stack {
		layer, there := s.layers[l.id]
		if !there {
			layer = s.measured(l)
			s.layers[l.id] = layer
		}
		layer.SharedBy = append(layer.SharedBy, who)
	}
}

// measured is a layer with its size.
func (s *survey) measured(l stacked) *Layer {
	if known, ok := s.sizes[l.id]; ok {
		return &known
	}
	out := Layer{ID: l.id, Kind: l.kind, Bytes: l.tree.Bytes(), Writable: l.kind == OfContainer, SharedBy: []string{}, Entries: []Entry{}}
	for range l.tree.All() {
		out.Paths++
	}
	if l.kind == OfImage {
		s.sizes[l.id] = out
	}
	return &out
}

// chain finds what matters in layers of an image.
func (s *survey) chain(stack []stacked) {
	key := strings.Join(idsOf(stack), " ")
	known, ok := s.chains[key]
	if !ok {
		known = map[string]entries{}
		for i := range stack {
			found := top(stack[:i+1])
			found[stack[i].id] = hiding(found[stack[i].id])
			merge(known, found)
		}
		s.chains[key] = known
	}
	merge(s.found, known)
	s.look(stack)
}

// hiding are those entries that hide something.
func hiding(all entries) entries {
	maps.DeleteFunc(all, func(_ string, e *Entry) bool { return len(e.Hides) == 0 })
	return all
}

// top are all entries of the topmost layer of a stack, and those in the layers
// below that they hide. The engine's own layer has nothing that matters there:
// it is made of mount points, and a real engine does not show it.
func top(stack []stacked) map[string]entries {
	upper, lower := stack[len(stack)-1], stack[:len(stack)-1]
	out := map[string]entries{upper.id: {}}
	for f := range upper.tree.All() {
		e := entryOf(f.Path, f.Node)
		out[upper.id][f.Path] = &e
		for _, l := range slices.Backward(lower) {
			n := l.tree.Lookup(f.Path)
			if n == nil || l.kind == OfEngine {
				continue
			}
			if e.From == "" && !n.IsWhiteout() && e.Kind != Whiteout {
				e.From = l.id
			}
			if !f.IsDir() || f.Opaque || !n.IsDir() {
				e.Hides = append(e.Hides, l.id)
				hidden := entryOf(f.Path, n)
				hidden.HiddenBy = []string{upper.id}
				merge(out, map[string]entries{l.id: {f.Path: &hidden}})
			}
		}
	}
	return out
}

// merge adds entries to what was found; of one that is there already it adds
// by what it is hidden, and what it hides.
func merge(into, found map[string]entries) {
	for id, all := range found {
		if into[id] == nil {
			into[id] = entries{}
		}
		for name, e := range all {
			old, there := into[id][name]
			if !there {
				added := *e
				into[id][name] = &added
				continue
			}
			old.Hides = both(old.Hides, e.Hides)
			old.HiddenBy = both(old.HiddenBy, e.HiddenBy)
			if old.From == "" {
				old.From = e.From
			}
		}
	}
}

func both(a, b []string) []string {
	out := slices.Clip(a)
	for _, id := range b {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// look adds what is in the focus.
func (s *survey) look(stack []stacked) {
	for _, name := range s.focus {
		for _, l := range stack {
			if n := l.tree.Lookup(name); n != nil && name != "/" {
				s.add(l.id, name, n)
			}
			if s.deep {
				s.addBelow(l, name)
			}
		}
	}
}

func (s *survey) addBelow(l stacked, dir string) {
	for f := range l.tree.All() {
		if f.Path != dir && below(f.Path, dir) {
			s.add(l.id, f.Path, f.Node)
		}
	}
}

func (s *survey) add(layer, name string, n *fs.Node) {
	e := entryOf(name, n)
	merge(s.found, map[string]entries{layer: {name: &e}})
}

// list puts the entries that matter into a layer, by path; of too many those in
// the focus first.
func (s *survey) list(layer *Layer, found entries) {
	all := slices.SortedFunc(maps.Values(found), func(a, b *Entry) int { return compare(a.Path, b.Path) })
	if len(all) > entriesMost {
		slices.SortStableFunc(all, func(a, b *Entry) int { return s.rank(a) - s.rank(b) })
		layer.More = len(all) - entriesMost
		all = all[:entriesMost]
		slices.SortFunc(all, func(a, b *Entry) int { return compare(a.Path, b.Path) })
	}
	layer.Entries = make([]Entry, 0, len(all))
	for _, e := range all {
		layer.Entries = append(layer.Entries, *e)
	}
}

func (s *survey) rank(e *Entry) int {
	if slices.ContainsFunc(s.focus, func(dir string) bool { return below(e.Path, dir) }) {
		return 0
	}
	return 1
}

// compare orders paths as a tree is walked: a directory comes before what is in
// it, and that before its siblings.
func compare(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}
