//go:build linux

package embedded_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// imagesFor is what the process of TestImagesKilled does until it is killed:
// pull, load, import, tag and remove, over and over.
func imagesFor(dir, registry string) {
	archive, err := os.ReadFile(*partArchive)
	if err != nil {
		panic(err)
	}
	e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: registry})
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString("x")
	c := context.Background()
	for i := 0; ; i++ {
		e.Pull(c, registry+"/killed:1")
		e.Load(c, bytes.NewReader(archive))
		e.Import(c, sim.Import{Root: bytes.NewReader(archive), Ref: "imported", Created: time.Now()})
		e.Tag(c, "killed:loaded", "killed:tagged")
		if i%2 == 1 {
			e.RemoveImage(c, registry+"/killed:1", true)
			e.RemoveImage(c, "killed:loaded", true)
			e.RemoveImage(c, "imported", true)
		}
	}
}

// TestImagesKilled kills twinlayer at random moments of what it does with
// images. Whatever images there are is whole, an image that nobody touched
// stays, and the next start removes the rest.
func TestImagesKilled(t *testing.T) {
	push(t, "killed:1", v1.Config{}, layerTar(file("a", strings.Repeat("a", 300000))), layerTar(file("b", strings.Repeat("b", 200000))))
	push(t, "killed:loaded", v1.Config{}, layerTar(file("a", strings.Repeat("a", 300000))), layerTar(file("c", strings.Repeat("c", 100000))))
	data := scratch(t)
	untouched := keepsOne(t, data)
	archive := filepath.Join(t.TempDir(), "archive.tar")
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), "killed:loaded")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(archive, saved(t, e, "killed:loaded"), 0o644))
	require.NoError(t, e.Close())
	for i := range kills() {
		killLater(t, as("images", data, "-partarchive="+archive), true, i%2 == 0, 90*time.Millisecond)
		gone(t, data)
		requireSound(t, data)
		if i%10 == 0 {
			stillGood(t, data, untouched)
		}
	}
	stillGood(t, data, untouched)
}

// clean asserts that a store holds what its images need and nothing else.
func clean(t testing.TB, e *embedded.Engine, data string) {
	t.Helper()
	images, err := e.Images(timeout(t))
	require.NoError(t, err)
	var layers, blobs []string
	for _, img := range images {
		blobs = append(blobs, img.ID.Encoded())
		for _, d := range img.Layers {
			layers = append(layers, d.Encoded())
		}
	}
	require.Equal(t, sortedSet(layers), sortedSet(names(t, filepath.Join(data, "layers"))))
	for _, blob := range blobs {
		require.Contains(t, names(t, filepath.Join(data, "blobs/sha256")), blob)
	}
	require.LessOrEqual(t, len(names(t, filepath.Join(data, "blobs/sha256"))), len(sortedSet(layers))+len(sortedSet(blobs)))
	require.Len(t, names(t, filepath.Join(data, "sessions")), 1)
}

func names(t testing.TB, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func sortedSet(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
