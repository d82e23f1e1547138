package fs

// Ino is an inode's number within one tree. 0 is no inode.
type Ino uint64

// Owner marks what one edit may change in place: a piece that carries another
// owner is shared with an older tree and is copied first.
type Owner struct{ _ byte }

const (
	tableBits = 5
	tableSize = 1 << tableBits
)

// Table maps inode numbers to values as a persistent radix tree: an edit
// copies the path to the value and shares the rest, so that every older table
// stays as it was. The zero table is empty.
type Table[T comparable] struct {
	root  *tableNode[T]
	depth uint // levels above the leaves
}

type tableNode[T comparable] struct {
	own  *Owner
	kids []*tableNode[T] // in a branch
	vals []T             // in a leaf
}

// Get is the value at i; zero where there is none.
func (t Table[T]) Get(i Ino) (v T) {
	if t.root == nil || i>>(tableBits*(t.depth+1)) != 0 {
		return v
	}
	n := t.root
	for level := t.depth; level > 0; level-- {
		if n = n.kids[i>>(tableBits*level)&(tableSize-1)]; n == nil {
			return v
		}
	}
	return n.vals[i&(tableSize-1)]
}

// Set puts v at i; the zero T takes i out.
func (t *Table[T]) Set(own *Owner, i Ino, v T) {
	for t.root != nil && i>>(tableBits*(t.depth+1)) != 0 {
		up := newTableNode[T](own, true)
		up.kids[0] = t.root
		t.root, t.depth = up, t.depth+1
	}
	if t.root == nil {
		for i>>(tableBits*(t.depth+1)) != 0 {
			t.depth++
		}
	}
	t.root = t.root.with(own, t.depth, i, v)
}

func newTableNode[T comparable](own *Owner, branch bool) *tableNode[T] {
	if branch {
		return &tableNode[T]{own: own, kids: make([]*tableNode[T], tableSize)}
	}
	return &tableNode[T]{own: own, vals: make([]T, tableSize)}
}

func (n *tableNode[T]) with(own *Owner, level uint, i Ino, v T) *tableNode[T] {
	n = n.owned(own, level > 0)
	at := i >> (tableBits * level) & (tableSize - 1)
	if level == 0 {
		n.vals[at] = v
	} else {
		n.kids[at] = n.kids[at].with(own, level-1, i, v)
	}
	return n
}

func (n *tableNode[T]) owned(own *Owner, branch bool) *tableNode[T] {
	if n == nil {
		return newTableNode[T](own, branch)
	}
	if n.own == own {
		return n
	}
	return &tableNode[T]{own: own, kids: append([]*tableNode[T](nil), n.kids...), vals: append([]T(nil), n.vals...)}
}

// diff calls fn for every number whose value differs between two tables, in
// ascending order. Shared pieces are passed over unseen.
func (t Table[T]) diff(o Table[T], fn func(i Ino, a, b T)) {
	depth := max(t.depth, o.depth)
	diffNodes(t.raised(depth), o.raised(depth), depth, 0, fn)
}

// raised is the root of the same table with the given depth.
func (t Table[T]) raised(depth uint) *tableNode[T] {
	n := t.root
	for d := t.depth; n != nil && d < depth; d++ {
		up := newTableNode[T](nil, true)
		up.kids[0] = n
		n = up
	}
	return n
}

func diffNodes[T comparable](a, b *tableNode[T], level uint, base Ino, fn func(i Ino, a, b T)) {
	if a == b {
		return
	}
	for k := range Ino(tableSize) {
		i := base<<tableBits | k
		if level > 0 {
			diffNodes(a.kid(k), b.kid(k), level-1, i, fn)
		} else if x, y := a.val(k), b.val(k); x != y {
			fn(i, x, y)
		}
	}
}

func (n *tableNode[T]) kid(k Ino) *tableNode[T] {
	if n == nil {
		return nil
	}
	return n.kids[k]
}

func (n *tableNode[T]) val(k Ino) (v T) {
	if n == nil {
		return v
	}
	return n.vals[k]
}
