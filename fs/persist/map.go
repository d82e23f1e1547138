// Package persist holds values that stay as they are: what changes one makes
// another, which shares with the old one all that did not change. So a program
// can keep every state it was ever in at the price of what changed.
package persist

import (
	"cmp"
	"iter"
)

// Map is an immutable map in the order of its keys. A change costs as much as
// the tree is deep, in time and in memory. The zero value is empty.
//
// It is a weight-balanced tree: Hirai and Yamamoto, "Balancing weight-balanced
// trees" (Journal of Functional Programming, 2011), have its two numbers.
type Map[K cmp.Ordered, V any] struct{ root *node[K, V] }

type node[K cmp.Ordered, V any] struct {
	key         K
	value       V
	left, right *node[K, V]
	size        int
}

const (
	most = 3 // one side of a node weighs at most so many times what the other does
	turn = 2 // an inner grandchild as much heavier than the outer one goes to the top
)

// Len is how many keys there are.
func (m Map[K, V]) Len() int { return m.root.len() }

// Get is the value of key, and whether there is one.
func (m Map[K, V]) Get(key K) (value V, ok bool) {
	for n := m.root; n != nil; {
		switch c := cmp.Compare(key, n.key); {
		case c == 0:
			return n.value, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return value, false
}

// With is m with value as the value of key.
func (m Map[K, V]) With(key K, value V) Map[K, V] { return Map[K, V]{m.root.with(key, value)} }

// Without is m without key; m itself where it is not there.
func (m Map[K, V]) Without(key K) Map[K, V] {
	if _, ok := m.Get(key); !ok {
		return m
	}
	return Map[K, V]{m.root.without(key)}
}

// All yields all keys with their values, in order.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.each(yield) }
}

// Backward is All from the last key to the first.
func (m Map[K, V]) Backward() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.back(yield) }
}

// From is All from the first key that is not less than key.
func (m Map[K, V]) From(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.from(key, yield) }
}

// Values yields all values, in the order of their keys.
func (m Map[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) { m.root.each(func(_ K, v V) bool { return yield(v) }) }
}

func (n *node[K, V]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node[K, V]) weight() int { return n.len() + 1 }

// on is a node like n on other children, which need not balance.
func (n *node[K, V]) on(left, right *node[K, V]) *node[K, V] {
	return &node[K, V]{n.key, n.value, left, right, left.len() + right.len() + 1}
}

// balanced is [node.on] where one child has grown, or shrunk, by one.
func (n *node[K, V]) balanced(left, right *node[K, V]) *node[K, V] {
	switch {
	case right.weight() > most*left.weight():
		if inner := right.left; inner.weight() >= turn*right.right.weight() {
			return inner.on(n.on(left, inner.left), right.on(inner.right, right.right))
		}
		return right.on(n.on(left, right.left), right.right)
	case left.weight() > most*right.weight():
		if inner := left.right; inner.weight() >= turn*left.left.weight() {
			return inner.on(left.on(left.left, inner.left), n.on(inner.right, right))
		}
		return left.on(left.left, n.on(left.right, right))
	}
	return n.on(left, right)
}

func (n *node[K, V]) with(key K, value V) *node[K, V] {
	if n == nil {
		return &node[K, V]{key: key, value: value, size: 1}
	}
	switch c := cmp.Compare(key, n.key); {
	case c < 0:
		return n.balanced(n.left.with(key, value), n.right)
	case c > 0:
		return n.balanced(n.left, n.right.with(key, value))
	}
	return &node[K, V]{key, value, n.left, n.right, n.size}
}

// without takes out a key that is there.
func (n *node[K, V]) without(key K) *node[K, V] {
	switch c := cmp.Compare(key, n.key); {
	case c < 0:
		return n.balanced(n.left.without(key), n.right)
	case c > 0:
		return n.balanced(n.left, n.right.without(key))
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	}
	next := n.right
	for next.left != nil {
		next = next.left
	}
	return next.balanced(n.left, n.right.without(next.key))
}

func (n *node[K, V]) each(yield func(K, V) bool) bool {
	return n == nil || n.left.each(yield) && yield(n.key, n.value) && n.right.each(yield)
}

func (n *node[K, V]) from(key K, yield func(K, V) bool) bool {
	switch {
	case n == nil:
		return true
	case cmp.Less(n.key, key):
		return n.right.from(key, yield)
	}
	return n.left.from(key, yield) && yield(n.key, n.value) && n.right.each(yield)
}

func (n *node[K, V]) back(yield func(K, V) bool) bool {
	return n == nil || n.right.back(yield) && yield(n.key, n.value) && n.left.back(yield)
}

// Changed yields the keys whose values differ between two maps, in order, with
// their values in now; there is none where the key is gone. It passes over what
// the two share unseen.
func Changed[K cmp.Ordered, V comparable](old, now Map[K, V]) iter.Seq2[K, Value[V]] {
	return func(yield func(K, Value[V]) bool) { changed(old.root, now.root, yield) }
}

// Value is a value, if There is one.
type Value[V any] struct {
	Value V
	There bool
}

func changed[K cmp.Ordered, V comparable](old, now *node[K, V], yield func(K, Value[V]) bool) bool {
	switch {
	case old == now:
		return true
	case now == nil:
		return old.each(func(key K, _ V) bool { return yield(key, Value[V]{}) })
	}
	left, was, right := old.split(now.key)
	same := was != nil && was.value == now.value
	return changed(left, now.left, yield) && (same || yield(now.key, Value[V]{now.value, true})) && changed(right, now.right, yield)
}

// split is what of n is before key, its node, and what is behind it.
func (n *node[K, V]) split(key K) (before, at, behind *node[K, V]) {
	if n == nil {
		return nil, nil, nil
	}
	switch c := cmp.Compare(key, n.key); {
	case c < 0:
		before, at, behind = n.left.split(key)
		return before, at, n.on(behind, n.right)
	case c > 0:
		before, at, behind = n.right.split(key)
		return n.on(n.left, before), at, behind
	}
	return n.left, n, n.right
}
