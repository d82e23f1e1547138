package repl

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// a command in both worlds
	sayExitStatus       = say.P1("screen.exit-status")
	sayLayerAsBefore    = say.P1("screen.layer-as-before")
	sayLayerIs          = say.P1("screen.layer")
	sayOnlyCopies       = say.P0("screen.only-copies")
	sayNoChanges        = say.P0("screen.no-changes")
	sayMoreChanges      = say.P1("screen.more-changes")
	sayMoreLines        = say.P1("screen.more-lines")
	sayMoreBytes        = say.P2("screen.more-bytes")
	sayNoRealEngine     = say.P1("screen.no-real-engine")
	sayShowTheSame      = say.P2("screen.show-the-same")
	sayBoth             = say.P0("screen.both")
	sayBothLayer        = say.P1("screen.both-layer")
	sayBothQuiet        = say.P0("screen.both-quiet")
	sayLinesFolded      = say.P1("screen.lines-folded")
	sayMore             = say.P0("screen.more")
	sayDiffers          = say.P3("screen.differs")
	sayModelShows       = say.P1("screen.model-shows")
	sayRealShows        = say.P1("screen.real-shows")
	sayBuiltByTwinlayer = say.P1("screen.built-by-twinlayer")
	sayAdopted          = say.P1("screen.adopted")

	// steps and layers
	sayOfCommand      = say.P1("screen.of-command")
	sayRealHere       = say.P0("screen.real-here")
	sayTimelineAt     = say.P2("screen.timeline-at")
	sayRealAhead      = say.P1("screen.real-ahead")
	sayImageLayer     = say.P1("screen.image-layer")
	sayInitLayer      = say.P0("screen.init-layer")
	sayContainerLayer = say.P0("screen.container-layer")
	sayReadOnly       = say.P0("screen.read-only")
	sayWritable       = say.P0("screen.writable")
	sayPathsBytes     = say.P2("screen.paths-bytes")
	sayPathsSize      = say.P2("screen.paths-size")
	sayWhiteout       = say.P1("screen.whiteout")
	sayOpaque         = say.P1("screen.opaque")
	sayFileOf         = say.P2("screen.file-of")

	// reports
	sayTellTheSame  = say.P0("screen.tell-the-same")
	sayAnotherStory = say.P0("screen.another-story")
)
