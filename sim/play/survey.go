package play

import (
	"maps"
	"path"
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/report"
)

// surveyor makes pictures of worlds. What it has found out about image layers,
// which never change, it keeps.
type surveyor struct {
	read   func(image string) ([]*fs.Tree, error) // the layers of an image that a moment does not have itself
	sizes  map[string]Layer                       // by layer: of each, Bytes and Paths
	wasted map[string]int64                       // by the ids of layers that stand on each other
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
	return &surveyor{read, map[string]Layer{}, map[string]int64{}, map[string]map[string]entries{}}
}

// of is the picture of a world, with the focus on paths; deep: and on what is
// below them.
func (v *surveyor) of(w sim.World, focus []string, deep bool) World {
	s := &survey{v, focus, deep, World{w.Focus, []Image{}, []Container{}, []Layer{}, cachedOf(w.PageCache), hosted(w.Machine)}, map[string]*Layer{}, map[string]entries{}}
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
	s.world.Images = append(s.world.Images, Image{img.ID.String(), img.Tags, idsOf(stack), madeBy(img.Image), s.waste(stack)})
	s.stand(stack, nameOf(img.Image))
	s.chain(stack)
}

// waste is how many bytes of an image its own later layers delete or replace.
func (s *survey) waste(stack []stacked) (n int64) {
	key := strings.Join(idsOf(stack), " ")
	if known, ok := s.wasted[key]; ok {
		return known
	}
	var trees []*fs.Tree
	for _, l := range stack {
		trees = append(trees, l.tree)
	}
	for _, bytes := range report.Wasted(trees) {
		n += bytes
	}
	s.wasted[key] = n
	return n
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
	merge(s.found, top(stack, true))
	s.world.Containers = append(s.world.Containers, Container{
		ID: k.ID, Name: k.Name, Image: k.Spec.Image, ImageID: k.ImageID.String(), Status: k.Status, Exit: k.Exit,
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
			found := top(stack[:i+1], false)
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
// below that they hide or, where all is asked for, that are part of the same
// directory. The engine's own layer has nothing that matters there:
// it is made of mount points, and a real engine does not show it.
func top(stack []stacked, all bool) map[string]entries {
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
			under := entryOf(f.Path, n)
			if !f.IsDir() || f.Opaque || !n.IsDir() {
				e.Hides = append(e.Hides, l.id)
				under.HiddenBy = []string{upper.id}
			} else if !all {
				continue
			}
			merge(out, map[string]entries{l.id: {f.Path: &under}})
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
		for _, near := range around(stack, name) {
			for _, l := range stack {
				if n := l.tree.Lookup(near); n != nil {
					s.add(l.id, near, n)
				}
			}
		}
	}
}

// Of a directory with more names than a screen has nobody finds a path by
// those beside it.
const (
	namesMost  = 64
	besideMost = 3 // on either side
)

// around are the directories that a path is in, and the paths nearest to it by
// their names.
func around(stack []stacked, name string) (out []string) {
	names := []string{}
	if name != "/" {
		names = append(names, name)
	}
	for _, l := range stack {
		for f := range l.tree.Few(path.Dir(name), namesMost) {
			names = append(names, f.Path)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	i := max(0, slices.Index(names, name))
	out = slices.Clone(names[max(0, i-besideMost):min(len(names), i+besideMost+1)])
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	return out
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
