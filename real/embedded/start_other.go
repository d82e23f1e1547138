//go:build !linux

package embedded

import "runtime"

// Init does nothing on this system.
func Init() {}

// Start says that the engine runs on Linux only.
func Start(Config) (*Engine, error) {
	return nil, &Unavailable{
		Reason: "containers need a Linux kernel, and this is " + runtime.GOOS,
		Remedy: "use the model alone, or start Docker Desktop or Podman and let twinlayer use that",
	}
}
