package suite

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Event is a line of what --json prints.
type Event struct {
	Kind string `json:"event"`
	Text []byte `json:"-"` // whole
}

// EventIn reads one line.
func EventIn(line []byte) (Event, error) {
	e := Event{Text: line}
	err := json.Unmarshal(line, &e)
	if err == nil && e.Kind == "" {
		err = fmt.Errorf("no event: %.300s", line)
	}
	return e, err
}

// Result is the event's, where it has one.
func (e Event) Result() (r sim.Result, ok bool, err error) {
	if e.Kind != "result" {
		return r, false, nil
	}
	err = json.Unmarshal(e.Text, &r)
	r.Notice = say.Decoded(r.Notice)
	for i, d := range r.Differences {
		r.Differences[i].Reason = say.Decoded(d.Reason)
	}
	return r, true, err
}

// Events are those that --json has printed.
func Events(t testing.TB, stdout string) (all []Event) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		e, err := EventIn([]byte(line))
		require.NoError(t, err, line)
		all = append(all, e)
	}
	return all
}

// ResultsIn are the results among them.
func ResultsIn(t testing.TB, stdout string) (all []sim.Result) {
	t.Helper()
	for _, e := range Events(t, stdout) {
		r, ok, err := e.Result()
		require.NoError(t, err, string(e.Text))
		if ok {
			all = append(all, r)
		}
	}
	return all
}
