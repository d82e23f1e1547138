package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What follows is pure, as resolve.go is: every engine that makes an image
// itself makes its configuration here, so that the same commit has the same
// id in each of them.

// NewLayer is the layer that a new image has and its parent has not.
type NewLayer struct {
	DiffID digest.Digest
	Size   int64 // bytes of its regular files
}

// Image is the image that the commit makes of a container of base, and its
// configuration blob, whose digest is the id. layer is nil where the
// container's own layer is empty.
func (c Commit) Image(base Image, layer *NewLayer) (Image, []byte, error) {
	config := base.Config
	config.Created, config.Author, config.Config = at(c.Created), c.Author, c.Config
	config.History = append(slices.Clip(config.History), ocispec.History{
		Created: at(c.Created), CreatedBy: c.CreatedBy, Author: c.Author, Comment: c.Comment, EmptyLayer: layer == nil,
	})
	img := Image{Parent: base.ID, Layers: base.Layers, Sizes: base.Sizes, Config: config}
	return img.with(layer)
}

// Image is the image that the import makes of its layer on a machine of this
// architecture, and its configuration blob.
func (i Import) Image(arch string, layer NewLayer) (Image, []byte, error) {
	config := dockerspec.DockerOCIImage{Config: i.Config}
	config.Created, config.Platform = at(i.Created), ocispec.Platform{Architecture: arch, OS: "linux"}
	config.History = []ocispec.History{{Created: at(i.Created), Comment: i.Comment}}
	return Image{Config: config}.with(&layer)
}

func (img Image) with(layer *NewLayer) (Image, []byte, error) {
	if layer != nil {
		img.Layers = append(slices.Clip(img.Layers), layer.DiffID)
		img.Sizes = append(slices.Clip(img.Sizes), layer.Size)
	}
	img.Config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: img.Layers}
	if img.Config.RootFS.DiffIDs == nil {
		img.Config.RootFS.DiffIDs = []digest.Digest{}
	}
	blob, err := json.Marshal(img.Config)
	if err != nil {
		return Image{}, nil, fmt.Errorf("writing an image's configuration: %w", err)
	}
	img.ID = digest.FromBytes(blob)
	return img, blob, nil
}

func at(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

// ContainerConfig is where docker commit starts from: what a container was
// made with, and where that says nothing, what its image says (moby,
// daemon/create.go and runconfig, Merge).
func ContainerConfig(image dockerspec.DockerOCIImageConfig, s Spec) dockerspec.DockerOCIImageConfig {
	out := image
	if s.User != "" {
		out.User = s.User
	}
	if s.Dir != "" {
		out.WorkingDir = s.Dir
	}
	if s.StopSignal != "" {
		out.StopSignal = s.StopSignal
	}
	switch {
	case s.Entrypoint != nil:
		out.Entrypoint, out.Cmd = s.Entrypoint, s.Args
		if len(s.Entrypoint) == 1 && s.Entrypoint[0] == "" {
			out.Entrypoint = nil
		}
	case s.Args != nil:
		out.Cmd = s.Args
	}
	out.Env = mergedEnv(s.Env, image.Env)
	out.Labels = merged(image.Labels, s.Labels)
	out.Volumes = maps.Clone(image.Volumes)
	return out
}

// mergedEnv is the user's variables, then those of the image that the user
// did not set.
func mergedEnv(user, image []string) []string {
	out := slices.Clone(user)
	for _, kv := range image {
		key, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(user, func(u string) bool { return u == key || strings.HasPrefix(u, key+"=") }) {
			out = append(out, kv)
		}
	}
	return out
}

func merged(under, over map[string]string) map[string]string {
	if len(under)+len(over) == 0 {
		return nil
	}
	out := maps.Clone(under)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, over)
	return out
}
