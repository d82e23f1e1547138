package sim

import (
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
)

// Removal is what docker rmi of ref does to these images and containers; it
// changes nothing itself. The rules and words are moby's
// (daemon/images/image_delete.go): a reference is taken off; the image goes
// with its last one, unless a container holds it.
func Removal(images []Image, containers []Container, ref string, force bool) (Removed, error) {
	img, err := FindImage(images, ref)
	if err != nil {
		return Removed{}, err
	}
	r := removal{images, img, users(containers, img), force}
	if familiar, err := Familiar(ref); err == nil && slices.Contains(img.Tags, familiar) {
		return r.byReference(ref, familiar)
	}
	return r.byID()
}

type removal struct {
	images []Image
	img    Image
	users  []Container
	force  bool
}

func users(all []Container, img Image) []Container {
	return slices.DeleteFunc(slices.Clone(all), func(c Container) bool { return c.ImageID != img.ID })
}

func (r removal) byReference(ref, familiar string) (Removed, error) {
	untagged := Removed{Untagged: []string{familiar}}
	if len(r.img.Tags) > 1 {
		return untagged, nil
	}
	if len(r.users) > 0 && !r.force {
		return Removed{}, Refuse("conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s", ref, Short(r.users[0].ID), Short(r.img.ID))
	}
	if _, running := r.running(); running {
		return untagged, nil
	}
	return r.whole(), nil
}

func (r removal) byID() (Removed, error) {
	const conflict = "conflict: unable to delete %s (%s) - image is %s"
	if c, running := r.running(); running {
		return Removed{}, Refuse(conflict, Short(r.img.ID), "cannot be forced", "being used by running container "+Short(c.ID))
	}
	if len(r.img.Tags) > 1 && !r.force {
		return Removed{}, Refuse(conflict, Short(r.img.ID), "must be forced", "referenced in multiple repositories")
	}
	if len(r.users) > 0 && !r.force {
		return Removed{}, Refuse(conflict, Short(r.img.ID), "must be forced", "being used by stopped container "+Short(r.users[0].ID))
	}
	return r.whole(), nil
}

func (r removal) running() (Container, bool) {
	i := slices.IndexFunc(r.users, func(c Container) bool { return c.Status == Running })
	if i < 0 {
		return Container{}, false
	}
	return r.users[i], true
}

// whole is the image with all its references, and each layer that no other
// image stands on and no container of it uses, top first, by chain id
// (image-spec, config.md, Layer ChainID).
func (r removal) whole() Removed {
	gone := Removed{Untagged: r.img.Tags, Deleted: []digest.Digest{r.img.ID}}
	if len(r.users) > 0 {
		return gone
	}
	kept := map[digest.Digest]bool{}
	for _, other := range r.images {
		if other.ID != r.img.ID {
			markChains(kept, other)
		}
	}
	for _, chain := range slices.Backward(chains(r.img)) {
		if kept[chain] {
			break
		}
		gone.Deleted = append(gone.Deleted, chain)
	}
	return gone
}

func markChains(kept map[digest.Digest]bool, img Image) {
	for _, chain := range chains(img) {
		kept[chain] = true
	}
}

// chains are the chain ids of img's layers, bottom first.
func chains(img Image) []digest.Digest {
	return identity.ChainIDs(slices.Clone(img.Layers))
}
