package scene

import (
	"slices"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Tree is all images that have a name, and all containers, on the layers that
// they stand on.
func Tree(m play.Moment) Scene {
	s := Scene{Kind: play.PictureTree, Step: m.StepAt, Title: sayTree, Columns: []Column{}, Rows: []Row{}, Arrows: []Arrow{}}
	root := &node{}
	for _, img := range slices.Backward(m.World.Images) {
		if len(img.Tags) > 0 && len(img.Layers) > 0 {
			at := root.under(img.Layers)
			at.images = append(at.images, nameOf(img))
		}
	}
	for _, k := range slices.Backward(m.World.Containers) {
		if n := len(k.Layers) - 1; n > 0 {
			at := root.under(slices.DeleteFunc(slices.Clone(k.Layers[:n]), func(id string) bool { return strings.HasPrefix(id, "init:") }))
			at.next = append(at.next, &node{id: k.ID, container: k})
		}
	}
	if len(root.next) == 0 {
		s.Title, s.Says = sayNothingThere, sayNoStack
		return s
	}
	t := treeing{world: m.World, scene: &s}
	for _, n := range root.next {
		t.draw(n, 0)
	}
	slices.Reverse(s.Rows)
	s.Says = sayTreeNow(t.boxes, t.used)
	return s
}

// node is a layer on those below it, or a container on its image's.
type node struct {
	id        string
	images    []string // that end with it
	container play.Container
	next      []*node
}

// under is the node of the topmost of layers that stand on each other.
func (n *node) under(ids []string) *node {
	for _, id := range ids {
		i := slices.IndexFunc(n.next, func(o *node) bool { return o.id == id })
		if i < 0 {
			n.next = append(n.next, &node{id: id})
			i = len(n.next) - 1
		}
		n = n.next[i]
	}
	return n
}

// treeing is a tree being drawn.
type treeing struct {
	world       play.World
	scene       *Scene
	boxes, used int // boxes of layers, and how often they are stood on
}

// draw draws a node and all on it, and returns how many columns they take and
// how many images and containers they are.
func (t *treeing) draw(n *node, depth int) (span, standing int) {
	for len(t.scene.Rows) <= depth {
		name := sayLevel(depth + 1)
		if depth == 0 {
			name = sayBase
		}
		t.scene.Rows = append(t.scene.Rows, Row{ID: "level " + string(rune('0'+depth%10)), Name: name, Cells: []Cell{}})
	}
	from := len(t.scene.Columns)
	standing = len(n.images)
	for _, o := range n.next {
		more, on := t.draw(o, depth+1)
		span, standing = span+more, standing+on
	}
	if span == 0 && from >= columnsMost {
		t.scene.More++
		return 0, max(standing, 1)
	}
	if span == 0 {
		span = 1
		t.scene.Columns = append(t.scene.Columns, Column{n.id, n.name(), from})
	}
	cell := t.cell(n, standing)
	cell.Column, cell.Span = t.scene.Columns[from].ID, span
	row := &t.scene.Rows[depth]
	row.Cells = append(row.Cells, cell)
	return span, max(standing, 1)
}

func (n *node) name() say.Phrase {
	switch {
	case n.container.ID != "":
		return say.Verbatim(n.container.Name)
	case len(n.images) > 0:
		return say.Verbatim(n.images[0])
	}
	return say.Verbatim(short(n.id))
}

func (t *treeing) cell(n *node, standing int) Cell {
	if k := n.container; k.ID != "" {
		status := map[sim.Status]say.Phrase{sim.Running: sayRunning, sim.Created: sayCreated, sim.Exited: sayExited}[k.Status]
		return Cell{ID: k.ID, Text: say.Verbatim(k.Name), Note: status, Marks: []Mark{New, Writable}}
	}
	c := Cell{ID: n.id, Text: say.Verbatim(strings.Join(n.images, ", ")), Marks: []Mark{}}
	if len(n.images) == 0 {
		c.Text = sayLayerID(short(n.id))
	}
	if all := layersOf(t.world, []string{n.id}); len(all) > 0 {
		c.Note = say.Verbatim(Size(all[0].Bytes))
		if standing > 1 {
			c.Note = saySharedBy(Size(all[0].Bytes), standing)
		}
	}
	if standing > 1 {
		c.Marks = append(c.Marks, Shared)
	}
	t.boxes, t.used = t.boxes+1, t.used+max(standing, 1)
	return c
}
