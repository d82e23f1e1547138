package sim

import (
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
)

// Removal is what docker rmi of ref does to these images and containers, those
// of other sessions that have the same images among them; it changes nothing
// itself. The rules and words are moby's
// (daemon/images/image_delete.go): a reference is taken off; the image goes
// with its last one, unless a container holds it.
func Removal(images []Image, containers, foreign []Container, ref string, force bool) (RemoveResult, error) {
	img, err := FindImage(images, ref)
	if err != nil {
		return RemoveResult{}, err
	}
	all := slices.Concat(containers, foreign)
	r := removal{images, all, len(containers), img, Users(all, img), force}
	if familiar, err := Familiar(ref); err == nil && slices.Contains(img.Tags, familiar) {
		return r.byReference(ref, familiar)
	}
	return r.byID()
}

type removal struct {
	images     []Image
	containers []Container
	own        int // so many of them are of this session
	img        Image
	users      []Container
	force      bool
}

// Users are the containers made from an image.
func Users(all []Container, img Image) []Container {
	return slices.DeleteFunc(slices.Clone(all), func(c Container) bool { return c.ImageID != img.ID })
}

func (r removal) byReference(ref, familiar string) (RemoveResult, error) {
	untagged := RemoveResult{Untagged: []string{familiar}}
	if len(r.img.Tags) > 1 {
		return untagged, nil
	}
	if len(r.users) > 0 && !r.force {
		return RemoveResult{}, Refuse("conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s", ref, r.called(r.users[0]), Short(r.img.ID))
	}
	if _, running := r.running(); running || len(r.children(r.img)) > 0 {
		return untagged, nil
	}
	return r.whole(), nil
}

// children are the images that were committed from img.
func (r removal) children(img Image) []Image {
	return slices.DeleteFunc(slices.Clone(r.images), func(o Image) bool { return o.Parent != img.ID })
}

func (r removal) byID() (RemoveResult, error) {
	const conflict = "conflict: unable to delete %s (%s) - image %s"
	if len(r.children(r.img)) > 0 {
		return RemoveResult{}, Refuse(conflict, Short(r.img.ID), "cannot be forced", "has dependent child images")
	}
	if c, running := r.running(); running {
		return RemoveResult{}, Refuse(conflict, Short(r.img.ID), "cannot be forced", "is being used by running container "+r.called(c))
	}
	if len(r.img.Tags) > 1 && !r.force {
		return RemoveResult{}, Refuse(conflict, Short(r.img.ID), "must be forced", "is referenced in multiple repositories")
	}
	if len(r.users) > 0 && !r.force {
		return RemoveResult{}, Refuse(conflict, Short(r.img.ID), "must be forced", "is being used by stopped container "+r.called(r.users[0]))
	}
	return r.whole(), nil
}

// called is how a container is named to who may not see it.
func (r removal) called(c Container) string {
	if slices.ContainsFunc(r.containers[r.own:], func(o Container) bool { return o.ID == c.ID }) {
		return Short(c.ID) + elsewhere
	}
	return Short(c.ID)
}

func (r removal) running() (Container, bool) {
	i := slices.IndexFunc(r.users, func(c Container) bool { return c.Status == Running })
	if i < 0 {
		return Container{}, false
	}
	return r.users[i], true
}

// whole is the image with all its references, and the layers that go with it;
// then its parent, if nothing else needs that: no reference, no container and
// no other child.
func (r removal) whole() RemoveResult {
	gone := RemoveResult{Untagged: r.img.Tags}
	for img, more := r.img, true; more; {
		gone.Deleted = append(gone.Deleted, img.ID)
		r.images = slices.DeleteFunc(slices.Clone(r.images), func(o Image) bool { return o.ID == img.ID })
		if len(Users(r.containers, img)) == 0 {
			gone.Deleted = append(gone.Deleted, r.layers(img)...)
		}
		img, more = r.unneeded(img.Parent)
	}
	return gone
}

// unneeded is the image id if nothing needs it any more.
func (r removal) unneeded(id digest.Digest) (Image, bool) {
	i := slices.IndexFunc(r.images, func(o Image) bool { return o.ID == id })
	if i < 0 {
		return Image{}, false
	}
	img := r.images[i]
	return img, len(img.Tags) == 0 && len(r.children(img)) == 0 && len(Users(r.containers, img)) == 0
}

// layers are the layers of img that no other image stands on, top first, by
// chain id (image-spec, config.md, Layer ChainID).
func (r removal) layers(img Image) (gone []digest.Digest) {
	kept := map[digest.Digest]bool{}
	for _, other := range r.images {
		markChains(kept, other)
	}
	for _, chain := range slices.Backward(Chains(img)) {
		if kept[chain] {
			break
		}
		gone = append(gone, chain)
	}
	return gone
}

func markChains(kept map[digest.Digest]bool, img Image) {
	for _, chain := range Chains(img) {
		kept[chain] = true
	}
}

// Chains are the chain ids of img's layers, bottom first.
func Chains(img Image) []digest.Digest {
	return identity.ChainIDs(slices.Clone(img.Layers))
}
