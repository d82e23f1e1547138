//go:build linux

package helper

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/embedded/runtime"
	"twinlayer/real/store"
	"twinlayer/sim"
)

func (h *helper) listVolumes(context.Context, rpc.None) (all []sim.Volume, err error) {
	for _, v := range h.store.Volumes() {
		all = append(all, sim.Volume{Name: v.Name, Anonymous: v.Anonymous, Created: v.Created})
	}
	return all, nil
}

func (h *helper) createVolume(_ context.Context, v sim.Volume) (rpc.None, error) {
	if err := sim.CheckVolume(v.Name); err != nil {
		return false, err
	}
	if _, ok := h.store.Volume(v.Name); ok {
		return true, nil
	}
	return true, h.store.CreateVolume(store.Volume{Name: v.Name, Created: v.Created, Anonymous: v.Anonymous})
}

func (h *helper) removeVolume(_ context.Context, name string) (rpc.None, error) {
	v, ok := h.store.Volume(name)
	if sim.CheckVolume(name) != nil || !ok {
		return false, sim.NoSuchVolume(name)
	}
	if err := h.inUse(name); err != nil {
		return false, err
	}
	removed, err := h.store.RemoveVolume(v)
	if err == nil && !removed {
		err = sim.VolumeInUse(name, []string{sim.JustTaken})
	}
	return true, err
}

// usersOf are the ids of the containers that have a volume.
func (h *helper) usersOf(volume string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sim.VolumeUsers(h.values(), volume)
}

// makeVolumes makes the volumes that a new container asks for and that are not
// there. An empty one gets a copy of what the image has at its place.
func (h *helper) makeVolumes(ctx context.Context, c *container) error {
	for _, m := range c.info.Mounts {
		if m.Type != sim.InStore {
			continue
		}
		if _, err := h.createVolume(ctx, sim.Volume{Name: m.Source, Anonymous: c.info.Owns(m), Created: c.info.Created}); err != nil {
			return err
		}
		v, _ := h.store.Volume(m.Source)
		held, err := h.store.HoldVolume(v)
		if err != nil {
			return err
		}
		c.held = append(c.held, held)
		if err := h.fill(ctx, c, v, m.Target); err != nil {
			return fmt.Errorf("filling volume %s: %w", m.Source, err)
		}
	}
	return nil
}

// fill copies what the image has at target into an empty volume.
func (h *helper) fill(ctx context.Context, c *container, v store.Volume, target string) error {
	h.filling.Lock()
	defer h.filling.Unlock()
	dir := h.store.VolumeDir(v)
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		return err
	}
	contents, err := h.store.Scratch()
	if err != nil {
		return err
	}
	defer os.Remove(contents.Name())
	defer contents.Close()
	if err := c.prepare(); err != nil {
		return err
	}
	var entries []overlay.Entry
	err = runtime.View{Root: h.root(c)}.Within(func() (err error) {
		if info, err := os.Stat(target); err != nil || !info.IsDir() {
			return nil
		}
		entries, err = overlay.ReadDir(ctx, target, contents)
		return err
	})
	if err != nil || entries == nil {
		return err
	}
	// Another container may have the volume and put symlinks there meanwhile:
	// none leads out of this one's root.
	view := runtime.View{Root: h.root(c), Mounts: []runtime.Mount{{Source: dir, Target: target}}}
	if err := c.prepare(); err != nil {
		return err
	}
	return view.Within(func() error { return overlay.PutRoot(ctx, target, entries, contents) })
}

// removeVolumes removes the volumes that were made for the container alone.
func (h *helper) removeVolumes(c *container) {
	for _, m := range c.info.Mounts {
		v, ok := h.store.Volume(m.Source)
		if m.Type == sim.InStore && ok && v.Anonymous && len(h.usersOf(v.Name)) == 0 {
			h.store.RemoveVolume(v)
		}
	}
}

// mounts are what the container sees in the place of parts of its layers, by
// their depth.
func (c *container) mounts(s *store.Store) (mounts []runtime.Mount) {
	for name := range sim.EtcFiles("") {
		mounts = append(mounts, runtime.Mount{Source: c.etc(name), Target: name})
	}
	for _, m := range c.info.Mounts {
		source := m.Source
		switch m.Type {
		case sim.Tmpfs:
			source = ""
		case sim.InStore:
			v, _ := s.Volume(m.Source)
			source = s.VolumeDir(v)
		}
		mounts = append(mounts, runtime.Mount{Source: source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	slices.SortStableFunc(mounts, func(a, b runtime.Mount) int {
		return strings.Count(a.Target, "/") - strings.Count(b.Target, "/")
	})
	return mounts
}

// makeSources makes the directories of the host that are to be bound and are
// not there, as docker run -v does.
func (c *container) makeSources() error {
	for _, m := range c.info.Mounts {
		if m.Type != sim.Bind {
			continue
		}
		if _, err := os.Stat(m.Source); err == nil {
			continue
		}
		if err := os.MkdirAll(m.Source, 0o755); err != nil {
			return sim.Refuse("error while creating mount source path '%s': %v", m.Source, err)
		}
	}
	return nil
}
