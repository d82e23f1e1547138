package sim

import (
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs/platform"
)

// ScratchImage is the image of nothing that FROM scratch begins with: no
// layer, no configuration, no id.
func ScratchImage() Image {
	return Image{Config: dockerspec.DockerOCIImage{Image: ocispec.Image{
		Platform: ocispec.Platform{Architecture: platform.Arch, OS: "linux"},
	}}}
}

// BaseImage is the image that a container is made of: the one that ref names,
// or scratch where ref is "".
func BaseImage(all []Image, ref string) (Image, error) {
	if ref == "" {
		return ScratchImage(), nil
	}
	return FindImage(all, ref)
}
