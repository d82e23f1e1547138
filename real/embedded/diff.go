//go:build linux

package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"twinlayer/real/embedded/store"
)

func (h *helper) changes(_ context.Context, key string) ([]change, error) {
	c, err := h.find(key)
	if err != nil {
		return nil, err
	}
	found, err := store.Changes(c.path("upper"), store.Root(c.lower()))
	if err != nil {
		return nil, fmt.Errorf("comparing container %s with its image: %w", key, err)
	}
	packed := make([]change, len(found))
	for i, f := range found {
		packed[i] = change{f.Kind, f.Path}
	}
	return packed, nil
}

// layer reads a container's layer, unless it is as the caller has it.
func (h *helper) layer(_ context.Context, args layerArgs) (packedLayer, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return packedLayer{}, err
	}
	stamp, settled, err := store.Stamp(c.path("upper"))
	if err != nil || stamp == args.Known {
		return packedLayer{Stamp: stamp, Settled: settled}, err
	}
	f, err := h.store.Scratch()
	if err != nil {
		return packedLayer{}, err
	}
	defer f.Close()
	entries, err := store.ReadUpper(c.path("upper"), f)
	if err != nil {
		os.Remove(f.Name())
		return packedLayer{}, fmt.Errorf("reading the layer of container %s: %w", args.Container, h.store.Explain(err))
	}
	return packedLayer{entries, f.Name(), stamp, settled}, nil
}

// relative makes paths in the store relative to it. An option of a mount may
// not be longer than 255 bytes (fsconfig(2)), whatever the store's own path is.
func (h *helper) relative(paths ...string) []string {
	short := make([]string, len(paths))
	for i, p := range paths {
		short[i], _ = filepath.Rel(h.store.Dir(), p)
	}
	return short
}
