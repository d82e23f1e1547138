package scene

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Union is the union view of a container or an image, by its id or name; "":
// of the container in the focus. Paths that are named have a column first.
func Union(m play.Moment, of string, paths ...string) Scene {
	s := Scene{Kind: play.PictureUnion, Step: m.StepAt, Columns: []Column{}, Rows: []Row{}, Arrows: []Arrow{}}
	name, stack := stackOf(m.World, cmp.Or(of, m.World.Focus))
	if len(stack) == 0 {
		s.Title, s.Says = sayNothingThere, sayNoStack
		return s
	}
	if m.StepAt != nil && m.Path != "/" {
		paths = append(paths, m.Path)
	}
	u := newUnion(m, stack, paths)
	s.Title, s.Columns, s.More = sayLayersOf(name), u.columns, u.more
	s.Rows, s.Arrows = u.rows()
	s.Says = u.says()
	return s
}

// stackOf is a container's or an image's name, and its layers, bottom first.
func stackOf(w play.World, of string) (string, []play.Layer) {
	for _, k := range w.Containers {
		if of != "" && (k.ID == of || k.Name == of) {
			return k.Name, w.Stack(k.ID)
		}
	}
	if img, ok := imageOf(w, of); ok {
		return nameOf(img), layersOf(w, img.Layers)
	}
	return "", nil
}

func imageOf(w play.World, of string) (play.Image, bool) {
	i := slices.IndexFunc(w.Images, func(i play.Image) bool {
		return of != "" && (i.ID == of || slices.Contains(i.Tags, of) || slices.Contains(i.Tags, of+":latest") || strings.HasPrefix(hex(i.ID), of))
	})
	if i < 0 {
		return play.Image{}, false
	}
	return w.Images[i], true
}

func nameOf(i play.Image) string {
	if len(i.Tags) > 0 {
		return strings.TrimSuffix(i.Tags[0], ":latest")
	}
	return short(i.ID)
}

func layersOf(w play.World, ids []string) (out []play.Layer) {
	for _, id := range ids {
		k := slices.IndexFunc(w.Layers, func(l play.Layer) bool { return l.ID == id })
		if k < 0 {
			return nil
		}
		out = append(out, w.Layers[k])
	}
	return out
}

// union is a union view in the making.
type union struct {
	m       play.Moment
	focus   []string
	layers  []layer // bottom first
	columns []Column
	more    int
}

// layer is a layer of the view, with its entries by path.
type layer struct {
	play.Layer
	name say.Phrase
	at   map[string]play.Entry
}

// newUnion leaves the engine's own layer out, but where it has a file of the
// focus: it is made of mount points, and a real engine does not show it.
func newUnion(m play.Moment, stack []play.Layer, focus []string) *union {
	u := &union{m: m, focus: focus}
	for i, l := range stack {
		at := make(map[string]play.Entry, len(l.Entries))
		for _, e := range l.Entries {
			at[e.Path] = e
		}
		if l.Kind == play.OfEngine && !slices.ContainsFunc(focus, func(name string) bool { e, has := at[name]; return has && !folder(e) }) {
			continue
		}
		u.layers = append(u.layers, layer{l, LayerName(l, i), at})
	}
	u.choose()
	return u
}

// LayerName is what a layer is called, by its place in its stack.
func LayerName(l play.Layer, at int) say.Phrase {
	switch l.Kind {
	case play.OfContainer:
		return sayContainerLayer
	case play.OfEngine:
		return sayInitLayer
	}
	return sayImageLayer(at + 1)
}

// choose picks the columns: of all paths that are told those that matter most,
// in the order of a tree.
func (u *union) choose() {
	all := u.paths()
	at := 0
	if len(u.focus) > 0 {
		at = max(0, slices.Index(all, u.focus[len(u.focus)-1]))
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(u.weight(all[a]), u.weight(all[b])), cmp.Compare(distance(a, at), distance(b, at)))
	})
	u.more = max(0, len(order)-columnsMost)
	order = order[:len(order)-u.more]
	for rank, i := range order {
		u.columns = append(u.columns, Column{all[i], u.pathName(all[i]), rank})
	}
	slices.SortFunc(u.columns, func(a, b Column) int { return inTree(a.ID, b.ID) })
}

func distance(a, b int) int { return max(a-b, b-a) }

// paths are all that are told of, in the order of a tree.
func (u *union) paths() (all []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	for _, l := range u.layers {
		if l.Kind == play.OfEngine {
			continue
		}
		for _, e := range l.Entries {
			add(e.Path)
		}
	}
	for _, name := range u.focus {
		if u.known(name) {
			add(name)
		}
	}
	if name, ok := u.about(); ok {
		add(name)
	}
	slices.SortFunc(all, inTree)
	return all
}

