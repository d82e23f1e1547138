//go:build !linux

package real

import (
	"twinlayer/fs/platform"
	"twinlayer/kernel"
)

// Facts are made up where there is no Linux kernel to ask.
func Facts() kernel.Facts { return kernel.Teaching(platform.Machine(platform.Host())) }
