package embedded

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"twinlayer/sim"
)

// Evidence is what the helper can tell of a container, and what we see of the
// same from outside of its namespaces.
func (e *Engine) Evidence(ctx context.Context, container string) ([]sim.Evidence, error) {
	all, err := call[[]sim.Evidence](ctx, e, "facts", container)
	if err != nil {
		return nil, err
	}
	all = append(all, outside()...)
	outer, err := e.hostPIDs(ctx, container)
	if err != nil || len(outer) == 0 {
		return slices.DeleteFunc(all, func(e sim.Evidence) bool { return strings.Contains(e.Again, "readlink /proc/{pid}") }), nil
	}
	for i := range all {
		all[i].Again = strings.ReplaceAll(all[i].Again, "{pid}", strconv.Itoa(outer[0]))
	}
	return all, nil
}

// outside is what the host sees of itself, to be held against the container.
func outside() []sim.Evidence {
	var rows []string
	names, _ := filepath.Glob("/proc/self/ns/*")
	for _, name := range names {
		if id, err := os.Readlink(name); err == nil && !strings.HasSuffix(name, "_for_children") {
			rows = append(rows, id)
		}
	}
	read := func(name string) string {
		text, _ := os.ReadFile(name)
		return strings.TrimSpace(string(text))
	}
	return []sim.Evidence{
		{What: sayOwnNamespaces, Shown: strings.Join(rows, "\n"), Again: "readlink /proc/self/ns/*"},
		{What: sayBootIDOutside, Shown: read("/proc/sys/kernel/random/boot_id"), Again: "cat /proc/sys/kernel/random/boot_id"},
		{What: sayRelease, Shown: read("/proc/sys/kernel/osrelease"), Again: "uname -r"},
	}
}
