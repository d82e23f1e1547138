//go:build linux

package helper

import (
	"context"
	"encoding/json"

	"twinlayer/real/store"
	"twinlayer/sim"
)

// commit makes an image of a container; text is a [sim.Commit] as JSON.
func (h *helper) commit(ctx context.Context, text []byte) (PackedImage, error) {
	var asked sim.Commit
	if err := json.Unmarshal(text, &asked); err != nil {
		return PackedImage{}, err
	}
	c, err := h.find(asked.Container)
	if err != nil {
		return PackedImage{}, err
	}
	ref := ""
	if asked.Ref != "" {
		if ref, err = sim.Familiar(asked.Ref); err != nil {
			return PackedImage{}, err
		}
	}
	batch, err := h.store.Batch()
	if err != nil {
		return PackedImage{}, err
	}
	defer batch.Abort()
	layer, err := h.commitLayer(ctx, batch, c, asked)
	if err != nil {
		return PackedImage{}, h.store.Explain(err)
	}
	return h.commitImage(batch, c, asked, layer, ref)
}

// commitLayer adds the container's layer to the batch; nil if it is empty.
func (h *helper) commitLayer(ctx context.Context, batch *store.Batch, c *container, asked sim.Commit) (*sim.NewLayer, error) {
	still, end := h.still(c, asked.Pause)
	defer end()
	l, ok, shared, err := batch.Upper(ctx, store.Upper{Dir: c.path("upper"), Latest: asked.Latest, Share: still, Take: still && asked.Step})
	if err != nil || !ok {
		return nil, err
	}
	if shared {
		c.shared = append(c.shared, h.store.LayerTree(l.DiffID))
	}
	return &sim.NewLayer{DiffID: l.DiffID, Size: l.Size}, nil
}

// still keeps a container as it is until end is called: one that does not run
// from being started, and the processes of one that runs from going on, if
// pause says so. It tells whether the container does not run.
func (h *helper) still(c *container, pause bool) (still bool, end func()) {
	c.starting.Lock()
	if h.status(c).Status != sim.Running {
		return true, c.starting.Unlock
	}
	r := c.run
	c.starting.Unlock()
	if !pause {
		return false, func() {}
	}
	return false, r.proc.Freeze()
}

func (h *helper) commitImage(batch *store.Batch, c *container, asked sim.Commit, layer *sim.NewLayer, ref string) (PackedImage, error) {
	_, blob, err := asked.Image(c.image.Image, layer)
	if err != nil {
		return PackedImage{}, err
	}
	img, err := newImage(blob, c.image.ID)
	if err != nil {
		return PackedImage{}, err
	}
	if asked.Step && ref == "" {
		err = h.passing(batch, img)
	} else {
		_, err = h.keep(batch, img, ref)
	}
	if err != nil {
		return PackedImage{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if img, err = h.findImage(img.ID.String()); err != nil {
		return PackedImage{}, err
	}
	return img.pack(), nil
}
