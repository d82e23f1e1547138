//go:build linux

package helper

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/real/embedded/remote"
	"twinlayer/sim"
)

// saved is an image in manifest.json (moby, image/spec/v1.2.md, "Combined
// Image JSON + Filesystem Changeset Format").
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// containerdName is the annotation that holds an image's full reference;
// docker and containerd write it.
const containerdName = "io.containerd.image.name"

// docker finds the images that manifest.json lists.
func (a *archive) docker(list []byte) (images []kept, err error) {
	var all []saved
	if err := json.Unmarshal(list, &all); err != nil {
		return nil, sim.Refuse("invalid archive: manifest.json: %v", err)
	}
	for _, s := range all {
		config := a.doc(s.Config)
		if config == nil {
			return nil, sim.Refuse("invalid archive: manifest.json names the configuration %s, which is not there", s.Config)
		}
		img, err := a.image(config, s.Layers, s.RepoTags)
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	return images, nil
}

// oci finds the images that index.json lists (image-spec, image-layout.md).
func (a *archive) oci(list []byte) (images []kept, err error) {
	var index ocispec.Index
	if err := json.Unmarshal(list, &index); err != nil {
		return nil, sim.Refuse("invalid archive: index.json: %v", err)
	}
	for _, m := range index.Manifests {
		img, err := a.ociImage(m, annotated(m.Annotations))
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	return images, nil
}

// annotated is the name that annotations give an image. A mere tag, as
// image-spec's annotations.md has it, is none.
func annotated(annotations map[string]string) []string {
	if full := annotations[containerdName]; full != "" {
		return []string{full}
	}
	name := annotations[ocispec.AnnotationRefName]
	if strings.ContainsAny(name, ":/") {
		return []string{name}
	}
	return nil
}

// ociImage is the image that a descriptor stands for, be it an index.
func (a *archive) ociImage(d ocispec.Descriptor, names []string) (kept, error) {
	for range 4 {
		doc := a.doc(blobName(d.Digest))
		if doc == nil {
			return kept{}, sim.Refuse("invalid archive: the blob %s is not there", d.Digest)
		}
		var both struct {
			ocispec.Manifest
			Manifests []ocispec.Descriptor `json:"manifests"`
		}
		if err := json.Unmarshal(doc, &both); err != nil {
			return kept{}, sim.Refuse("invalid archive: the manifest %s: %v", d.Digest, err)
		}
		if both.Manifests == nil {
			return a.ociManifest(both.Manifest, names)
		}
		var err error
		if d, err = remote.Choose(ocispec.Index{Manifests: both.Manifests}); err != nil {
			return kept{}, err
		}
	}
	return kept{}, sim.Refuse("invalid archive: its indexes are nested too deep")
}

func (a *archive) ociManifest(m ocispec.Manifest, names []string) (kept, error) {
	config := a.doc(blobName(m.Config.Digest))
	if config == nil {
		return kept{}, sim.Refuse("invalid archive: the configuration %s is not there", m.Config.Digest)
	}
	layers := make([]string, len(m.Layers))
	for i, l := range m.Layers {
		layers[i] = blobName(l.Digest)
	}
	return a.image(config, layers, names)
}

// blobName is where an OCI layout has a blob. A digest of a stranger's names
// nothing outside.
func blobName(d digest.Digest) string {
	algorithm, hex, _ := strings.Cut(d.String(), ":")
	return path.Join("blobs", algorithm, hex)
}

// image puts an image together.
func (a *archive) image(config []byte, layers, names []string) (kept, error) {
	img, err := newImage(config, "")
	if err != nil {
		return kept{}, err
	}
	if len(layers) != len(img.Layers) {
		return kept{}, sim.Refuse("invalid archive: an image has %d layers, but %d diffIDs", len(layers), len(img.Layers))
	}
	for i, name := range layers {
		l, ok := a.layers[a.follow(name)]
		if !ok {
			return kept{}, sim.Refuse("invalid archive: the layer %s is not there", name)
		}
		if l.DiffID != img.Layers[i] {
			return kept{}, fmt.Errorf("the archive is damaged: layer %s should have the diffID %s and has %s", name, img.Layers[i], l.DiffID)
		}
	}
	k := kept{image: img}
	for _, name := range names {
		familiar, err := sim.Familiar(name)
		if err != nil {
			return kept{}, err
		}
		k.refs = append(k.refs, familiar)
	}
	return k, nil
}
