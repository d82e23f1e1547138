package play

import (
	"twinlayer/fs"
	"twinlayer/sim/model"
)

// Moment is a step of the model's, with the layers as they were right after it.
type Moment struct {
	StepAt
	Number int     `json:"number"` // the step's place in the timeline, from 1
	Ahead  int     `json:"ahead"`  // so many steps are in front of it
	Real   bool    `json:"real"`   // there is a real world, which cannot go back
	Stack  []Layer `json:"-"`
}

// World is one side as it is.
type World struct{}

// Layer is a layer.
type Layer struct {
	Name     string  `json:"name"`
	Bytes    int64   `json:"bytes"`
	Paths    int     `json:"paths"`
	Writable bool    `json:"writable"`
	Entries  []Entry `json:"entries"`
	More     int     `json:"more,omitempty"` // so many entries are left out
}

// EntryKind is what stands at a path of a layer.
type EntryKind string

// The kinds of entries.
const (
	File      EntryKind = "file"
	Directory EntryKind = "directory"
	Symlink   EntryKind = "symlink"
	Whiteout  EntryKind = "whiteout" // hides what is below it
	Opaque    EntryKind = "opaque"   // a directory that hides all below it
	Special   EntryKind = "special"  // a device, a fifo or a socket
)

// Entry is a path of a layer.
type Entry struct {
	Path   string    `json:"path"`
	Kind   EntryKind `json:"kind"`
	Size   int64     `json:"size"`
	Mode   uint32    `json:"mode"` // permissions, as chmod(1) takes them, in decimal
	Target string    `json:"target,omitempty"`
}

func (c *Conversation) moment(m model.Moment) Moment {
	return Moment{StepAt: stepAt(m), Ahead: c.timeline.Ahead(), Real: c.Session.Real != nil, Stack: c.stack(m.After.Focus())}
}

// stack is layers, bottom first, of which the last is the writable one.
func (c *Conversation) stack(layers []fs.Layer) []Layer {
	out := make([]Layer, 0, len(layers))
	for i, l := range layers {
		top := i == len(layers)-1
		layer := Layer{Name: l.Name, Bytes: l.Tree.Bytes(), Writable: top}
		for f := range l.Tree.All() {
			if layer.Paths++; !top {
				continue
			}
			if len(layer.Entries) == entriesMost {
				layer.More++
				continue
			}
			layer.Entries = append(layer.Entries, entryOf(f))
		}
		out = append(out, layer)
	}
	return out
}

// entriesMost is how many entries of a layer are told.
const entriesMost = 200

func entryOf(f fs.Path) Entry {
	e := Entry{Path: f.Path, Kind: kindOf(f.Node), Mode: f.Mode & 0o7777, Target: f.Target}
	if e.Kind == File {
		e.Size = f.Size()
	}
	return e
}

func kindOf(n *fs.Node) EntryKind {
	switch {
	case n.IsWhiteout():
		return Whiteout
	case n.IsDir() && n.Opaque:
		return Opaque
	case n.IsDir():
		return Directory
	case n.Type() == fs.S_IFLNK:
		return Symlink
	case n.IsRegular():
		return File
	}
	return Special
}
