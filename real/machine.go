package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/embedded"
	"twinlayer/real/registry"
	"twinlayer/real/store"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Machine is what can be asked of the real engines of this machine, whatever
// the session's own is.
type Machine struct{ Config }

// Each opens one engine after another that works, and closes it.
func (m Machine) Each(yield func(sim.Engine) bool) {
	for _, m.Choice = range sim.EngineNames() {
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
	for _, m.Choice = range sim.EngineNames() {
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
	for _, name := range sim.Daemons() {
		target, err := daemon.Find(name)
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

// Verify holds all that lies in the data directory against its digests, and
// says what is damaged and what to do about it. Damage is an error.
func (m Machine) Verify(ctx context.Context, w io.Writer) error {
	v, found, err := m.verifyStore(ctx)
	if err != nil {
		return err
	}
	n, pushed, err := registry.Verify(m.registryDir())
	if err != nil {
		return err
	}
	for _, name := range pushed {
		found = append(found, fmt.Sprintf("%s, of the registry %s, is damaged\n  remove the file and push its image again", name, registry.Name))
	}
	for _, each := range found {
		fmt.Fprintln(w, each)
	}
	fmt.Fprintf(w, "read in %s: images %d, layers %d, blobs %d, blobs of the registry %s %d\n", m.DataDir, v.Images, v.Layers, v.Blobs, registry.Name, n)
	if len(found) > 0 {
		return fmt.Errorf("%d damaged in %s", len(found), m.DataDir)
	}
	return nil
}

// verifyStore is Verify for the embedded engine's store. An image that lacks a
// part is left out as the engine starts, which is told too.
func (m Machine) verifyStore(ctx context.Context) (v store.Verified, found []string, err error) {
	e, err := embedded.Start(embedded.Config{DataDir: m.DataDir})
	if err != nil {
		return v, nil, err
	}
	defer e.Close()
	troubles, err := e.Troubles(ctx)
	if err == nil {
		v, err = e.Verify(ctx)
	}
	for _, trouble := range troubles {
		found = append(found, say.Text(trouble))
	}
	for _, d := range v.Damaged {
		found = append(found, fmt.Sprintf("%s %s: %s\n  %s", d.Kind, d.Digest, d.Why, remedy(d)))
	}
	return v, found, err
}

// remedy is what to do about a damage.
func remedy(d store.Damage) string {
	switch {
	case d.Cached && len(d.Images) == 0:
		return "no image needs it: it is removed from the cache, and made anew when it is needed"
	case len(d.Images) == 0:
		return "only a session that runs needs it: end that"
	}
	return fmt.Sprintf("docker rmi -f %s, then pull or build again", strings.Join(d.Images, " "))
}
