package report

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// What follows tells of images by what their layers hold, and is pure: the
// same trees give the same story, whichever world they come from.

// Row is one line of a story, and what belongs to it.
type Row struct {
	Tone  Tone         `json:"tone"`
	Text  say.Phrase   `json:"phrase"`
	Notes []say.Phrase `json:"phrases"`
}

// MarshalJSON adds the English texts.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row
	notes := []string{}
	for _, note := range r.Notes {
		notes = append(notes, say.Text(note))
	}
	return json.Marshal(struct {
		plain
		Text  string   `json:"text"`
		Notes []string `json:"notes"`
	}{plain(r), say.Text(r.Text), notes})
}

// Tone is what a row is to a learner.
type Tone string

// The tones.
const (
	Plain  Tone = ""
	Counts Tone = "counts" // what holds in the end
	Hidden Tone = "hidden" // what is there and not seen
	Warns  Tone = "warns"
)

// Stack is the layers of an image or a container, bottom first, and what the
// history tells of each.
type Stack struct {
	Name   string
	Trees  []*fs.Tree
	Made   []say.Phrase // by what instruction, as a Dockerfile has it
	Known  []bool       // whether that was recorded
	IDs    []digest.Digest
	Config []say.Phrase // instructions that made no layer
}

// StackOf is an image's stack; trees are its layers.
func StackOf(img sim.Image, trees []*fs.Tree) Stack {
	s := Stack{Name: imageName(img), Trees: trees, IDs: img.Layers}
	for _, h := range img.Config.History {
		made, known := sim.Instruction(h.CreatedBy, h.Comment)
		if h.EmptyLayer {
			s.Config = append(s.Config, made)
			continue
		}
		s.Made, s.Known = append(s.Made, made), append(s.Known, known)
	}
	for len(s.Made) < len(trees) {
		s.Made, s.Known = append(s.Made, sim.Unrecorded), append(s.Known, false)
	}
	return s
}

func imageName(img sim.Image) string {
	if len(img.Tags) > 0 {
		return img.Tags[0]
	}
	return sim.Short(img.ID)
}

// WithContainer is the stack with a container's own layer on top.
func (s Stack) WithContainer(name string, layer *fs.Tree) Stack {
	s.Name, s.Trees = name, append(slices.Clip(s.Trees), layer)
	s.Made, s.Known = append(slices.Clip(s.Made), sayContainerLayer(name)), append(slices.Clip(s.Known), true)
	return s
}

// changes are what layer number i adds, modifies and deletes.
func (s Stack) changes(i int) (out struct{ added, modified, deleted []string }) {
	below := fs.Merge(s.Trees[:i]...)
	for f := range s.Trees[i].All() {
		old := below.Lookup(f.Path)
		switch {
		case f.IsWhiteout():
			out.deleted = append(out.deleted, f.Path)
		case old == nil:
			out.added = append(out.added, f.Path)
		case f.IsDir() && old.IsDir() && f.Opaque:
			out.modified = append(out.modified, f.Path+"/ (all that was in it is hidden)")
		case f.IsDir() && old.IsDir() && f.Mode == old.Mode && f.UID == old.UID && f.GID == old.GID:
		default:
			out.modified = append(out.modified, f.Path)
		}
	}
	return out
}

// Audit tells of every layer who made it and what it added, modified and
// deleted.
func (s Stack) Audit() []Row {
	var out []Row
	for i, t := range s.Trees {
		row := Row{Text: sayRow(i+1, s.Made[i])}
		if !s.Known[i] {
			row.Tone = Warns
		}
		c := s.changes(i)
		row.Notes = slices.Concat(few(sayAdded, c.added), few(sayModified, c.modified), few(sayDeleted, c.deleted))
		if len(row.Notes) == 0 {
			row.Notes = []say.Phrase{sayNothingSeen}
		}
		row.Notes[0] = sayWithSize(row.Notes[0], bytesText(t.Bytes()))
		out = append(out, row)
	}
	for _, made := range s.Config {
		out = append(out, Row{Hidden, sayNoLayer(made), nil})
	}
	return out
}

