package store

import (
	"fmt"

	"twinlayer/sim"
)

// What is read of a container is held in memory and on disk as a whole, and a
// container can make, with little effort, what has no end: directories nested
// so deep that each path is longer than the one before, and files of nothing
// but holes.
const (
	mostPaths = 256 << 20 // bytes in all paths together
	mostBytes = 1 << 38   // in all files, holes too; as much as fs.DefaultLimits lets a layer have
)

// room is what is left of what may be read.
type room struct{ paths int }

func (r *room) takes(path string) error {
	if r.paths += len(path); r.paths > mostPaths {
		return tooMuch("its paths have more than %d bytes together", mostPaths)
	}
	return nil
}

func tooMuch(format string, args ...any) error {
	return sim.Refuse("there is more than can be read of a container: %s; remove some of it", fmt.Sprintf(format, args...))
}
