package model

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// images come and go
	sayHereAlready    = say.P1("image.here-already")
	sayManifest       = say.P2("image.manifest")
	sayTagged         = say.P2("image.tagged")
	sayTaggedOnly     = say.P2("image.tagged-only")
	sayLayerShared    = say.P1("image.layer-shared")
	sayLayerUnpacked  = say.P1("image.layer-unpacked")
	sayUntagged       = say.P1("image.untagged")
	sayImageDeleted   = say.P1("image.deleted")
	sayLayerPushed    = say.P1("image.layer-pushed")
	sayManifestPushed = say.P1("image.manifest-pushed")
	sayLayerThere     = say.P1("image.layer-there")
	sayLayerSent      = say.P1("image.layer-sent")
	sayImported       = say.P1("image.imported")

	// commits
	sayPaused     = say.P1("image.paused")
	sayNoLayer    = say.P0("image.no-layer")
	sayCommitted  = say.P1("image.layer-committed")
	sayConfigured = say.P2("image.configured")

	// containers come, run and go
	sayCreated          = say.P3("container.created")
	sayCreatedOnNothing = say.P1("container.created-on-nothing")
	sayMounted          = say.P0("container.mounted")
	sayRootReadOnly     = say.P0("container.root-read-only")
	sayNamespaced       = say.P1("container.namespaces")
	sayStarted          = say.P1("container.process-1")
	sayJoined           = say.P1("container.process-joins")
	sayDetached         = say.P0("container.detached")
	sayStopped          = say.P1("container.stopped")
	sayAsked            = say.P2("container.asked-to-end")
	saySignalled        = say.P2("container.signalled")
	sayUnheard          = say.P1("container.signal-unheard")
	sayRemoved          = say.P1("container.removed")
	sayCopiedIn         = say.P0("container.copied-in")
	sayCopiedOut        = say.P1("container.copied-out")
	sayTooManySteps     = say.P1("container.too-many-steps")

	// volumes and mounts
	sayVolumeForContainer = say.P1("volume.made-for-container")
	sayVolumeMade         = say.P1("volume.made")
	sayVolumeFilled       = say.P1("volume.filled")
	sayVolumeGoesAlong    = say.P1("volume.goes-along")
	sayVolumeRemoved      = say.P1("volume.removed")
	sayTmpfsMounted       = say.P0("volume.tmpfs")
	sayVolumeMounted      = say.P1("volume.mounted")
	sayHostMounted        = say.P1("volume.bind")

	// what is taken over from the real world
	sayAdopted                = say.P1("adopt.adopted")
	sayImageTaken             = say.P2("adopt.image")
	sayTagTaken               = say.P2("adopt.tag")
	sayImageRemovedElsewhere  = say.P1("adopt.image-removed-elsewhere")
	sayImageNoMore            = say.P1("adopt.image-no-more")
	sayVolumeTaken            = say.P1("adopt.volume")
	sayVolumeChanged          = say.P1("adopt.volume-changed")
	sayMoreChanges            = say.P1("adopt.more-changes")
	sayVolumeRemovedElsewhere = say.P1("adopt.volume-removed-elsewhere")
	sayVolumeNoMore           = say.P1("adopt.volume-no-more")
	sayProgramDid             = say.P0("adopt.program-did")
	sayProcessEnded           = say.P1("adopt.process-ended")

	// what the model cannot know
	sayForeignProgram  = say.P0("unknown.foreign-program")
	sayMachineCode     = say.P1("unknown.machine-code")
	sayMachineCodeDoes = say.P1("unknown.machine-code-does")
	sayHostFiles       = say.P2("unknown.host-files")
	sayKernelShows     = say.P1("unknown.kernel-shows")
	sayDiskHolds       = say.P1("unknown.disk-holds")
	sayDiskFull        = say.P0("unknown.disk-full")
	sayNoEnd           = say.P0("unknown.no-end")
	sayGoesOn          = say.P0("unknown.goes-on")
	sayNeverWaits      = say.P0("unknown.never-waits")
	sayBothChanged     = say.P0("unknown.both-changed")
	sayNoStopping      = say.P0("unknown.stopped-in-the-middle")
	sayTrapped         = say.P0("unknown.trap")
	sayArchiveUnpacked = say.P0("unknown.archive")
	sayRegistryHas     = say.P0("unknown.registry-has")
	sayNoNetwork       = say.P1("unknown.no-network")
	sayShelfKept       = say.P1("unknown.registry-kept")

	// what could be seen of a container from outside
	sayItsLayers     = say.P0("evidence.layers")
	sayItsMount      = say.P0("evidence.mount")
	sayItsProcess    = say.P0("evidence.process")
	sayProcessInside = say.P1("evidence.process-inside")
	sayItsNamespaces = say.P0("evidence.model-namespaces")
	sayBootID        = say.P0("evidence.boot-id")
	sayItsOwnLayer   = say.P2("evidence.its-own-layer")
	sayLayerPaths    = say.P3("evidence.layer-paths")
)
