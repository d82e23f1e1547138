package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"twinlayer/real/docker"
	"twinlayer/sim"
)

// Machine is what can be asked of the real engines of this machine, whatever
// the session's own is.
type Machine struct{ Config }

// Each opens one engine after another that works, and closes it.
func (m Machine) Each(yield func(sim.Engine) bool) {
	for _, m.Choice = range auto {
		e, err := Open(m.Config)
		if err != nil {
			continue // Engines tells why
		}
		goOn := yield(e)
		e.Close()
		if !goOn {
			return
		}
	}
}

// Engines lists the real engines: what each is, or why it cannot be used.
func (m Machine) Engines(ctx context.Context, w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 1, 2, ' ', 0)
	for _, m.Choice = range auto {
		fmt.Fprintf(out, "%s\t%s\n", m.Choice, m.look(ctx))
	}
	return out.Flush()
}

func (m Machine) look(ctx context.Context) string {
	e, err := Open(m.Config)
	if err != nil {
		return "not usable: " + err.Error()
	}
	defer e.Close()
	info, err := e.Info(ctx)
	if err != nil {
		return "not usable: " + err.Error()
	}
	return info.Engine
}

// Clean removes what sessions of twinlayer that died have left in Docker and
// in Podman, and says of each engine that answers what that was. The embedded
// engine cleans up by itself.
func (m Machine) Clean(ctx context.Context, w io.Writer) error {
	var failed []error
	for _, name := range auto[1:] {
		target, err := find(name)
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", name, err)
			continue
		}
		done, err := docker.Clean(ctx, target)
		failed = append(failed, err, target.Stop())
		if err == nil || done != (docker.Cleaned{}) {
			fmt.Fprintf(w, "%s: removed %s\n", name, done)
		}
	}
	return errors.Join(failed...)
}
