//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// inside is a container of the bundled busybox on the embedded engine, with
// Debian's static busybox beside it as /debian, under the names of its applets.
type inside struct {
	engine    sim.Engine
	container string
}

func newInside(t testing.TB) inside {
	t.Helper()
	needLinux(t)
	images := bundle.New(binary, userland.Applets())
	e, err := real.Open(real.Config{Choice: "embedded", DataDir: homeFor(t, nil), Registry: images})
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	_, err = e.Pull(t.Context(), "busybox")
	require.NoError(t, err)
	in := inside{e, strings.Repeat("5", 64)}
	_, err = e.Create(t.Context(), sim.Spec{ID: in.container, Name: "inside", Created: time.Now(), Image: "busybox", Args: []string{"sleep", "1000000"}})
	require.NoError(t, err)
	_, err = e.Start(t.Context(), in.container, true)
	require.NoError(t, err)
	in.addDebian(t)
	return in
}

// addDebian puts Debian's busybox in.
func (in inside) addDebian(t testing.TB) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		lacking(t, "busybox (busybox-static)")
	}
	program, err := os.ReadFile(path)
	require.NoError(t, err)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/debian", fs.Node{Mode: fs.S_IFDIR | 0o755}))
	require.NoError(t, b.Put("/debian/busybox", fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf(program)}))
	for _, applet := range []string{"sh", "sleep", "true"} {
		require.NoError(t, b.Put("/debian/"+applet, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "busybox"}))
	}
	require.NoError(t, in.engine.CopyIn(t.Context(), in.container, "/", b.Tree()))
}

// exec runs a command that ends well.
func (in inside) exec(t testing.TB, args ...string) sim.Output {
	out, err := in.engine.Exec(t.Context(), in.container, sim.Process{Args: args})
	require.NoError(t, err)
	require.Zero(t, out.Exit, "%v: %s%s", args, out.Stdout, out.Stderr)
	return out
}

// BenchmarkInside is a command inside a container, ours beside Debian's static
// busybox: through the engine, and from a shell's loop there.
func BenchmarkInside(b *testing.B) {
	in := newInside(b)
	const turns = 20
	for _, kind := range []struct {
		name  string
		turns float64
		args  func(bin string) []string
	}{
		{"exec", 1, func(bin string) []string { return []string{bin + "true"} }},
		{"loop", turns, func(bin string) []string {
			return []string{bin + "sh", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do %strue; i=$((i+1)); done", turns, bin)}
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			took := map[string][]float64{}
			for b.Loop() {
				for _, bin := range []string{"/bin/", "/debian/"} {
					begin := time.Now()
					in.exec(b, kind.args(bin)...)
					took[bin] = append(took[bin], float64(time.Since(begin).Microseconds())/1000/kind.turns)
				}
			}
			ours, theirs := median(took["/bin/"]), median(took["/debian/"])
			b.ReportMetric(ours, "twinlayer-ms")
			b.ReportMetric(theirs, "debian-ms")
			b.ReportMetric(ours/theirs, "of-debian")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
