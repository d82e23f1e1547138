//go:build linux

package helper

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs/platform"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// image is an image: of the store's index, which all sessions share, or of
// this session alone. Its layers are in the store.
type image struct {
	sim.Image
	raw []byte // the configuration blob
	own bool   // of this session alone

	// release is set while the image of a build's step is of this session,
	// too: see [helper.passing].
	release func()
}

// newImage is an image with this configuration, which has no name yet and
// is not kept.
func newImage(config []byte, parent digest.Digest) (*image, error) {
	img := &image{raw: config}
	if err := json.Unmarshal(config, &img.Config); err != nil {
		return nil, fmt.Errorf("the image's configuration is damaged: %w", err)
	}
	img.ID, img.Parent, img.Layers = digest.FromBytes(config), parent, img.Config.RootFS.DiffIDs
	for _, diffID := range img.Layers {
		if err := diffID.Validate(); err != nil {
			return nil, fmt.Errorf("the image's configuration is damaged: diffID %q: %w", diffID, err)
		}
	}
	if os := img.Config.OS; os != "" && os != "linux" {
		return nil, sim.Refuse("image operating system %q cannot be used on this platform", os)
	}
	return img, nil
}

func (i *image) pack() PackedImage {
	return PackedImage{i.ID, i.Tags, i.Layers, i.Sizes, i.Parent, i.raw}
}

// indexed is the image as the store's index has it.
func (i *image) indexed() store.Image {
	return store.Image{ID: i.ID, Parent: i.Parent, Layers: i.Layers, Sizes: i.Sizes}
}

// allImages are all images, newest first; h.mu must be held. One that is in
// the index and of this session has the names of both.
func (h *helper) allImages() ([]*image, error) {
	var all []*image
	for _, x := range h.store.Index().Images {
		img, err := h.readImage(x)
		if err != nil {
			h.store.Lost(x, err)
			continue
		}
		all = append(all, img)
	}
	for _, own := range h.images {
		i := slices.IndexFunc(all, func(img *image) bool { return img.ID == own.ID })
		if i < 0 {
			img := *own
			all = append(all, &img)
			continue
		}
		all[i].Tags = slices.Sorted(slices.Values(slices.Concat(all[i].Tags, own.Tags)))
	}
	slices.SortFunc(all, func(a, b *image) int { return sim.CompareImages(a.Image, b.Image) })
	return all, nil
}

// readImage is an image of the index; h.mu must be held. A configuration is
// read once.
func (h *helper) readImage(x store.Image) (*image, error) {
	known, ok := h.configs[x.ID]
	if !ok {
		raw, err := h.store.ReadBlob(x.ID)
		if err != nil {
			return nil, fmt.Errorf("its configuration: %w", err)
		}
		if known, err = newImage(raw, x.Parent); err != nil {
			return nil, err
		}
		h.configs[x.ID] = known
	}
	img := *known
	img.Tags, img.Parent, img.Sizes = x.Tags, x.Parent, x.Sizes
	// Another session may have this one as a bundled image, whose names go.
	for _, own := range h.images {
		img.Tags = slices.DeleteFunc(slices.Clone(img.Tags), func(tag string) bool { return slices.Contains(own.Tags, tag) })
	}
	return &img, nil
}

// imageValues are all images; h.mu must be held.
func (h *helper) imageValues() ([]sim.Image, error) {
	images, err := h.allImages()
	all := make([]sim.Image, len(images))
	for i, img := range images {
		all[i] = img.Image
	}
	return all, err
}

// baseImage is the image that a container is made of, which may be none;
// h.mu must be held.
func (h *helper) baseImage(ref string) (*image, error) {
	if ref == "" {
		return &image{Image: sim.ScratchImage(platform.Host())}, nil
	}
	return h.findImage(ref)
}

// findImage is the image that ref names; h.mu must be held.
func (h *helper) findImage(ref string) (*image, error) {
	images, err := h.allImages()
	if err != nil {
		return nil, err
	}
	values := make([]sim.Image, len(images))
	for i, img := range images {
		values[i] = img.Image
	}
	found, err := sim.FindImage(values, ref)
	if err != nil {
		return nil, err
	}
	return images[slices.IndexFunc(images, func(i *image) bool { return i.ID == found.ID })], nil
}

func (h *helper) listImages(context.Context, rpc.None) ([]PackedImage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	images, err := h.allImages()
	all := make([]PackedImage, len(images))
	for i, img := range images {
		all[i] = img.pack()
	}
	return all, err
}

func (h *helper) oneImage(_ context.Context, ref string) (PackedImage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.findImage(ref)
	if err != nil {
		return PackedImage{}, err
	}
	return img.pack(), nil
}

