package docker

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// why Docker's or Podman's own builder cannot build
	sayBuildahMute = say.P0("engine.buildah-mute")
	sayNoPlace     = say.P0("engine.no-place-for-dockerfile")

	// what Docker or Podman shows of a container
	sayEngine          = say.P0("evidence.engine")
	sayID              = say.P0("evidence.id")
	sayName            = say.P0("evidence.name")
	sayImage           = say.P0("evidence.image")
	sayDriver          = say.P0("evidence.storage-driver")
	sayRuntime         = say.P0("evidence.runtime")
	sayLowerDirs       = say.P0("evidence.lower-directories")
	sayOwnUpper        = say.P0("evidence.own-layer")
	sayWorkDir         = say.P0("evidence.work-directory")
	sayMerged          = say.P0("evidence.merged")
	sayManifest        = say.P0("evidence.manifest")
	sayCompressedLayer = say.P1("evidence.compressed-layer")
	sayProcess         = say.P0("evidence.host-process")
	sayRootMount       = say.P0("evidence.root-mount")
	sayNamespace       = say.P1("evidence.namespace")
)
