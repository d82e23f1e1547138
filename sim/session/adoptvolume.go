package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/model"
)

// adoptVolumes takes over what volumes hold, but for those that the real
// engine has not.
func (s *Session) adoptVolumes(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	all, err := s.Real.Volumes(ctx)
	for _, v := range all {
		if err == nil && slices.Contains(names, v.Name) {
			err = s.adoptVolume(ctx, v.Name)
		}
	}
	return err
}

// adoptVolume takes over what a volume holds in the real engine, one change
// after another.
func (s *Session) adoptVolume(ctx context.Context, name string) error {
	delete(s.unread, name)
	tree, err := s.volumeTree(ctx, name)
	if err != nil {
		return err
	}
	return s.Model.TakeOver(func(a model.Adoption) error {
		a.VolumeTree(name, tree)
		return nil
	})
}

// volumeTree reads a volume of the real engine through a container that is
// never started: the one that wrote to it may be gone.
func (s *Session) volumeTree(ctx context.Context, name string) (*fs.Tree, error) {
	const at = "/volume"
	var id [32]byte
	rand.Read(id[:])
	spec := sim.Spec{
		ID: hex.EncodeToString(id[:]), Name: "volume-" + hex.EncodeToString(id[:8]), Created: s.now(), Args: []string{"none"},
		Mounts: []sim.Mount{{Type: sim.InStore, Source: name, Target: at, ReadOnly: true}},
	}
	if _, err := s.Real.Create(ctx, spec); err != nil {
		return nil, err
	}
	tree, err := s.Real.CopyOut(ctx, spec.ID, at)
	if err := errors.Join(err, s.Real.RemoveContainer(ctx, spec.ID, sim.RemoveOptions{Force: true})); err != nil {
		return nil, err
	}
	return tree.Subtree(at), nil
}

// volumesOf are the volumes that a container can write to: as the command that
// makes it says, or as either world has it.
func (s *Session) volumesOf(id string, cmd sim.Cmd, all []sim.Container) []string {
	mounts := cli.AskedMounts(cmd, share(s.Host))
	if c, err := s.Model.State().Container(id); err == nil {
		mounts = append(mounts, c.Mounts...)
	}
	for _, k := range all {
		if k.ID == id {
			mounts = append(mounts, k.Mounts...)
		}
	}
	names := map[string]bool{}
	for _, m := range mounts {
		if m.Type == sim.InStore && m.Source != "" && !m.ReadOnly {
			names[m.Source] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// adoptUnread takes over what the volumes that a command names have held since
// earlier sessions.
func (s *Session) adoptUnread(ctx context.Context, cmd sim.Cmd) {
	if len(s.unread) == 0 || s.broken != nil {
		return
	}
	for _, name := range s.volumesIn(cmd) {
		if s.unread[name] && s.broken == nil {
			s.fell(s.adoptVolume(ctx, name))
		}
	}
}
