package scene

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Tower is a build or a commit as far as it has come, from the steps of its
// command. Of an image that is named, or where the command made none, it is the
// instructions that an image was made by.
func Tower(m play.Moment, steps []play.StepAt, of string) Scene {
	s := Scene{Kind: play.PictureTower, Step: m.StepAt, Columns: []Column{}, Rows: []Row{}, Arrows: []Arrow{}}
	if m.StepAt != nil {
		steps = steps[:min(len(steps), m.Index)]
	}
	floors := floorsOf(m.World, steps)
	if of != "" || len(floors) == 0 {
		return towerOfImage(s, m.World, of)
	}
	s.Title = sayGrowing(steps[0].Cmd)
	s.Says = steps[len(steps)-1].Why
	s.Columns = []Column{{"run", sayRunIt, 1}, {"execute", sayExecuteIt, 2}, {"commit", sayCommitIt, 0}}
	for i, f := range floors {
		f.now = i == len(floors)-1 && m.StepAt != nil
		row := f.row(m.World, i+1, floors[max(0, i-1)].image)
		s.Rows = append([]Row{row}, s.Rows...)
		if i > 0 && floors[i-1].image != "" && f.ran {
			s.Arrows = append(s.Arrows, Arrow{fmt.Sprintf("floor %d commit", i), fmt.Sprintf("floor %d run", i+1), sayRunIt, f.now && f.last == "create"})
		}
	}
	return s
}

// floor is an instruction of a build, and how far it has come.
type floor struct {
	says               say.Phrase
	ran, done          bool // a container was made of the image below; its process has ended
	running            bool
	cached, empty, now bool
	image              string // that was made, as docker shows its id
	last               string // the op of its last step
}

// floorsOf are the instructions that steps tell of; a commit is one.
func floorsOf(w play.World, steps []play.StepAt) (out []*floor) {
	for _, st := range steps {
		switch {
		case st.Op == "build" && len(st.Why.Args) == 3:
			out = append(out, floorOf(w, phraseOf(st.Why.Args[2])))
		case st.Op == "layer" && len(out) == 0 && len(steps) > 1 && steps[0].Op != "pull" && steps[0].Op != "power-on":
			out = append(out, onImage(w), &floor{says: say.Verbatim(st.Cmd)})
		}
		if len(out) > 0 {
			out[len(out)-1].take(st)
		}
	}
	return out
}

// floorOf is an instruction that begins; a base image may be there already.
func floorOf(w play.World, says say.Phrase) *floor {
	f := &floor{says: says}
	if words := strings.Fields(say.Text(says)); len(words) > 1 && strings.EqualFold(words[0], "FROM") {
		if img, known := imageOf(w, words[1]); known {
			f.image = short(img.ID)
		}
	}
	return f
}

// onImage is the floor that a commit stands on: the image of its container.
func onImage(w play.World) *floor {
	f := &floor{says: sayOnImage("")}
	if i := slices.IndexFunc(w.Containers, func(k play.Container) bool { return k.ID == w.Focus }); i >= 0 {
		f.says, f.image = sayOnImage(w.Containers[i].Image), short(w.Containers[i].ImageID)
	}
	return f
}

func phraseOf(a any) say.Phrase {
	if p, ok := a.(say.Phrase); ok {
		return p
	}
	return say.Verbatim(fmt.Sprint(a))
}

func (f *floor) take(st play.StepAt) {
	f.last = st.Op
	switch st.Op {
	case "create":
		f.ran = true
	case "exec":
		f.running = true
	case "exit":
		f.done = true
	case "layer":
		f.empty = len(st.Why.Args) == 0
	case "cached":
		f.cached, f.image = true, firstArg(st)
	case "config", "tag":
		f.image = cmp.Or(f.image, imageArg(st))
	}
}

func firstArg(st play.StepAt) string {
	if len(st.Why.Args) == 0 {
		return ""
	}
	return fmt.Sprint(st.Why.Args[0])
}

// imageArg is the id of the image that a step tells of.
func imageArg(st play.StepAt) string {
	if st.Op == "tag" && len(st.Why.Args) > 1 {
		return fmt.Sprint(st.Why.Args[1])
	}
	return firstArg(st)
}

