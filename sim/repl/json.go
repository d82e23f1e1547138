package repl

import (
	"errors"
	"fmt"

	"twinlayer/sim/repl/ink"
)

// errUnheard is the error of an output that takes no more.
var errUnheard = errors.New("writing the output")

// writeJSON writes what a command or a word came to as one line.
func (r *REPL) writeJSON(v any) error {
	if err := ink.JSON(r.Out, v); err != nil {
		return fmt.Errorf("%w: %w", errUnheard, err)
	}
	return nil
}
