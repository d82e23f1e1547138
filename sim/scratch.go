package sim

import (
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ScratchImage is the image of nothing that FROM scratch begins with: no
// layer, no configuration, no id. arch is the machine's, as GOARCH has it.
func ScratchImage(arch string) Image {
	return Image{Config: dockerspec.DockerOCIImage{Image: ocispec.Image{
		Platform: ocispec.Platform{Architecture: arch, OS: "linux"},
	}}}
}

// BaseImage is the image that a container is made of: the one that ref names,
// or scratch where ref is "".
func BaseImage(all []Image, ref, arch string) (Image, error) {
	if ref == "" {
		return ScratchImage(arch), nil
	}
	return FindImage(all, ref)
}
