package kernel

import "twinlayer/fs"

// What is said here to a learner; the texts are those of package say.
var (
	// how the machine comes up
	sayFirmwareStarts = fs.P0("boot.firmware")
	sayBootfsComes    = fs.P0("boot.bootfs")
	sayRootfsMounted  = fs.P0("boot.rootfs")
	sayBootfsGone     = fs.P0("boot.bootfs-gone")
	sayInitStarts     = fs.P0("boot.init")
)
