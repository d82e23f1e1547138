package scene

import (
	"slices"

	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// rowsMost is how many images and containers have a row of their own.
const rowsMost = 20

// Bytes is what images and containers take on disk, and what the programs of
// the containers take in memory, with and without sharing.
func Bytes(m play.Moment) Scene {
	s := Scene{Kind: play.PictureBytes, Step: m.StepAt, Title: sayBytes, Rows: []Row{}, Arrows: []Arrow{}}
	s.Columns = []Column{{"all", sayAllItsLayers, 0}, {"own", sayItsAlone, 1}, {"wasted", sayWasted, 2}}
	b := weigh(m.World)
	b.full = max(b.alone, b.cacheAlone, 1)
	for i, o := range b.owners {
		if i == rowsMost {
			s.Rows = append(s.Rows, Row{ID: "more", Name: sayMoreOwners(len(b.owners) - rowsMost), Cells: []Cell{}})
			break
		}
		s.Rows = append(s.Rows, b.row(o))
	}
	if b.cacheAlone > 0 {
		s.Rows = append(s.Rows, b.sum("memory-alone", sayMemoryAlone, b.cacheAlone), b.sum("memory", sayMemoryOnce, b.cache))
	}
	s.Rows = append(s.Rows, b.sum("disk-alone", sayDiskAlone, b.alone), b.sum("disk", sayDiskOnce, b.once))
	s.Says = sayBytesNow(Size(b.alone), Size(b.once), Size(b.alone-b.once))
	return s
}

// weights are bytes of a world.
type weights struct {
	owners            []owner
	alone, once       int64 // on disk: each owner for itself, each layer once
	cacheAlone, cache int64 // in memory: each process for itself, each page once
	full              int64 // what a full bar stands for
}

// owner is an image or a container.
type owner struct {
	id, name         string
	all, own, wasted int64
}

func weigh(w play.World) (out weights) {
	bytes, standing := map[string]int64{}, map[string]int{}
	add := func(id, name string, layers []string, wasted int64) {
		out.owners = append(out.owners, owner{id: id, name: name, wasted: wasted})
		for _, l := range layers {
			standing[l]++
		}
	}
	for _, l := range w.Layers {
		bytes[l.ID] = l.Bytes
	}
	stacks := map[string][]string{}
	for _, k := range w.Containers {
		stacks[k.ID] = k.Layers
		add(k.ID, k.Name, k.Layers, 0)
	}
	for _, img := range w.Images {
		if len(img.Tags) > 0 {
			stacks[img.ID] = img.Layers
			add(img.ID, nameOf(img), img.Layers, img.Wasted)
		}
	}
	for i := range out.owners {
		o := &out.owners[i]
		for _, l := range stacks[o.id] {
			o.all += bytes[l]
			if standing[l] == 1 {
				o.own += bytes[l]
			}
		}
		out.alone += o.all
	}
	for l := range standing {
		out.once += bytes[l]
	}
	for _, c := range w.PageCache {
		out.cache += c.Bytes
		out.cacheAlone += c.Bytes * int64(max(1, len(c.PIDs)))
	}
	slices.SortStableFunc(out.owners, func(a, b owner) int { return int(min(max(b.all-a.all, -1), 1)) })
	return out
}

func (b weights) row(o owner) Row {
	row := Row{ID: o.id, Name: say.Verbatim(o.name), Cells: []Cell{b.cell(o.id, "all", o.all), b.cell(o.id, "own", o.own)}}
	if o.wasted > 0 {
		row.Cells = append(row.Cells, b.cell(o.id, "wasted", o.wasted))
	}
	return row
}

func (b weights) cell(id, column string, n int64) Cell {
	return Cell{ID: id + " " + column, Column: column, Text: say.Verbatim(Size(n)), Bytes: n, Of: b.full}
}

func (b weights) sum(id string, name say.Phrase, n int64) Row {
	return Row{ID: id, Name: name, Cells: []Cell{b.cell(id, "all", n)}}
}