// row is a floor with what it has come to.
func (f *floor) row(w play.World, n int, below string) Row {
	id := fmt.Sprintf("floor %d", n)
	row := Row{ID: id, Name: f.says, Cells: []Cell{}}
	if f.ran {
		row.Cells = append(row.Cells, Cell{ID: id + " run", Column: "run", Text: sayContainerOf, Note: sayOfImage(below), Marks: []Mark{New}, Now: f.now && f.last == "create"})
	}
	if f.running {
		text := sayRuns
		if f.done {
			text = sayRan
		}
		row.Cells = append(row.Cells, Cell{ID: id + " execute", Column: "execute", Text: text, Note: f.written(w), Marks: []Mark{Changed},
			Now: f.now && !slices.Contains([]string{"create", "layer", "config", "tag", "remove"}, f.last)})
	}
	if f.image != "" || f.empty {
		row.Cells = append(row.Cells, f.committed(w, id))
	}
	return row
}

// base says whether a floor is the image that others are built on.
func (f *floor) base() bool { return !f.ran && strings.HasPrefix(say.Text(f.says), "FROM ") }

func total(all []play.Layer) (n int64) {
	for _, l := range all {
		n += l.Bytes
	}
	return n
}

// written is what the container's layer holds while it is there.
func (f *floor) written(w play.World) say.Phrase {
	stack := w.Stack(w.Focus)
	if !f.now || len(stack) == 0 {
		return say.Phrase{}
	}
	own := stack[len(stack)-1]
	return sayPaths(own.Paths, Size(own.Bytes))
}

// committed is what a floor has added to the image.
func (f *floor) committed(w play.World, id string) Cell {
	c := Cell{ID: id + " commit", Column: "commit", Text: say.Verbatim(f.image), Marks: []Mark{New}, Now: f.now && slices.Contains([]string{"layer", "config", "tag", "cached"}, f.last)}
	img, known := imageOf(w, f.image)
	switch {
	case f.image == "":
		c.Text, c.Note = sayNoLayer, say.Phrase{}
	case known && !f.ran && !f.cached && f.last != "config" && f.last != "tag" || known && f.base():
		all := layersOf(w, img.Layers)
		c.Note, c.Marks = sayBaseOf(Size(total(all))), []Mark{}
	case f.empty || known && len(img.Made) > 0 && img.Made[len(img.Made)-1].Layer == "":
		c.Note = sayNoLayer
	case known:
		if all := layersOf(w, img.Layers); len(all) > 0 {
			c.Note = sayTopLayer(Size(all[len(all)-1].Bytes))
		}
	}
	if f.cached {
		c.Marks, c.Note = []Mark{Cached}, sayUsedAgain
	}
	return c
}

// towerOfImage is the history of an image as a tower.
func towerOfImage(s Scene, w play.World, of string) Scene {
	img, ok := imageOf(w, of)
	if i := slices.IndexFunc(w.Containers, func(k play.Container) bool { return k.ID == cmp.Or(of, w.Focus) }); !ok && i >= 0 {
		img, ok = imageOf(w, w.Containers[i].ImageID)
	}
	if !ok && len(w.Images) > 0 && of == "" {
		img, ok = w.Images[0], true
	}
	if !ok {
		s.Title, s.Says = sayNothingThere, sayNoTower
		return s
	}
	s.Title, s.Says = sayTowerOf(nameOf(img)), sayTowerNow(len(img.Made), len(img.Layers))
	s.Columns = []Column{{"layer", sayLayer, 0}, {"shared", sayStanding, 1}}
	for i, made := range img.Made {
		id := fmt.Sprintf("floor %d", i+1)
		row := Row{ID: id, Name: made.Says, Cells: []Cell{}}
		if k := slices.IndexFunc(w.Layers, func(l play.Layer) bool { return l.ID == made.Layer }); k >= 0 {
			l := w.Layers[k]
			row.Cells = append(row.Cells, Cell{ID: id + " layer", Column: "layer", Text: say.Verbatim(Size(l.Bytes)), Note: say.Verbatim(short(l.ID)), Marks: []Mark{New}})
			row.Cells = append(row.Cells, standing(w, id, l))
		} else {
			row.Cells = append(row.Cells, Cell{ID: id + " layer", Column: "layer", Text: sayNoLayer})
		}
		s.Rows = append([]Row{row}, s.Rows...)
	}
	return s
}

// standing is how many images and containers stand on a layer.
func standing(w play.World, id string, l play.Layer) Cell {
	images, containers := 0, 0
	for _, img := range w.Images {
		if len(img.Tags) > 0 && slices.Contains(img.Layers, l.ID) {
			images++
		}
	}
	for _, k := range w.Containers {
		if slices.Contains(k.Layers, l.ID) {
			containers++
		}
	}
	c := Cell{ID: id + " shared", Column: "shared", Text: sayImages(images), Note: sayContainers(containers)}
	if images+containers > 1 {
		c.Marks = []Mark{Shared}
	}
	return c
}
