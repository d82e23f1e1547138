package play

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// TestProgress: of a layer each action is told, and no more steps of it than
// somebody can see; lines all; and nothing once the command is over.
func TestProgress(t *testing.T) {
	var told []Progress
	w := &watcher{tell: func(b Body) { told = append(told, b.(Progress)) }, last: map[string]sim.Progress{}}
	const total = 100_000
	for done := int64(0); done <= total; done += 10 {
		w.hear(sim.Progress{ID: "a", Action: "Downloading", Done: done, Total: total})
	}
	require.Len(t, told, 101)
	require.Equal(t, Progress{"a", "Downloading", total, total}, told[100])
	w.hear(sim.Progress{ID: "b", Action: "Downloading", Done: 1, Total: total})
	w.hear(sim.Progress{ID: "a", Action: "Pull complete"})
	w.hear(sim.Progress{Action: "a line"})
	w.hear(sim.Progress{Action: "a line"})
	require.Len(t, told, 105)
	w.end()
	w.hear(sim.Progress{Action: "late"})
	require.Len(t, told, 105)
}
