//go:build linux

package helper

import (
	"context"
	"errors"
	iofs "io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/embedded/runtime"
	"twinlayer/sim"
)

// scratch is a new file for contents on their way between the processes.
func (h *helper) scratch(context.Context, rpc.None) (string, error) {
	f, err := h.store.Scratch()
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

func (h *helper) copyIn(ctx context.Context, args CopyInArgs) (rpc.None, error) {
	contents, err := os.Open(args.Contents)
	if err != nil {
		return false, err
	}
	defer contents.Close()
	c, err := h.find(args.Container)
	if err != nil {
		return false, err
	}
	defer h.wrote(h.status(c))
	err = h.within(c, func() error {
		info, err := os.Stat(args.Dir)
		switch {
		case err != nil:
			return sim.NoSuchPath(h.status(c), args.Dir)
		case !info.IsDir():
			return sim.Refuse("extraction point is not a directory")
		}
		return overlay.Put(ctx, args.Dir, args.Entries, contents)
	})
	if errors.Is(err, unix.EROFS) {
		err = sim.Refuse("container rootfs is marked read-only")
	}
	return true, h.store.Explain(err)
}

func (h *helper) copyOut(ctx context.Context, args CopyOutArgs) (PackedLayer, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return PackedLayer{}, err
	}
	f, err := h.store.Scratch()
	if err != nil {
		return PackedLayer{}, err
	}
	defer f.Close()
	var entries []overlay.Entry
	err = h.within(c, func() (err error) {
		entries, err = overlay.ReadPath(ctx, args.Name, f)
		return err
	})
	if err != nil {
		os.Remove(f.Name())
		if errors.Is(err, iofs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			err = sim.NoSuchPath(h.status(c), args.Name)
		}
		return PackedLayer{}, h.store.Explain(err)
	}
	return PackedLayer{Entries: entries, Contents: f.Name()}, nil
}

// within calls f with the container's file system as its root.
func (h *helper) within(c *container, f func() error) error {
	view := runtime.View{Root: h.root(c), Mounts: c.mounts(h.store), ReadOnly: c.info.ReadOnly}
	for {
		c.starting.Lock()
		r := c.run
		if r == nil || h.status(c).Status != sim.Running {
			break
		}
		c.starting.Unlock()
		err := r.proc.Within(view, f)
		if !errors.Is(err, runtime.ErrEnded) {
			return err
		}
		<-r.ended
	}
	defer c.starting.Unlock()
	if err := c.prepare(); err != nil {
		return err
	}
	// The engine's own /etc/hostname and the like are there only while it runs.
	etc := sim.EtcFiles("")
	view.Mounts = slices.DeleteFunc(view.Mounts, func(m runtime.Mount) bool { _, own := etc[m.Target]; return own })
	return view.Within(f)
}
