//go:build linux

package embedded_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// BenchmarkStartEngine starts and closes an engine on an existing store.
func BenchmarkStartEngine(b *testing.B) {
	dir := scratch(b)
	for b.Loop() {
		e, err := embedded.Start(embedded.Config{DataDir: dir})
		require.NoError(b, err)
		require.NoError(b, e.Close())
	}
}

// BenchmarkLine hands a waiting shell one builtin command.
func BenchmarkLine(b *testing.B) {
	e := engine(b)
	s := interactive(b, e)
	for b.Loop() {
		if out := line(b, e, s.ID, "true"); out.Shell == "" {
			b.Fatal(out)
		}
	}
}

// BenchmarkExec runs one more program in a container.
func BenchmarkExec(b *testing.B) {
	e := engine(b)
	s := interactive(b, e)
	for b.Loop() {
		if _, err := e.Exec(b.Context(), s.ID, process("true")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPull pulls busybox (2 MB) into an empty store.
func BenchmarkPull(b *testing.B) {
	busybox(b)
	for b.Loop() {
		b.StopTimer()
		dir := scratch(b)
		e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
		require.NoError(b, err)
		b.StartTimer()
		_, err = e.Pull(b.Context(), "busybox")
		b.StopTimer()
		require.NoError(b, err)
		e.Close()
		os.RemoveAll(dir)
		b.StartTimer()
	}
}

// BenchmarkLayer reads a layer with a large file, as after every line.
func BenchmarkLayer(b *testing.B) {
	e := engine(b)
	s := spec("sh", "-c", "dd if=/dev/zero of=/big bs=1M count=100")
	_, err := run(b, e, s)
	require.NoError(b, err)
	for b.Loop() {
		layer, err := e.Layer(b.Context(), s.ID)
		require.NoError(b, err)
		_, err = layer.Digest()
		require.NoError(b, err)
	}
}

// BenchmarkLayersDebian hands the layer of a Debian to the model.
func BenchmarkLayersDebian(b *testing.B) {
	data := scratch(b)
	e := start(b, embedded.Config{DataDir: data})
	_, err := e.Import(b.Context(), sim.Import{Root: bytes.NewReader(debian(b)), Ref: "debian"})
	require.NoError(b, err)
	require.NoError(b, e.Close())
	for b.Loop() {
		b.StopTimer()
		e := start(b, embedded.Config{DataDir: data})
		b.StartTimer()
		if _, err := e.Layers(b.Context(), "debian"); err != nil {
			b.Fatal(err)
		}
	}
}
