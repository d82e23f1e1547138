package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChance: the same seed gives the same numbers in the same order, another
// seed others, and a copy goes on from where it was.
func TestChance(t *testing.T) {
	a, b, other := Chance{Seed: "a"}, Chance{Seed: "a"}, Chance{Seed: "b"}
	seen := map[uint64]bool{}
	for range 1000 {
		n := a.Draw()
		require.Equal(t, n, b.Draw())
		require.NotEqual(t, n, other.Draw())
		require.False(t, seen[n])
		seen[n] = true
	}
	later := a
	require.Equal(t, a.Draw(), later.Draw())
}
