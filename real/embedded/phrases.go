package embedded

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// what the embedded engine shows of a container
	sayOwnNamespaces = say.P0("evidence.own-namespaces")
	sayBootIDOutside = say.P0("evidence.boot-id-outside")
	sayRelease       = say.P0("evidence.kernel-release")
)