// few counts paths and names some of them, the outermost first.
func few(what func(n, names any) say.Phrase, paths []string) []say.Phrase {
	const most = 5
	if len(paths) == 0 {
		return nil
	}
	paths = slices.Clone(paths)
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	text := strings.Join(paths[:min(most, len(paths))], " ")
	if len(paths) > most {
		text += " …"
	}
	return []say.Phrase{what(len(paths), text)}
}

func bytesText(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// Why tells which layer provides a path, which hold older versions of it, and
// where it was deleted, from the top down.
func (s Stack) Why(name string) []Row {
	name = s.real(path.Clean("/" + name))
	var out []Row
	provider, cut := 0, 0 // numbers of layers
	for i, t := range slices.Backward(s.Trees) {
		row := Row{Text: sayRow(i+1, s.Made[i])}
		node, gone := t.Lookup(name), cutOff(t, name)
		switch {
		case node != nil && node.IsWhiteout(), node == nil && !gone.Empty():
			if gone.Empty() || node != nil {
				gone = sayDeletedHere
			}
			row.Notes, row.Tone = []say.Phrase{gone}, Warns
		case node == nil:
			continue
		case cut > 0:
			row.Notes, row.Tone = []say.Phrase{sayStillThere(nodeText(node), cut)}, Hidden
		case provider > 0 && node.IsDir():
			row.Notes, row.Tone = []say.Phrase{sayShowsThrough}, Plain
		case provider > 0:
			row.Notes, row.Tone = []say.Phrase{sayOlderVersion(nodeText(node), provider)}, Hidden
		default:
			row.Notes, row.Tone = []say.Phrase{sayProvides(nodeText(node))}, Counts
			provider = i + 1
		}
		if cut == 0 && (row.Tone == Warns || node != nil && !gone.Empty()) {
			cut = i + 1
		}
		out = append(out, row)
	}
	return append([]Row{s.verdict(name, provider, out)}, out...)
}

func (s Stack) verdict(name string, provider int, all []Row) Row {
	switch {
	case provider > 0:
		return Row{Counts, sayIsThere(name, s.Name, provider), nil}
	case len(all) > 0:
		return Row{Warns, sayIsDeleted(name, s.Name), nil}
	}
	return Row{Plain, sayIsNowhere(name, s.Name), nil}
}

// real is a path whose directories' symlinks are followed.
func (s Stack) real(name string) string {
	root := fs.Merge(s.Trees...)
	at := "/"
	for part := range strings.SplitSeq(strings.Trim(path.Dir(name), "/"), "/") {
		at = path.Join(at, part)
		for range 40 {
			node := root.Lookup(at)
			if node == nil || node.Type() != fs.S_IFLNK {
				break
			}
			if path.IsAbs(node.Target) {
				at = path.Clean(node.Target)
			} else {
				at = path.Join(path.Dir(at), node.Target)
			}
		}
	}
	return path.Join(at, path.Base(name))
}

// cutOff says how a layer cuts a path off from what is below it by what it
// has above the path; empty where it does not.
func cutOff(t *fs.Tree, name string) say.Phrase {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		switch node := t.Lookup(dir); {
		case node == nil:
		case node.IsWhiteout():
			return sayDeletedWith(dir)
		case !node.IsDir():
			return sayNoDirectory(dir)
		case node.Opaque:
			return sayMadeAnew(dir)
		}
	}
	return say.Phrase{}
}

func nodeText(n *fs.Node) say.Phrase {
	switch {
	case n.IsDir():
		return sayDirectory(octal(n.Mode))
	case n.Type() == fs.S_IFLNK:
		return saySymlink(n.Target)
	case n.IsRegular():
		return sayFile(bytesText(n.Size()), octal(n.Mode))
	}
	return saySpecialFile
}

func octal(mode uint32) string { return fmt.Sprintf("%o", mode&0o7777) }

// wasted are the bytes of each layer's files that later layers delete or
// replace.
func (s Stack) wasted() []int64 {
	return Wasted(s.Trees)
}

// Wasted is the same of layers that stand on each other, bottom first.
func Wasted(trees []*fs.Tree) []int64 {
	out := make([]int64, len(trees))
	seen := fs.Merge(trees...)
	for i, t := range trees {
		counted := map[fs.Ino]bool{}
		for f := range t.All() {
			if now := seen.Lookup(f.Path); f.IsRegular() && !counted[f.Ino] && (now == nil || !same(now, f.Node) || overwritten(trees[i+1:], f.Path)) {
				counted[f.Ino] = true
				out[i] += f.Size()
			}
		}
	}
	return out
}

