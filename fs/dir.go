package fs

import (
	"iter"
	"slices"
	"strings"
)

// dir is the entries of a directory, sorted by name, as a persistent list of
// chunks: an edit copies one chunk and the list of them.
type dir struct {
	chunks [][]Entry // none is empty
	n      int
}

// Entry is a name in a directory.
type Entry struct {
	Name string
	Ino  Ino
}

const chunkMax = 64

// chunk is the index of the chunk in which name stands or would stand.
func (d *dir) chunk(name string) int {
	i, found := slices.BinarySearchFunc(d.chunks, name, func(c []Entry, name string) int {
		return strings.Compare(c[0].Name, name)
	})
	if !found && i > 0 {
		i--
	}
	return i
}

func find(c []Entry, name string) (int, bool) {
	return slices.BinarySearchFunc(c, name, func(e Entry, name string) int {
		return strings.Compare(e.Name, name)
	})
}

func (d *dir) get(name string) Ino {
	if d == nil || d.n == 0 {
		return 0
	}
	c := d.chunks[d.chunk(name)]
	if i, ok := find(c, name); ok {
		return c[i].Ino
	}
	return 0
}

// with is d with name standing for ino.
func (d *dir) with(name string, ino Ino) *dir {
	if d == nil || d.n == 0 {
		return &dir{chunks: [][]Entry{{{name, ino}}}, n: 1}
	}
	k := d.chunk(name)
	c := d.chunks[k]
	i, found := find(c, name)
	if found {
		c = slices.Clone(c)
		c[i].Ino = ino
		return &dir{replace(d.chunks, k, c), d.n}
	}
	longer := make([]Entry, len(c)+1)
	copy(longer, c[:i])
	longer[i] = Entry{name, ino}
	copy(longer[i+1:], c[i:])
	if len(longer) <= chunkMax {
		return &dir{replace(d.chunks, k, longer), d.n + 1}
	}
	cut := splitAt(i, len(longer))
	return &dir{replace(d.chunks, k, longer[:cut:cut], longer[cut:]), d.n + 1}
}

// splitAt keeps chunks full where names arrive in order, and halves else.
func splitAt(inserted, length int) int {
	if inserted == length-1 {
		return inserted
	}
	return length / 2
}

// without is d with name gone.
func (d *dir) without(name string) *dir {
	if d.get(name) == 0 {
		return d
	}
	k := d.chunk(name)
	c := d.chunks[k]
	i, _ := find(c, name)
	if len(c) == 1 {
		return &dir{replace(d.chunks, k), d.n - 1}
	}
	shorter := make([]Entry, 0, len(c)-1)
	shorter = append(append(shorter, c[:i]...), c[i+1:]...)
	return &dir{replace(d.chunks, k, shorter), d.n - 1}
}

// replace is a copy of chunks with the kth replaced by others.
func replace(chunks [][]Entry, k int, by ...[]Entry) [][]Entry {
	out := make([][]Entry, 0, len(chunks)-1+len(by))
	out = append(append(out, chunks[:k]...), by...)
	return append(out, chunks[k+1:]...)
}

func (d *dir) len() int {
	if d == nil {
		return 0
	}
	return d.n
}

// all yields the entries in order of their names.
func (d *dir) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if d == nil {
			return
		}
		for _, c := range d.chunks {
			for _, e := range c {
				if !yield(e) {
					return
				}
			}
		}
	}
}
