package vfs

import "twinlayer/fs"

// What is said here to a learner; the texts are those of package say.
var (
	// kinds of files
	sayTheDirectory  = fs.P0("union.the-directory")
	sayTheSymlink    = fs.P0("union.the-symlink")
	sayTheFile       = fs.P0("union.the-file")
	sayTheNode       = fs.P0("union.the-node")
	sayANewFile      = fs.P0("union.new-file")
	sayANewDirectory = fs.P0("union.new-directory")
	sayANewNode      = fs.P0("union.new-node")
	sayANewSymlink   = fs.P0("union.new-symlink")

	// layers
	sayALowerLayer    = fs.P0("union.lower-layer")
	sayContainerLayer = fs.P0("union.container-layer")
	sayMemoryOfMount  = fs.P0("union.memory-of-mount")

	// why a file is copied up: how it is about to change
	sayMakesRoom       = fs.P1("union.needs-place")
	sayCreatesIn       = fs.P0("union.created-in")
	sayDeletesIn       = fs.P0("union.deleted-in")
	sayRenamesIn       = fs.P0("union.renamed-in")
	sayRenamesInto     = fs.P0("union.renamed-into")
	sayRenamesIt       = fs.P0("union.name-changes")
	sayLinksIt         = fs.P0("union.hard-link-needs-inode")
	sayOpensForWriting = fs.P0("union.opened-for-writing")
	sayOverwritesIt    = fs.P0("union.overwritten")
	sayResizesIt       = fs.P0("union.length-changes")
	sayChangesMode     = fs.P0("union.mode-changes")
	sayChangesOwner    = fs.P0("union.owner-changes")
	sayChangesTimes    = fs.P0("union.times-change")
	saySetsXattr       = fs.P0("union.xattr-set")
	sayChangesXattr    = fs.P0("union.xattr-changes")

	// what an operation did
	sayCopiedUp       = fs.P3("union.copied-up")
	sayGoneFromMemory = fs.P1("union.gone-from-memory")
	sayGoneFromUpper  = fs.P1("union.gone-from-container-layer")
	sayCopyHidden     = fs.P2("union.copy-gone-and-hidden")
	sayHidden         = fs.P2("union.hidden")
	sayRenamed        = fs.P2("union.renamed")
	sayOldNameHidden  = fs.P1("union.old-name-hidden")
	sayExchanged      = fs.P1("union.exchanged")
	sayLinked         = fs.P1("union.linked")
	sayReadFromMemory = fs.P0("union.read-from-memory")
	sayReadFromUpper  = fs.P0("union.read-from-container-layer")
	sayReadFromLower  = fs.P1("union.read-from-lower-layer")
	sayProgramFound   = fs.P1("union.program-found")
	sayWrote          = fs.P2("union.wrote")
	sayModeSet        = fs.P0("union.mode-set")
	sayOwnerSet       = fs.P0("union.owner-set")
	sayTimesSet       = fs.P0("union.times-set")
	sayLengthSet      = fs.P0("union.length-set")
	sayXattrSet       = fs.P1("union.attribute-set")
	sayXattrRemoved   = fs.P1("union.attribute-removed")
	sayMadeInMemory   = fs.P1("union.made-in-memory")
	sayMadeOpaque     = fs.P1("union.made-opaque")
	sayMade           = fs.P1("union.made")
)
