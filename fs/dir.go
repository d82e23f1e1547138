package fs

import (
	"iter"
	"slices"
	"strings"

	"twinlayer/fs/persist"
)

// Dir is the entries of a directory, sorted by name. It stays as it is: what
// edits one makes another. A few are a list, which takes half the memory; an
// edit of many copies only what stands above the one that changes.
type Dir struct {
	few  []Entry // at most fewMax, and none beside many
	many persist.Map[string, Ino]
}

// Entry is a name in a directory.
type Entry struct {
	Name string
	Ino  Ino
}

const fewMax = 256

func find(few []Entry, name string) (int, bool) {
	return slices.BinarySearchFunc(few, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
}

func (d *Dir) get(name string) (i Ino) {
	if d == nil {
		return 0
	}
	if at, ok := find(d.few, name); ok {
		return d.few[at].Ino
	}
	i, _ = d.many.Get(name)
	return i
}

// with is d with name standing for ino.
func (d *Dir) with(name string, ino Ino) *Dir {
	switch {
	case d == nil:
		return &Dir{few: []Entry{{name, ino}}}
	case d.many.Len() > 0:
		return &Dir{many: d.many.With(name, ino)}
	}
	at, found := find(d.few, name)
	if !found && len(d.few) == fewMax {
		return &Dir{many: d.spread().With(name, ino)}
	}
	few := make([]Entry, 0, len(d.few)+1)
	few = append(append(few, d.few[:at]...), Entry{name, ino})
	if found {
		at++
	}
	return &Dir{few: append(few, d.few[at:]...)}
}

// spread is the few as many.
func (d *Dir) spread() (many persist.Map[string, Ino]) {
	for _, e := range d.few {
		many = many.With(e.Name, e.Ino)
	}
	return many
}

// without is d with name gone.
func (d *Dir) without(name string) *Dir {
	switch {
	case d.get(name) == 0:
		return d
	case d.many.Len() > 0:
		return &Dir{many: d.many.Without(name)}
	}
	return &Dir{few: slices.DeleteFunc(slices.Clone(d.few), func(e Entry) bool { return e.Name == name })}
}

// Len is how many entries there are.
func (d *Dir) Len() int {
	if d == nil {
		return 0
	}
	return len(d.few) + d.many.Len()
}

// All yields the entries in order of their names.
func (d *Dir) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if d == nil {
			return
		}
		for _, e := range d.few {
			if !yield(e) {
				return
			}
		}
		for name, i := range d.many.All() {
			if !yield(Entry{name, i}) {
				return
			}
		}
	}
}

// since yields the names that stand for another inode than in old. Of many
// that both share nothing is looked at.
func (d *Dir) since(old *Dir) iter.Seq[string] {
	return func(yield func(string) bool) {
		if d != nil && old != nil && d.many.Len() > 0 && old.many.Len() > 0 {
			for name := range persist.Changed(old.many, d.many) {
				if !yield(name) {
					return
				}
			}
			return
		}
		for e := range d.All() {
			if old.get(e.Name) != e.Ino && !yield(e.Name) {
				return
			}
		}
		for e := range old.All() {
			if d.get(e.Name) == 0 && !yield(e.Name) {
				return
			}
		}
	}
}
