package helper

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// what the embedded engine shows of a container
	sayMountCommand = say.P0("evidence.mount-command")
	sayUpperDir     = say.P0("evidence.upper-directory")
	sayEmpty        = say.P0("evidence.empty")
	sayDiskUse      = say.P0("evidence.disk-use")
	sayOneInode     = say.P0("evidence.one-inode")
	sayPageCache    = say.P0("evidence.page-cache")
	sayNamespaces   = say.P0("evidence.namespaces")
	sayBootIDInside = say.P0("evidence.boot-id-inside")
	sayCgroups      = say.P0("evidence.cgroups")
)