func (u *union) known(name string) bool {
	return slices.ContainsFunc(u.layers, func(l layer) bool { _, has := l.at[name]; return has })
}

// inTree orders paths as a tree is walked: a directory comes before what is in
// it, and that before its siblings.
func inTree(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) }

// weight is how much a path matters: the less, the more.
func (u *union) weight(name string) int {
	about, _ := u.about()
	entry, own := u.layers[len(u.layers)-1].at[name]
	own = own && u.layers[len(u.layers)-1].Kind == play.OfContainer
	folder := own && entry.Kind == play.Directory
	switch {
	case slices.Contains(u.focus, name) || name == about:
		return 0
	case u.parent(name):
		return 1
	case own && !folder:
		return 2
	case u.hides(name):
		return 3
	case u.beside(name):
		return 4
	}
	return 5
}

// parent says whether a path of the focus is right in the directory.
func (u *union) parent(name string) bool {
	return slices.ContainsFunc(u.focus, func(f string) bool { return path.Dir(f) == name })
}

func (u *union) beside(name string) bool {
	return slices.ContainsFunc(u.focus, func(f string) bool { return path.Dir(f) == path.Dir(name) })
}

func (u *union) hides(name string) bool {
	return slices.ContainsFunc(u.layers, func(l layer) bool { return len(l.at[name].HiddenBy) > 0 })
}

// about is the path that the next step changes.
func (u *union) about() (string, bool) {
	t := u.m.Then
	if t == nil || !strings.HasPrefix(t.Path, "/") || t.Path == "/" || slices.Contains([]string{"read", "load", "exec"}, t.Op) {
		return "", false
	}
	return t.Path, true
}

// pathName is a path as the head of a column: the end of it, and a slash behind
// a directory.
func (u *union) pathName(name string) say.Phrase {
	for _, l := range slices.Backward(u.layers) {
		if e, has := l.at[name]; has && e.Kind != play.Whiteout {
			if e.Kind == play.Directory || e.Kind == play.Opaque {
				return say.Verbatim(name + "/")
			}
			return say.Verbatim(name)
		}
	}
	return say.Verbatim(name)
}

// rows are what is seen, and the layers, topmost first.
func (u *union) rows() (rows []Row, arrows []Arrow) {
	seen := Row{ID: "seen", Name: sayImageSees, Cells: []Cell{}}
	if u.layers[len(u.layers)-1].Kind == play.OfContainer {
		seen.Name = sayContainerSees
	}
	for i, l := range slices.Backward(u.layers) {
		rows = append(rows, u.layerRow(i, l))
	}
	arrows = []Arrow{}
	for _, c := range u.columns {
		cell, below := u.column(c.ID)
		if cell.ID != "" {
			seen.Cells = append(seen.Cells, cell)
		}
		for i, cell := range below {
			if cell.ID != "" {
				rows[i].Cells = append(rows[i].Cells, cell)
			}
		}
		arrows = append(arrows, u.arrows(c.ID)...)
	}
	return append([]Row{seen}, rows...), arrows
}

func (u *union) layerRow(at int, l layer) Row {
	row := Row{ID: l.ID, Name: l.name, Note: sayReadOnly(Size(l.Bytes)), Cells: []Cell{}}
	switch {
	case l.Writable:
		row.Note, row.Marks = sayWritable(Size(l.Bytes)), []Mark{Writable}
	case len(l.SharedBy) > 1:
		row.Marks = []Mark{Shared}
	}
	return row
}

// Size is a number of bytes as docker writes it.
func Size(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// column is what is seen of a path, and its cell in each layer, topmost first;
// where there is none its ID is "".
func (u *union) column(name string) (seen Cell, below []Cell) {
	cover, dir := false, false // what is further down is hidden; a directory was met
	for i, l := range slices.Backward(u.layers) {
		e, has := l.at[name]
		switch {
		case !has:
			below = append(below, Cell{})
			cover = cover || cuts(l, name)
			continue
		case cover || dir && !folder(e):
			below = append(below, u.hiddenCell(l, e))
			cover = true
			if seen.ID == "" {
				seen = Cell{ID: "seen " + name, Column: name, Text: sayGone, Marks: []Mark{Gone}}
			}
			continue
		}
		below = append(below, u.cell(i, l, e))
		if seen.ID == "" && e.Kind != play.Whiteout {
			seen = Cell{ID: "seen " + name, Column: name, Text: describe(e)}
		}
		dir = dir || folder(e)
		cover = e.Kind == play.Opaque || !folder(e) || cuts(l, name)
	}
	u.markAbout(name, below)
	return seen, below
}

func folder(e play.Entry) bool { return e.Kind == play.Directory || e.Kind == play.Opaque }

// cuts says whether a layer hides a path by what it has above it.
func cuts(l layer, name string) bool {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if e, has := l.at[dir]; has && e.Kind != play.Directory {
			return true
		}
	}
	return false
}

