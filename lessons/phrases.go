package lessons

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// images
	sayIsImage       = say.P1("goal.image")
	sayIsImageOf     = say.P2("goal.image-of")
	sayOneLayer      = say.P0("goal.one-layer")
	sayLayers        = say.P1("goal.layers")
	sayHasLayersNot  = say.P3("goal.has-layers-not")
	sayNoImageLike   = say.P2("goal.no-image-like")
	sayNoImage       = say.P2("goal.no-image")
	sayNoImageAtAll  = say.P0("goal.no-image-at-all")
	sayImageGone     = say.P1("goal.image-gone")
	sayContainerGone = say.P1("goal.container-gone")
	sayStillThere    = say.P1("goal.still-there")

	// containers
	sayIsContainer      = say.P1("goal.container")
	sayIsContainerOf    = say.P2("goal.container-of")
	sayContainerIs      = say.P2("goal.container-is")
	sayCreated          = say.P0("goal.created")
	sayRunning          = say.P0("goal.running")
	sayStopped          = say.P0("goal.stopped")
	sayIsNot            = say.P3("goal.is-not")
	sayOfImageNot       = say.P3("goal.of-image-not")
	sayNoContainerLike  = say.P2("goal.no-container-like")
	sayNoContainer      = say.P2("goal.no-container")
	sayNoContainerAtAll = say.P0("goal.no-container-at-all")

	// changes
	sayAdded        = say.P0("goal.added")
	sayModified     = say.P0("goal.modified")
	sayDeleted      = say.P0("goal.deleted")
	sayHasDone      = say.P3("goal.has-done")
	sayOtherHasDone = say.P4("goal.other-has-done")
	sayHasDoneNot   = say.P4("goal.has-done-not")
	sayChangesLike  = say.P3("goal.changes-like")
	sayHasNotDone   = say.P4("goal.has-not-done")
	sayNothing      = say.P0("goal.nothing")
	sayUnchanged    = say.P2("goal.unchanged")

	// volumes
	sayIsVolume      = say.P1("goal.volume")
	sayHasVolume     = say.P2("goal.has-volume")
	sayNoVolume      = say.P2("goal.no-volume")
	sayNoVolumeAtAll = say.P0("goal.no-volume-at-all")
	sayWithoutVolume = say.P2("goal.without-volume")

	// layers
	sayTopLayerHas = say.P2("goal.top-layer-has")
	sayLayerHas    = say.P3("goal.layer-has")
	sayHasLayers   = say.P2("goal.has-layers")
	sayInLayer     = say.P3("goal.in-layer")
	sayInNoLayer   = say.P2("goal.in-no-layer")
	sayHiddenStill = say.P2("goal.hidden-still")
	sayComesFrom   = say.P3("goal.comes-from")
	sayIsHidden    = say.P2("goal.hidden")
	sayNoOlder     = say.P3("goal.no-older")
	sayShare       = say.P3("goal.share")
	sayShareNot    = say.P4("goal.share-not")
	sayTopsHold    = say.P2("goal.tops-hold-the-same")
	sayTopHasNot   = say.P3("goal.top-has-not")
	saySmaller     = say.P2("goal.smaller")
	sayBigger      = say.P2("goal.bigger")
	sayNotSmaller  = say.P2("goal.not-smaller")
	saySizes       = say.P4("goal.sizes")

	// configuration and history
	sayConfigHas     = say.P3("goal.configuration-has")
	sayFieldIs       = say.P3("goal.field-is")
	sayEmpty         = say.P0("goal.empty")
	sayHistoryTells  = say.P2("goal.history-tells")
	sayHistorySilent = say.P2("goal.history-silent")
	sayEngineStopped = say.P1("goal.engine-stopped")

	// how to predict
	sayAnswerChanges = say.P0("lesson.answer-changes")
	sayAnswerNumber  = say.P0("lesson.answer-number")
	sayAnswerSize    = say.P0("lesson.answer-size")
	sayAnswerPrint   = say.P0("lesson.answer-print")

	// mistakes
	sayInsideContainer = say.P1("lesson.mistake-inside-container")
	sayImageUnchanging = say.P1("lesson.mistake-image")
	sayOtherContainer  = say.P3("lesson.mistake-other-container")
	sayNotShrunk       = say.P2("lesson.mistake-not-shrunk")
)
