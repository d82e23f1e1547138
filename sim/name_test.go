package sim_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// TestFreeName: names do not run out, and one is found soon.
func TestFreeName(t *testing.T) {
	chance, names, asked := rand.New(rand.NewPCG(1, 2)), map[string]bool{}, 0
	require.Equal(t, sim.RandomName(7), sim.FreeName(7, func(string) bool { return false }))
	for range 5000 {
		name := sim.FreeName(chance.Uint64(), func(name string) bool { asked++; return names[name] })
		require.False(t, names[name])
		names[name] = true
	}
	require.Less(t, asked, 5000*100)
}