// cell is what a layer has at a path, where it is not hidden.
func (u *union) cell(at int, l layer, e play.Entry) Cell {
	c := Cell{ID: l.ID + " " + e.Path, Column: e.Path, Text: describe(e), Now: u.now(l, e)}
	below, was := u.under(at, e)
	switch {
	case e.Kind == play.Whiteout:
		c.Text, c.Note, c.Marks = sayWhiteout, sayHidesOne, []Mark{Whiteout}
	case e.Kind == play.Opaque:
		c.Note, c.Marks = sayHidesAll, []Mark{Opaque}
	case at == 0:
	case !was:
		c.Note, c.Marks = sayNew, []Mark{New}
	case folder(e) && folder(below):
		c.Note, c.Marks = sayCopied, []Mark{Copied}
	case l.Kind != play.OfImage && below.Kind == e.Kind && below.Size == e.Size && below.Mode == e.Mode && below.Target == e.Target:
		c.Note, c.Marks = sayCopied, []Mark{Copied}
	default:
		c.Note, c.Marks = sayChanged, []Mark{Copied, Changed}
	}
	return c
}

// now says whether the step has just done something to an entry.
func (u *union) now(l layer, e play.Entry) bool {
	return u.m.StepAt != nil && u.m.Path == e.Path && u.m.Layer == l.ID
}

// under is what the layers below have at an entry's path.
func (u *union) under(at int, e play.Entry) (play.Entry, bool) {
	for _, l := range slices.Backward(u.layers[:at]) {
		if below, has := l.at[e.Path]; has && below.Kind != play.Whiteout {
			return below, true
		}
	}
	return play.Entry{}, e.From != ""
}

func (u *union) hiddenCell(l layer, e play.Entry) Cell {
	return Cell{ID: l.ID + " " + e.Path, Column: e.Path, Text: describe(e), Note: sayHidden, Marks: []Mark{Hidden}}
}

// markAbout marks what the next step will change: what is met first or, where
// there is nothing yet, the place for it.
func (u *union) markAbout(name string, below []Cell) {
	if about, ok := u.about(); !ok || about != name {
		return
	}
	for i := range below {
		if below[i].ID != "" {
			below[i].Marks = append(below[i].Marks, About)
			return
		}
	}
	if top := u.layers[len(u.layers)-1]; top.Writable {
		below[0] = Cell{ID: top.ID + " " + name, Column: name, Marks: []Mark{About}}
	}
}

// arrows are the copies of a path that were made of what is below.
func (u *union) arrows(name string) (out []Arrow) {
	for i, l := range slices.Backward(u.layers) {
		e, has := l.at[name]
		if !has || l.Kind != play.OfContainer || e.Kind == play.Whiteout {
			continue
		}
		for _, from := range slices.Backward(u.layers[:i]) {
			below, has := from.at[name]
			now := u.now(l, e) && u.m.Op == "copy-up"
			if has && below.Kind == e.Kind && (!folder(e) || now) {
				out = append(out, Arrow{from.ID + " " + name, l.ID + " " + name, sayCopyUp, now})
			}
			if has {
				break
			}
		}
	}
	return out
}

func describe(e play.Entry) say.Phrase {
	switch e.Kind {
	case play.Directory, play.Opaque:
		return sayDirectory
	case play.Symlink:
		return say.Verbatim("-> " + e.Target)
	case play.Whiteout:
		return sayWhiteout
	case play.Special:
		return saySpecial
	}
	return say.Verbatim(Size(e.Size))
}

// says is the sentence: the step's or, of the present, what holds.
func (u *union) says() say.Phrase {
	if u.m.StepAt != nil {
		return u.m.Why
	}
	top := u.layers[len(u.layers)-1]
	if top.Kind != play.OfContainer {
		return sayImageNow(len(u.layers))
	}
	changed, hidden := 0, 0
	for _, e := range top.Entries {
		if e.Kind != play.Directory {
			changed++
		}
		if len(e.Hides) > 0 {
			hidden++
		}
	}
	return sayContainerNow(changed, hidden)
}

func hex(id string) string {
	_, after, cut := strings.Cut(id, ":")
	if !cut {
		return id
	}
	return after
}

// short is an id as docker shows it.
func short(id string) string { return hex(id)[:min(12, len(hex(id)))] }
