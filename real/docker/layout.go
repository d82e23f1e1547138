package docker

import (
	"context"
	"encoding/json"
	"io"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// loadLayout hands Podman an image as an OCI layout (image-spec,
// image-layout.md) without the layers that it has: it looks for each by its
// digest before it reads it.
func (e *Engine) loadLayout(ctx context.Context, c composed) (digest.Digest, error) {
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: c.ID, Size: int64(len(c.blob))},
		Layers: []ocispec.Descriptor{},
	}
	files := []file{text(ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`)), text(blobName(c.ID), c.blob)}
	for i, diffID := range c.Layers {
		l := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffID, Size: c.Sizes[i]}
		if i == c.below && c.layer.tar != nil {
			f := c.layer.file()
			f.name, l.Size = blobName(diffID), f.size
			files = append(files, f)
		}
		m.Layers = append(m.Layers, l)
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	ref := e.session.Mark(c.ID)
	d := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(manifest), Size: int64(len(manifest)), Annotations: map[string]string{ocispec.AnnotationRefName: ref}}
	index, err := json.Marshal(ocispec.Index{Versioned: m.Versioned, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}})
	if err != nil {
		return "", err
	}
	files = append(files, text(blobName(d.Digest), manifest), text(ocispec.ImageIndexFile, index))
	return e.loaded(ctx, ref, func(w io.Writer) error { return writeFiles(w, files) })
}
