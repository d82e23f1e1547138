package persist

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
)

// TestMap holds a Map, and every state it was in, against Go's own.
func TestMap(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	type state struct {
		m    Map[int, int]
		want map[int]int
	}
	now := state{want: map[int]int{}}
	var all []state
	for i := range 5000 {
		next := state{now.m, maps.Clone(now.want)}
		if key := chance.IntN(400); chance.IntN(5) < 2 {
			next.m = now.m.Without(key)
			delete(next.want, key)
		} else {
			next.m = now.m.With(key, i)
			next.want[key] = i
		}
		if now = next; i%50 == 0 {
			requireBalanced(t, now.m.root)
			all = append(all, now)
		}
	}
	for _, s := range all {
		require.Equal(t, s.want, maps.Collect(s.m.All()))
		require.Equal(t, len(s.want), s.m.Len())
	}
	for i := range all {
		a, b := all[i], all[chance.IntN(len(all))]
		requireChanged(t, a.want, b.want, Changed(a.m, b.m))
	}
	for key := range 400 {
		value, ok := now.m.Get(key)
		want, there := now.want[key]
		require.Equal(t, there, ok)
		require.Equal(t, want, value)
	}
}

// requireChanged checks that the changes make b of a, and are no more than that.
func requireChanged(t *testing.T, a, b map[int]int, changes iter.Seq2[int, Value[int]]) {
	made := maps.Clone(a)
	for key, value := range changes {
		was, there := made[key]
		require.False(t, there == value.There && was == value.Value, "%d has not changed", key)
		if made[key] = value.Value; !value.There {
			delete(made, key)
		}
	}
	require.Equal(t, b, made)
}

// requireBalanced checks the weights of all nodes below n.
func requireBalanced(t *testing.T, n *node[int, int]) {
	if n == nil {
		return
	}
	require.Equal(t, n.left.len()+n.right.len()+1, n.size)
	require.LessOrEqual(t, n.left.weight(), most*n.right.weight())
	require.LessOrEqual(t, n.right.weight(), most*n.left.weight())
	requireBalanced(t, n.left)
	requireBalanced(t, n.right)
}

func TestMapInOrder(t *testing.T) {
	var m Map[string, int]
	for i, key := range []string{"b", "d", "a", "c"} {
		m = m.With(key, i)
	}
	var keys, back, from []string
	for key := range m.All() {
		keys = append(keys, key)
	}
	for key := range m.Backward() {
		back = append(back, key)
	}
	for key := range m.From("bb") {
		from = append(from, key)
	}
	require.Equal(t, []string{"a", "b", "c", "d"}, keys)
	require.Equal(t, []string{"d", "c", "b", "a"}, back)
	require.Equal(t, []string{"c", "d"}, from)
	require.Equal(t, []int{2, 0, 3, 1}, slices.Collect(m.Values()))
	require.Equal(t, m, m.Without("e"))
	for key := range m.All() {
		require.Equal(t, "a", key)
		break // and nothing more is yielded
	}
}

// TestMapShares: a change makes as many new nodes as the tree is deep.
func TestMapShares(t *testing.T) {
	var m Map[int, int]
	for i := range 10_000 {
		m = m.With(i, i)
	}
	old := map[*node[int, int]]bool{}
	count(m.root, old)
	for _, next := range []Map[int, int]{m.With(5000, 0), m.With(10_000, 0), m.Without(5000)} {
		now := map[*node[int, int]]bool{}
		count(next.root, now)
		n := 0
		for range Changed(m, next) {
			n++
		}
		require.Equal(t, 1, n)
		maps.DeleteFunc(now, func(n *node[int, int], _ bool) bool { return old[n] })
		require.Less(t, len(now), 30)
	}
}

func count(n *node[int, int], into map[*node[int, int]]bool) {
	if n != nil {
		into[n] = true
		count(n.left, into)
		count(n.right, into)
	}
}
