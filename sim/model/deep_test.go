package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
	"twinlayer/sim/model"
	"twinlayer/sim/simtest"
)

// TestCopyDeep: what docker cp costs the model does not grow with the square
// of the depth. It counts what is allocated, which grows with every look-up
// from the top.
func TestCopyDeep(t *testing.T) {
	cost := func(depth int) (in, out uint64) {
		m := simtest.Session(t, model.Config{}).Model
		k := made(t, m, 1, "mkdir /t")
		b, name := fs.NewBuilder(), ""
		for range depth {
			name += "/d"
			require.NoError(t, b.Put(name, fs.Node{Mode: fs.S_IFDIR | 0o755}))
			require.NoError(t, b.Put(name+"/f", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))}))
		}
		in = testenv.Allocations(func() { require.NoError(t, m.CopyIn(t.Context(), k.ID, "/t", b.Tree())) })
		out = testenv.Allocations(func() {
			again, err := m.CopyOut(t.Context(), k.ID, "/t")
			require.NoError(t, err)
			require.NotNil(t, again.Lookup("/t"+name+"/f"))
		})
		return in, out
	}
	in, out := cost(200)
	in4, out4 := cost(800)
	require.Less(t, in4, 6*in)
	require.Less(t, out4, 6*out)
}
