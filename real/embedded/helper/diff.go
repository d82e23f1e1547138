//go:build linux

package helper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"twinlayer/fs/overlay"
)

func (h *helper) changes(ctx context.Context, key string) ([]Change, error) {
	c, err := h.find(key)
	if err != nil {
		return nil, err
	}
	found, err := overlay.Changes(ctx, c.path("upper"), overlay.Root(c.lower()))
	if err != nil {
		return nil, fmt.Errorf("comparing container %s with its image: %w", key, err)
	}
	packed := make([]Change, len(found))
	for i, f := range found {
		packed[i] = Change{f.Kind, f.Path}
	}
	return packed, nil
}

// layer reads a container's layer, unless it is as the caller has it, and of
// its files those that are not.
func (h *helper) layer(ctx context.Context, args LayerArgs) (PackedLayer, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return PackedLayer{}, err
	}
	now, err := overlay.Look(ctx, c.path("upper"))
	if err != nil {
		return PackedLayer{}, c.unread(h, err)
	}
	stamp, err := now.Stamp()
	if err != nil || stamp == args.Known {
		return PackedLayer{Stamp: stamp}, err
	}
	f, err := h.store.Scratch()
	if err != nil {
		return PackedLayer{}, err
	}
	defer f.Close()
	mapped, older := c.mapsFiles(), h.readBefore(c, args.Known)
	if mapped {
		older = nil
	}
	if err := now.Copy(ctx, f, older); err != nil {
		os.Remove(f.Name())
		return PackedLayer{}, c.unread(h, err)
	}
	settled := !mapped && now.Settled()
	if settled {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lastRead = readLayer{now, c, stamp}
	}
	return PackedLayer{now.Entries, f.Name(), stamp, settled}, nil
}

// readLayer is the layer that was read last. The caller keeps no other one
// either.
type readLayer struct {
	*overlay.Snapshot
	of    *container
	stamp string
}

// readBefore is a container's layer if it was read last, in this state.
func (h *helper) readBefore(c *container, stamp string) *overlay.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastRead.of != c || h.lastRead.stamp != stamp {
		return nil
	}
	return h.lastRead.Snapshot
}

func (c *container) unread(h *helper, err error) error {
	return fmt.Errorf("reading the layer of container %s: %w", c.info.ID, h.store.Explain(err))
}

// mapsFiles says whether a process of the container can write to a file
// through its memory, which changes the file's times only now and then.
func (c *container) mapsFiles() bool {
	r := c.current()
	return r != nil && r.proc.MapsFiles()
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
