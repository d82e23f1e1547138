package fs

import (
	"iter"

	"twinlayer/fs/persist"
)

// dir is the entries of a directory, sorted by name. It stays as it is: what
// edits one makes another.
type dir struct{ names persist.Map[string, Ino] }

// Entry is a name in a directory.
type Entry struct {
	Name string
	Ino  Ino
}

// list is the names; a nil directory has none.
func (d *dir) list() persist.Map[string, Ino] {
	if d == nil {
		return persist.Map[string, Ino]{}
	}
	return d.names
}

func (d *dir) get(name string) Ino {
	i, _ := d.list().Get(name)
	return i
}

// with is d with name standing for ino.
func (d *dir) with(name string, ino Ino) *dir { return &dir{d.list().With(name, ino)} }

// without is d with name gone.
func (d *dir) without(name string) *dir {
	if d.get(name) == 0 {
		return d
	}
	return &dir{d.names.Without(name)}
}

func (d *dir) len() int { return d.list().Len() }

// all yields the entries in order of their names.
func (d *dir) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for name, i := range d.list().All() {
			if !yield(Entry{name, i}) {
				return
			}
		}
	}
}

// since yields the names that stand for another inode than in old. What both
// share is passed over unseen.
func (d *dir) since(old *dir) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range persist.Changed(old.list(), d.list()) {
			if !yield(name) {
				return
			}
		}
	}
}
