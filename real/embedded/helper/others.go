//go:build linux

package helper

import (
	"context"
	"slices"

	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// refresh has the session see what others have made of images and volumes.
func (h *helper) refresh(context.Context, rpc.None) (bool, error) { return h.store.Refresh() }

// others tells of the containers of other sessions, and which of these volumes
// they wrote to since it was asked last.
func (h *helper) others(_ context.Context, volumes []string) (sim.Others, error) {
	var o sim.Others
	for _, u := range h.store.Uses() {
		o.Containers = append(o.Containers, foreign(u))
	}
	for _, name := range volumes {
		if h.store.WrittenByOthers(name) {
			o.Written = append(o.Written, name)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.elsewhere = o.Containers
	return o, nil
}

// foreign is what is known of another session's container.
func foreign(u store.Use) sim.Container {
	c := sim.Container{Spec: &sim.Spec{ID: u.Container}, ImageID: u.Image, Status: sim.Exited}
	if u.Running {
		c.Status = sim.Running
	}
	for _, name := range u.Volumes {
		c.Mounts = append(c.Mounts, sim.Mount{Type: sim.InStore, Source: name})
	}
	return c
}

// tell tells other sessions what a container has of what all share. Where it
// cannot, they may take names off its image, which stays for it all the same.
func (h *helper) tell(c *container) {
	info := h.status(c)
	u := store.Use{Container: info.ID, Image: info.ImageID, Running: info.Status == sim.Running}
	for _, m := range info.Mounts {
		if m.Type == sim.InStore {
			u.Volumes = append(u.Volumes, m.Source)
		}
	}
	h.wrote(info)
	h.store.Use(u)
}

// wrote tells other sessions that the volumes of a container may have changed.
func (h *helper) wrote(info sim.Container) {
	for _, m := range info.Mounts {
		if v, ok := h.store.Volume(m.Source); ok && m.Type == sim.InStore && !m.ReadOnly {
			h.store.Wrote(v)
		}
	}
}

// inUse is how docker answers to removing a volume that a container has; nil
// where none has it.
func (h *helper) inUse(volume string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	users := slices.Concat(sim.VolumeUsers(h.values(), volume), sim.ForeignUsers(h.elsewhere, volume))
	if len(users) == 0 {
		return nil
	}
	return sim.VolumeInUse(volume, users)
}
