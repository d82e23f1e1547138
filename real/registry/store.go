package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/sim"
)

// content is what a registry holds under a digest: a manifest, a
// configuration or a layer.
type content struct {
	mediaType string
	digest    digest.Digest
	size      int64
	open      func() (io.ReadCloser, error)
}

// store is all content of the images that were asked for so far. A blob is
// only asked for after its manifest, so it is there by then.
type store struct {
	registry sim.Registry
	mu       sync.RWMutex
	contents map[digest.Digest]content
}

func newStore(reg sim.Registry) *store {
	return &store{registry: reg, contents: map[digest.Digest]content{}}
}

func (s *store) get(d digest.Digest) (content, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.contents[d]
	return c, ok
}

func (s *store) blob(d digest.Digest) (content, error) {
	if c, ok := s.get(d); ok {
		return c, nil
	}
	return content{}, problem{http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry", d.String()}
}

// lister is a registry that can tell what tags a repository has; none: there
// is no such repository.
type lister interface {
	Tags(repository string) []string
}

// lists says whether it has a repository.
func (s *store) lists(name string) bool {
	l, ok := s.registry.(lister)
	return ok && l.Tags(name) != nil
}

// tags is the answer to a listing of name's tags, of which some more are known.
func (s *store) tags(name string, more []string) (content, error) {
	tags := more
	if l, ok := s.registry.(lister); ok {
		tags = append(tags, l.Tags(name)...)
	} else if tags == nil {
		return content{}, problem{http.StatusNotFound, "UNSUPPORTED", "this registry does not list tags", ""}
	}
	if tags == nil {
		return content{}, problem{http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry", name}
	}
	slices.Sort(tags)
	list, err := json.Marshal(map[string]any{"name": name, "tags": slices.Compact(tags)})
	return inMemory("application/json", list), err
}

// manifest finds a manifest by its tag or its digest.
func (s *store) manifest(ctx context.Context, name, reference string) (content, error) {
	if c, ok := s.get(digest.Digest(reference)); ok && c.mediaType != blobType {
		return c, nil
	}
	artifact, err := s.registry.Resolve(ctx, name, reference)
	var refusal *sim.Refusal
	switch {
	case sim.IsRefusal(err, sim.DeniedPull):
		return content{}, problem{http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry", err.Error()}
	case errors.As(err, &refusal):
		return content{}, problem{http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown", refusal.Text}
	case err != nil:
		return content{}, fmt.Errorf("resolve %s: %w", name, err)
	}
	return s.add(artifact), nil
}

// add keeps all of an image and returns its manifest.
func (s *store) add(a *sim.Artifact) content {
	manifest := inMemory(ocispec.MediaTypeImageManifest, a.Manifest)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range append(layers(a), manifest, inMemory(blobType, a.Config)) {
		s.contents[c.digest] = c
	}
	return manifest
}

// blobType is what configurations and layers are sent as; what they are is
// said by the manifest.
const blobType = "application/octet-stream"

func layers(a *sim.Artifact) []content {
	var all []content
	for _, l := range a.Layers {
		all = append(all, content{blobType, l.Descriptor.Digest, l.Descriptor.Size, l.Open})
	}
	return all
}

func inMemory(mediaType string, b []byte) content {
	return content{mediaType, digest.FromBytes(b), int64(len(b)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}
