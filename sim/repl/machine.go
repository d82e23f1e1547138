package repl

import (
	"context"
	"io"
	"strings"
)

// machine is the word that asks something of the machine's engines.
func machine(ask func(Machine, context.Context, io.Writer) error) func(*REPL, context.Context, []string) error {
	return func(r *REPL, ctx context.Context, _ []string) error {
		if r.Machine == nil {
			r.draw.warn("the engines of this machine cannot be looked at here")
			return nil
		}
		var b strings.Builder
		err := ask(r.Machine, ctx, &b)
		r.draw.text(b.String())
		if err != nil {
			r.draw.warn("%v", err)
		}
		return nil
	}
}

// reconnect catches up with the model in a fresh real world.
func reconnect(r *REPL, ctx context.Context, _ []string) error {
	done, err := r.Session.Reconnect(ctx)
	if r.JSON && err == nil {
		return r.writeJSON(done)
	}
	for _, line := range done.Passed {
		r.draw.warn("passed over, since the real engine was lost in it again: %s", line)
	}
	if err != nil {
		r.draw.warn("%v", err)
		return nil
	}
	r.draw.say("The real world has caught up: %d commands were run again.", done.Ran)
	return nil
}
