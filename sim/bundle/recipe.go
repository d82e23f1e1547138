package bundle

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
	"twinlayer/sim"
)

// recipe is what an image of one layer is made from.
type recipe struct {
	os      string // what its executables run on, as GOOS has it
	layer   *fs.Tree
	gzip    bool // the layer travels compressed
	config  ocispec.ImageConfig
	history []string // as docker history shows it, oldest first: the first entry made the layer, the others none
}

// once is the image of a recipe, made when it is first called for.
func (b *Bundle) once(of func() (recipe, error)) func() (*sim.Artifact, error) {
	return sync.OnceValues(func() (*sim.Artifact, error) {
		r, err := of()
		if err != nil {
			return nil, err
		}
		return r.artifact(b.arch)
	})
}

// artifact packs the layer and writes the configuration and the manifest
// around it (image-spec, config.md and manifest.md).
func (r recipe) artifact(arch string) (*sim.Artifact, error) {
	blob, err := plain(r.layer)
	if err != nil {
		return nil, fmt.Errorf("pack layer: %w", err)
	}
	diffID := blob.Descriptor.Digest
	if r.gzip {
		if blob, err = gzipped(blob); err != nil {
			return nil, fmt.Errorf("compress layer: %w", err)
		}
	}
	config, err := json.Marshal(r.image(arch, diffID))
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(manifest(config, blob.Descriptor))
	if err != nil {
		return nil, err
	}
	return &sim.Artifact{Manifest: manifest, Config: config, Layers: []sim.Blob{blob}}, nil
}

// image is the configuration: how to run the image, and what it is made of.
func (r recipe) image(arch string, diffID digest.Digest) ocispec.Image {
	image := ocispec.Image{
		Created:  &epoch,
		Author:   "twinlayer",
		Platform: ocispec.Platform{Architecture: arch, OS: r.os},
		Config:   r.config,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
	}
	for i, instruction := range r.history {
		image.History = append(image.History, ocispec.History{
			Created: &epoch, CreatedBy: instruction, Comment: "twinlayer", EmptyLayer: i > 0,
		})
	}
	return image
}

func manifest(config []byte, layers ...ocispec.Descriptor) ocispec.Manifest {
	return ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageConfig,
			Digest:    digest.FromBytes(config),
			Size:      int64(len(config)),
		},
		Layers: layers,
	}
}

// searchPath is that of every image, Docker's default.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// labels say what an image is: by the annotation keys of the image-spec, and
// by one of our own, which every bundled image has and no other.
func labels(title, description string) map[string]string {
	return map[string]string{
		ocispec.AnnotationTitle:       title,
		ocispec.AnnotationDescription: description,
		ocispec.AnnotationVersion:     "1",
		"twinlayer.bundled":           "made by twinlayer itself, for teaching; not the image of this name on Docker Hub",
	}
}
