package sim

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
)

// Registry is where images are pulled from. Both worlds pull from one: the
// model reads it directly, a real engine over HTTP.
type Registry interface {
	// Resolve finds an image by its repository ("busybox", or
	// "docker.io/library/busybox") and tag; a *Refusal where there is none.
	Resolve(ctx context.Context, repository, tag string) (*Artifact, error)
}

// Artifact is an image as a registry serves it (image-spec, manifest.md).
type Artifact struct {
	Manifest []byte
	Config   []byte
	Layers   []Blob // bottom first
}

// Blob is one layer of an Artifact.
type Blob struct {
	Descriptor ocispec.Descriptor // of the bytes that Open gives
	Open       func() (io.ReadCloser, error)
	Tree       func() (*fs.Tree, error) // what the layer holds
}
