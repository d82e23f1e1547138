package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/helper"
	"twinlayer/real/embedded/rpc"
	"twinlayer/sim"
)

// Stop ends a container, gently at first.
func (e *Engine) Stop(ctx context.Context, container string, grace time.Duration) error {
	_, err := call[rpc.None](ctx, e, "stop", helper.StopArgs{Container: container, Grace: grace})
	return err
}

// Kill sends a container's process a signal.
func (e *Engine) Kill(ctx context.Context, container, signal string) error {
	_, err := call[rpc.None](ctx, e, "kill", helper.SignalArgs{Container: container, Signal: signal})
	return err
}

// Wait waits for a container's end.
func (e *Engine) Wait(ctx context.Context, container string) (int, error) {
	return call[int](ctx, e, "wait", container)
}

// Logs reads what a container's own process printed.
func (e *Engine) Logs(ctx context.Context, container string, follow bool) (sim.Output, error) {
	return call[sim.Output](listening(ctx), e, "logs", helper.LogsArgs{Container: container, Follow: follow})
}

// RemoveContainer removes a container.
func (e *Engine) RemoveContainer(ctx context.Context, container string, o sim.RemoveOptions) error {
	_, err := call[rpc.None](ctx, e, "removeContainer", helper.RemoveContainerArgs{Container: container, Force: o.Force, Volumes: o.Volumes})
	return err
}

// Commit makes an image of a container.
func (e *Engine) Commit(ctx context.Context, c sim.Commit) (sim.Image, error) {
	text, err := json.Marshal(c) // gob leaves out what points to zero
	if err != nil {
		return sim.Image{}, err
	}
	p, err := call[helper.PackedImage](ctx, e, "commit", text)
	if err != nil {
		return sim.Image{}, err
	}
	return p.Unpack()
}

// CopyIn puts files into a container.
func (e *Engine) CopyIn(ctx context.Context, container, dir string, files *fs.Tree) error {
	name, err := call[string](ctx, e, "scratch", rpc.None(true))
	if err != nil {
		return err
	}
	defer os.Remove(name)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	entries, err := overlay.Entries(files, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("copying into %s: %w", container, err)
	}
	_, err = call[rpc.None](ctx, e, "copyIn", helper.CopyInArgs{Container: container, Dir: dir, Entries: entries, Contents: name})
	return err
}

// CopyOut reads a file or directory of a container. The contents can be read
// until Close.
func (e *Engine) CopyOut(ctx context.Context, container, name string) (*fs.Tree, error) {
	l, err := call[helper.PackedLayer](ctx, e, "copyOut", helper.CopyOutArgs{Container: container, Name: name})
	if err != nil {
		return nil, err
	}
	return received(l, nil)
}

// Volumes lists all volumes.
func (e *Engine) Volumes(ctx context.Context) ([]sim.Volume, error) {
	return call[[]sim.Volume](ctx, e, "volumes", rpc.None(true))
}

// CreateVolume makes a volume.
func (e *Engine) CreateVolume(ctx context.Context, v sim.Volume) error {
	_, err := call[rpc.None](ctx, e, "createVolume", v)
	return err
}

// RemoveVolume removes a volume.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	_, err := call[rpc.None](ctx, e, "removeVolume", name)
	return err
}
