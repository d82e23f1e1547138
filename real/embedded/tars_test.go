package embedded_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/tartest"
	"twinlayer/real/embedded"
	"twinlayer/sim"
	"twinlayer/sim/model"
)

// TestTars: of a tar that is hard to unpack, engine and model make the same
// image or the same refusal, whoever the engine's user is, and it goes on.
func TestTars(t *testing.T) {
	cases, err := tartest.Cases()
	require.NoError(t, err)
	each(t, func(t *testing.T, e *embedded.Engine) {
		model := model.New(model.Config{})
		for _, c := range cases {
			packed := tartest.Pack(c.Entries)
			real, err := e.Import(timeout(t), sim.Import{Root: bytes.NewReader(packed), Ref: "hard"})
			modelled, modelErr := model.Import(timeout(t), sim.Import{Root: bytes.NewReader(packed), Ref: "hard"})
			if modelErr != nil {
				require.ErrorContains(t, err, modelErr.Error(), c.Name)
				require.Equal(t, c.Result, []string{"error " + tartest.Said(modelErr)}, c.Name)
				continue
			}
			require.NoError(t, err, c.Name)
			require.Equal(t, modelled.Sizes, real.Sizes, c.Name)
			require.Equal(t, digestOfLayer(t, model), digestOfLayer(t, e), c.Name)
		}
	})
}

func digestOfLayer(t *testing.T, e sim.Engine) string {
	trees, err := e.Layers(timeout(t), "hard")
	require.NoError(t, err)
	require.Len(t, trees, 1)
	d, err := trees[0].Digest()
	require.NoError(t, err)
	return d.String()
}
