//go:build linux

package helper

import (
	"context"
	"slices"

	"github.com/opencontainers/go-digest"

	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
)

// passing keeps the image of a build's step, the layers of which are in the
// batch or in the store. It is of this session alone until it, or an image
// that was made from it, gets a name, or the session ends: so a build waits
// for the disk once, and one that was cut off leaves nothing behind.
func (h *helper) passing(b *store.Batch, img *image) error {
	if err := measure(b, img); err != nil {
		return err
	}
	release, err := h.store.Hold(img.Layers...)
	if err != nil {
		return err
	}
	if err := b.Place(); err != nil {
		release()
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.findImage(img.ID.String()); err == nil {
		release() // the same step was made before
		return nil
	}
	img.release = release
	h.images = append(h.images, img)
	return nil
}

// passed are the images of steps that the image with this id was made from,
// itself among them; h.mu must be held.
func (h *helper) passed(id digest.Digest) (chain []*image) {
	for {
		i := slices.IndexFunc(h.images, func(img *image) bool { return img.ID == id && img.release != nil })
		if i < 0 {
			return chain
		}
		chain, id = append(chain, h.images[i]), h.images[i].Parent
	}
}

// index moves images of steps into the index; h.mu must be held.
func (h *helper) index(steps []*image) error {
	if len(steps) == 0 {
		return nil
	}
	b, err := h.store.Batch()
	if err != nil {
		return err
	}
	defer b.Abort()
	for _, img := range steps {
		if _, err := b.Blob(img.raw); err != nil {
			return err
		}
	}
	err = b.Commit(func(x *store.Index) error {
		for _, img := range slices.Backward(steps) {
			x.Put(img.indexed())
		}
		return nil
	})
	if err == nil {
		h.drop(func(img *image) bool { return slices.Contains(steps, img) })
	}
	return err
}

// indexAll indexes what the session has left.
func (h *helper) indexAll() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.indexPassing()
}

// indexPassing is indexAll for who holds h.mu.
func (h *helper) indexPassing() error {
	return h.index(slices.DeleteFunc(slices.Clone(h.images), func(img *image) bool { return img.release == nil }))
}

// drop takes images of this session from it; h.mu must be held.
func (h *helper) drop(which func(*image) bool) {
	h.images = slices.DeleteFunc(h.images, func(img *image) bool {
		if !which(img) {
			return false
		}
		if img.release != nil {
			img.release()
		}
		return true
	})
}

// apart begins or ends a time of which nothing stays. What builds have left
// before it stays, and so goes into the index first.
func (h *helper) apart(_ context.Context, apart bool) (rpc.None, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !apart {
		h.drop(func(img *image) bool { return img.release != nil })
		return true, h.store.Together()
	}
	if err := h.indexPassing(); err != nil {
		return false, err
	}
	h.store.Apart()
	return true, nil
}
