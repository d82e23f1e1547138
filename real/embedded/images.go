//go:build linux

package embedded

import (
	"context"
	"slices"

	"twinlayer/real/embedded/wire"
	"twinlayer/sim"
)

// image is an image of this session. Its layers are in the store.
type image struct {
	sim.Image
	raw []byte // the configuration blob
}

func (i *image) pack() packedImage {
	return packedImage{i.ID, i.Tags, i.Layers, i.Sizes, i.raw}
}

// imageValues are all images; h.mu must be held.
func (h *helper) imageValues() []sim.Image {
	all := make([]sim.Image, len(h.images))
	for i, img := range h.images {
		all[i] = img.Image
	}
	return all
}

// findImage is the image that ref names; h.mu must be held.
func (h *helper) findImage(ref string) (*image, error) {
	found, err := sim.FindImage(h.imageValues(), ref)
	if err != nil {
		return nil, err
	}
	return h.imageByID(found), nil
}

func (h *helper) imageByID(found sim.Image) *image {
	return h.images[slices.IndexFunc(h.images, func(i *image) bool { return i.ID == found.ID })]
}

func (h *helper) listImages(context.Context, wire.None) ([]packedImage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []packedImage
	for _, img := range h.images {
		if len(img.Tags) > 0 {
			all = append(all, img.pack())
		}
	}
	return all, nil
}

func (h *helper) oneImage(_ context.Context, ref string) (packedImage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.findImage(ref)
	if err != nil {
		return packedImage{}, err
	}
	return img.pack(), nil
}

func (h *helper) tag(_ context.Context, args tagArgs) (wire.None, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.findImage(args.Source)
	if err != nil {
		return false, err
	}
	familiar, err := sim.Familiar(args.Target)
	if err != nil {
		return false, err
	}
	h.name(img, familiar)
	return true, nil
}

// name makes ref a name of img and of no other image; h.mu must be held.
func (h *helper) name(img *image, ref string) {
	h.unname(ref)
	img.Tags = append(slices.Clone(img.Tags), ref)
	slices.Sort(img.Tags)
}

func (h *helper) unname(refs ...string) {
	for _, img := range h.images {
		img.Tags = slices.DeleteFunc(slices.Clone(img.Tags), func(tag string) bool { return slices.Contains(refs, tag) })
	}
}

// keep adds an image, newest first, and names it; it tells whether the image
// had that name already.
func (h *helper) keep(img *image, ref string) (upToDate bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.images, func(have *image) bool { return have.ID == img.ID })
	if i < 0 {
		h.images = append(h.images, img)
		slices.SortFunc(h.images, func(a, b *image) int { return sim.CompareImages(a.Image, b.Image) })
	} else {
		img = h.images[i]
	}
	upToDate = slices.Contains(img.Tags, ref)
	h.name(img, ref)
	return upToDate
}

func (h *helper) removeImage(_ context.Context, args removeArgs) (sim.Removed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	removed, err := sim.Removal(h.imageValues(), h.values(), args.Name, args.Force)
	if err != nil {
		return removed, err
	}
	h.unname(removed.Untagged...)
	h.images = slices.DeleteFunc(h.images, func(i *image) bool { return slices.Contains(removed.Deleted, i.ID) })
	return removed, nil
}
