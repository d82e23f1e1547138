package sim

import (
	"twinlayer/fs/vfs"
	"twinlayer/kernel"
)

// AllCapabilities are the capabilities by their numbers.
var AllCapabilities = kernel.Capabilities

// Capabilities are those that a container has, by their numbers: docker's
// default ones with what the user adds and drops.
func Capabilities(add, drop []string) ([]string, error) {
	set, err := granted(add, drop)
	return kernel.CapabilityNames(set), err
}

// Dropped are the capabilities that root lacks in a container that was asked
// for with these.
func Dropped(add, drop []string) vfs.Capabilities {
	set, err := granted(add, drop)
	if err != nil {
		return 0
	}
	return kernel.AllCapabilities() &^ set
}

func granted(add, drop []string) (vfs.Capabilities, error) {
	added, unknown := kernel.ParseCapabilities(add)
	if unknown != "" {
		return 0, Refuse("invalid CapAdd: unknown capability: %q", unknown)
	}
	dropped, unknown := kernel.ParseCapabilities(drop)
	if unknown != "" {
		return 0, Refuse("invalid CapDrop: unknown capability: %q", unknown)
	}
	return kernel.Granted(added, dropped), nil
}
