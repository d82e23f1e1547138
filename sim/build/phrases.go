package build

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// its steps
	sayStep        = say.P3("build.step")
	sayTrigger     = say.P1("build.trigger")
	sayUsedAgain   = say.P1("build.used-again")
	sayAdoptedStep = say.P2("build.adopted-step")

	// the cache
	sayCommittedTaken = say.P2("build.committed-taken")
	sayNoAnswer       = say.P2("build.cache-miss")
	sayNoCache        = say.P0("build.no-cache")
	sayOtherConfig    = say.P0("build.other-configuration")
	sayOtherContent   = say.P0("build.other-content")
	sayOtherArgs      = say.P2("build.other-arguments")
	sayNoArgs         = say.P0("build.no-arguments")
	sayNewInstruction = say.P1("build.new-instruction")
	sayChangedFiles   = say.P1("build.changed-files")

	// failed steps
	sayStepFailed    = say.P2("build.failed")
	sayContainerKept = say.P2("build.container-kept")

	// why the engine's own builder cannot build it
	sayNoOtherTime     = say.P0("build.no-other-time")
	sayKeepsNamelessly = say.P0("build.keeps-containers")
	sayOnbuildOfBase   = say.P0("build.onbuild-of-base")
	sayOnbuildOfStage  = say.P0("build.onbuild-of-stage")
	sayBuildKitFlag    = say.P1("build.buildkit-flag")
	sayHereDocuments   = say.P0("build.here-documents")
	sayNoFetching      = say.P0("build.no-fetching")
	sayNoZstd          = say.P0("build.no-zstd")
	sayPlatformArgs    = say.P0("build.platform-arguments")
)
