package repl

import (
	"encoding/json"
	"io"
)

// writeJSON writes what a command or a word came to as one line.
func writeJSON(w io.Writer, r any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
