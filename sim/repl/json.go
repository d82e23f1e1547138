package repl

import (
	"encoding/json"
	"io"

	"twinlayer/sim"
)

// writeJSON writes a result as one line.
func writeJSON(w io.Writer, r sim.Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