func (h *helper) tag(_ context.Context, args TagArgs) (rpc.None, error) {
	familiar, err := sim.Familiar(args.Target)
	if err != nil {
		return false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.findImage(args.Source)
	if err != nil {
		return false, err
	}
	if err := h.index(h.passed(img.ID)); err != nil {
		return false, err
	}
	return true, h.store.Update(func(x *store.Index) error {
		h.name(x, img.ID, familiar)
		return nil
	})
}

// name makes ref a name of the image with this id and of no other one: in the
// index, if it is there, or else in this session. h.mu must be held.
func (h *helper) name(x *store.Index, id digest.Digest, ref string) {
	x.Untag(ref)
	for _, own := range h.images {
		own.Tags = slices.DeleteFunc(slices.Clone(own.Tags), func(tag string) bool { return tag == ref })
	}
	if x.Find(id) != nil {
		x.Tag(id, ref)
		return
	}
	for _, own := range h.images {
		if own.ID == id {
			own.Tags = slices.Sorted(slices.Values(append(own.Tags, ref)))
		}
	}
}

// kept is an image that is to be kept, with its new names.
type kept struct {
	*image
	refs []string
}

// keep is keepAll for one image, with the name ref if that is not "". It
// tells whether the image had that name already.
func (h *helper) keep(b *store.Batch, img *image, ref string) (upToDate bool, err error) {
	var refs []string
	if ref != "" {
		refs = append(refs, ref)
	}
	return h.keepAll(b, kept{img, refs})
}

// keepAll ends the batch: what it gathered gets its names, and the images
// become some of all. It tells whether they had all their names already. Their
// layers must be in the batch, or held.
func (h *helper) keepAll(b *store.Batch, images ...kept) (upToDate bool, err error) {
	for _, img := range images {
		if err := img.complete(b); err != nil {
			return false, err
		}
	}
	if err := b.Sync(); err != nil {
		return false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	upToDate = true
	for _, img := range images {
		for _, ref := range img.refs {
			old, err := h.findImage(ref)
			upToDate = upToDate && err == nil && old.ID == img.ID && slices.Contains(old.Tags, ref)
		}
	}
	return upToDate, b.Commit(func(x *store.Index) error {
		for _, img := range images {
			h.put(x, img.image)
			for _, ref := range img.refs {
				h.nameAs(x, img.image, ref)
			}
		}
		return nil
	})
}

// complete measures the image, and adds its configuration to the batch.
func (i *image) complete(b *store.Batch) error {
	if err := measure(b, i); err != nil || i.own {
		return err
	}
	_, err := b.Blob(i.raw)
	return err
}

func (h *helper) put(x *store.Index, img *image) {
	switch {
	case !img.own:
		x.Put(img.indexed())
	case !slices.ContainsFunc(h.images, func(i *image) bool { return i.ID == img.ID }):
		h.images = append(h.images, img)
	}
}

// nameAs names an image of this session alone here, whether or not the index
// has it too.
func (h *helper) nameAs(x *store.Index, img *image, ref string) {
	h.name(x, img.ID, ref)
	if img.own && x.Find(img.ID) != nil {
		x.Untag(ref)
		i := slices.IndexFunc(h.images, func(i *image) bool { return i.ID == img.ID })
		h.images[i].Tags = slices.Sorted(slices.Values(append(h.images[i].Tags, ref)))
	}
}

// measure notes the sizes of an image's layers.
func measure(b *store.Batch, img *image) error {
	img.Sizes = make([]int64, len(img.Layers))
	for i, diffID := range img.Layers {
		layer, ok := b.Have(diffID)
		if !ok {
			return fmt.Errorf("the image is damaged: its layer %s is missing: make or fetch it again", diffID)
		}
		img.Sizes[i] = layer.Size
	}
	return nil
}

func (h *helper) removeImage(_ context.Context, args RemoveArgs) (sim.RemoveResult, error) {
	removed, err := h.untag(args)
	if err != nil || len(removed.Deleted) == 0 {
		return removed, err
	}
	return removed, h.store.Collect()
}

func (h *helper) untag(args RemoveArgs) (sim.RemoveResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	images, err := h.imageValues()
	if err != nil {
		return sim.RemoveResult{}, err
	}
	removed, err := sim.Removal(images, h.values(), h.elsewhere, args.Name, args.Force)
	if err != nil {
		return removed, err
	}
	return removed, h.store.Update(func(x *store.Index) error {
		x.Untag(removed.Untagged...)
		x.Remove(removed.Deleted...)
		for _, own := range h.images {
			own.Tags = slices.DeleteFunc(slices.Clone(own.Tags), func(tag string) bool { return slices.Contains(removed.Untagged, tag) })
		}
		h.drop(func(i *image) bool { return slices.Contains(removed.Deleted, i.ID) })
		return nil
	})
}

// isBundled says whether an image is one that twinlayer makes by itself.
func isBundled(config dockerspec.DockerOCIImage) bool {
	return config.Config.Labels["twinlayer.bundled"] != ""
}
