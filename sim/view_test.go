package sim_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// In JSON the English text stands beside the phrase.
func TestPhrasesInResults(t *testing.T) {
	why := sim.CannotKnow(say.Verbatim("the time"))
	r := sim.Result{
		Steps:       []sim.Step{{Event: fs.Event{Op: "exec", Path: "/", Why: why}}},
		Differences: []sim.Difference{{What: "exit", Class: sim.Limit, Reason: why}},
	}
	text, err := json.Marshal(r)
	require.NoError(t, err)
	const phrase = `{"key":"world.cannot-know","args":[{"key":"verbatim","args":["the time"]}]}`
	require.Contains(t, string(text), `"steps":[{"op":"exec","path":"/","phrase":`+phrase+`,"why":"the model cannot know: the time"}]`)
	require.Contains(t, string(text), `"differences":[{"what":"exit","model":"","real":"","class":"limit","phrase":`+phrase+`,"reason":"the model cannot know: the time"}]`)
	require.NotContains(t, string(text), "notice")

	var got sim.Result
	require.NoError(t, json.Unmarshal(text, &got), "the texts beside are no obstacle")
	require.True(t, why.Equal(say.Decoded(got.Steps[0].Why)))
	require.True(t, why.Equal(say.Decoded(got.Differences[0].Reason)))
}
