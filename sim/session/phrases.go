package session

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// how the two worlds stand
	sayOtherLesson      = say.P0("world.other-lesson")
	sayNoOtherEngine    = say.P0("world.no-other-engine")
	sayNoReal           = say.P0("world.no-real")
	sayStale            = say.P2("world.stale")
	sayBehind           = say.P1("world.behind")
	sayBroken           = say.P0("world.model-broken")
	sayFault            = say.P1("world.model-fault")
	sayMachine          = say.P0("world.machine")
	sayFilesWritable    = say.P1("world.files-writable")
	sayProgramGoesOn    = say.P0("world.program-goes-on")
	sayInterrupted      = say.P0("world.interrupted")
	sayCommandGoesOn    = say.P0("world.command-goes-on")
	sayDetachedGoesOn   = say.P0("world.detached-goes-on")
	sayWroteTime        = say.P0("world.wrote-time")
	sayBeginsToUse      = say.P0("world.just-taken")
	sayWrittenElsewhere = say.P0("world.written-elsewhere")

	// what other sessions have done
	sayOthersChanged = say.P1("world.others-changed")
	sayAnd           = say.P2("world.and")
	sayAndMore       = say.P2("world.and-more")
	sayImageNew      = say.P1("world.image-new")
	sayImagesNew     = say.P1("world.images-new")
	sayImageOther    = say.P1("world.image-other")
	sayImagesOther   = say.P1("world.images-other")
	sayImageGone     = say.P1("world.image-gone")
	sayImagesGone    = say.P1("world.images-gone")
	sayVolumeNew     = say.P1("world.volume-new")
	sayVolumesNew    = say.P1("world.volumes-new")
	sayVolumeOther   = say.P1("world.volume-other")
	sayVolumesOther  = say.P1("world.volumes-other")
	sayVolumeGone    = say.P1("world.volume-gone")
	sayVolumesGone   = say.P1("world.volumes-gone")
)
