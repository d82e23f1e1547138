package model

import (
	"slices"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim"
)

// dropped are those capabilities that a container's root lacks.
func dropped(c container) (lacks fs.Capabilities) {
	has, err := sim.Capabilities(c.CapAdd, c.CapDrop)
	for number, name := range kernel.Capabilities {
		if err == nil && !slices.Contains(has, name) {
			lacks |= 1 << number
		}
	}
	return lacks
}
