package report

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	sayNoneNamed = say.P1("report.none-named")

	// a stack of layers
	sayRow            = say.P2("layer.row")
	saySizedRow       = say.P4("layer.sized-row")
	sayNoLayer        = say.P1("layer.none")
	sayContainerLayer = say.P1("layer.of-container")
	sayWritable       = say.P0("layer.writable")

	// what a layer changes
	sayAdded       = say.P2("layer.added")
	sayModified    = say.P2("layer.modified")
	sayDeleted     = say.P2("layer.deleted")
	sayDifferent   = say.P2("layer.different")
	sayOnlyIn      = say.P3("layer.only-in")
	sayNothingSeen = say.P0("layer.nothing-seen")
	sayWithSize    = say.P2("layer.with-size")

	// which layer provides a path
	sayDeletedHere  = say.P0("layer.deleted-here")
	sayDeletedWith  = say.P1("layer.deleted-with")
	sayNoDirectory  = say.P1("layer.no-directory")
	sayMadeAnew     = say.P1("layer.made-anew")
	sayStillThere   = say.P2("layer.still-there")
	sayShowsThrough = say.P0("layer.shows-through")
	sayOlderVersion = say.P2("layer.older-version")
	sayProvides     = say.P1("layer.provides")
	sayIsThere      = say.P3("layer.is-there")
	sayIsDeleted    = say.P2("layer.is-deleted")
	sayIsNowhere    = say.P2("layer.is-nowhere")

	// what there is at a path
	sayDirectory   = say.P1("layer.directory")
	saySymlink     = say.P1("layer.symlink")
	sayFile        = say.P2("layer.file")
	saySpecialFile = say.P0("layer.special-file")

	// sizes and sharing
	sayChainID         = say.P1("layer.chain-id")
	sayShared          = say.P1("layer.shared")
	sayWasted          = say.P1("layer.wasted")
	sayTotal           = say.P3("layer.total")
	sayTotalOfOne      = say.P2("layer.total-of-one")
	sayShareLowest     = say.P4("layer.share-lowest")
	sayOnlyLayer       = say.P4("layer.only")
	sayNoDifference    = say.P0("layer.no-difference")
	sayDifferencesSeen = say.P0("layer.differences-seen")
)
