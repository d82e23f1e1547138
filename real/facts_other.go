//go:build !linux

package real

import (
	"runtime"

	"twinlayer/kernel"
)

// Facts are made up where there is no Linux kernel to ask.
func Facts() kernel.Facts {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	return kernel.Teaching(arch)
}