func same(a, b *fs.Node) bool { return a.IsRegular() && a.Data.Shares(b.Data) }

// overwritten says whether one of the layers above has a file of its own at a
// path.
func overwritten(above []*fs.Tree, name string) bool {
	return slices.ContainsFunc(above, func(t *fs.Tree) bool { return t.Lookup(name) != nil })
}

// Table lists the layers with their sizes, which other images stand on them
// too, what later layers waste of them and, where it is not the diffID, the
// chainID (image-spec, config.md, Layer ChainID).
func (s Stack) Table(others []sim.Image) []Row {
	var out []Row
	var total, waste int64
	for i, n := range s.wasted() {
		row := Row{Text: saySizedRow(i+1, fmt.Sprintf("%9s", bytesText(s.Trees[i].Bytes())), s.id(i), s.Made[i])}
		if i > 0 && i < len(s.IDs) {
			row.Notes = append(row.Notes, sayChainID(sim.Short(identity.ChainID(s.IDs[:i+1]))))
		}
		if names := s.sharing(others, i); len(names) > 0 {
			row.Notes = append(row.Notes, sayShared(strings.Join(names, ", ")))
		}
		if n > 0 {
			row.Tone = Warns
			row.Notes = append(row.Notes, sayWasted(bytesText(n)))
		}
		total, waste = total+s.Trees[i].Bytes(), waste+n
		out = append(out, row)
	}
	sum := sayTotal(len(s.Trees), bytesText(total), bytesText(waste))
	if len(s.Trees) == 1 {
		sum = sayTotalOfOne(bytesText(total), bytesText(waste))
	}
	return append(out, Row{Counts, sum, nil})
}

func (s Stack) id(i int) any {
	if i < len(s.IDs) {
		return sim.Short(s.IDs[i])
	}
	return sayWritable
}

// sharing are the images that stand on layer number i as well.
func (s Stack) sharing(others []sim.Image, i int) (names []string) {
	for _, img := range others {
		if i < len(s.IDs) && len(img.Tags) > 0 && img.Tags[0] != s.Name && slices.Contains(img.Layers, s.IDs[i]) {
			names = append(names, img.Tags[0])
		}
	}
	slices.Sort(names)
	return names
}

// Differences tells in what two images differ: in their layers and in what is
// seen of them.
func (s Stack) Differences(o Stack) []Row {
	n := 0
	for n < len(s.IDs) && n < len(o.IDs) && s.IDs[n] == o.IDs[n] {
		n++
	}
	out := []Row{{Counts, sayShareLowest(s.Name, o.Name, n, bytesText(sum(s.Trees[:n]))), nil}}
	for _, x := range []Stack{s, o} {
		for i := n; i < len(x.Trees); i++ {
			out = append(out, Row{Plain, sayOnlyLayer(x.Name, i+1, bytesText(x.Trees[i].Bytes()), x.Made[i]), nil})
		}
	}
	a, b := fs.Merge(s.Trees...), fs.Merge(o.Trees...)
	var added, modified, deleted []string
	for f := range b.All() {
		switch old := a.Lookup(f.Path); {
		case old == nil:
			added = append(added, f.Path)
		case !f.IsDir() && !sim.SameContent(old, f.Node), f.Mode != old.Mode, f.UID != old.UID, f.GID != old.GID:
			modified = append(modified, f.Path)
		}
	}
	for f := range a.All() {
		if b.Lookup(f.Path) == nil {
			deleted = append(deleted, f.Path)
		}
	}
	notes := slices.Concat(few(only(o), added), few(sayDifferent, modified), few(only(s), deleted))
	if len(notes) == 0 {
		notes = []say.Phrase{sayNoDifference}
	}
	return append(out, Row{Plain, sayDifferencesSeen, notes})
}

func only(s Stack) func(n, names any) say.Phrase {
	return func(n, names any) say.Phrase { return sayOnlyIn(s.Name, n, names) }
}

func sum(all []*fs.Tree) (n int64) {
	for _, t := range all {
		n += t.Bytes()
	}
	return n
}
