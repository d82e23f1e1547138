package overlay

import "fmt"

// What is read of a container is held in memory and on disk as a whole, and a
// container can make, with little effort, what has no end: directories nested
// so deep that each path is longer than the one before, and files of nothing
// but holes.
const (
	MostPaths = 256 << 20 // bytes in all paths together
	MostBytes = 1 << 38   // in all files, holes too; as much as fs.DefaultLimits lets a layer have
)

// room is what is left of what may be read.
type Room struct{ paths int }

func (r *Room) Takes(path string) error {
	if r.paths += len(path); r.paths > MostPaths {
		return tooMuch("its paths have more than %d bytes together", MostPaths)
	}
	return nil
}

// TooMuchError says that a container holds more than can be read of it.
type TooMuchError struct{ what string }

func (e *TooMuchError) Error() string {
	return "there is more than can be read of a container: " + e.what + "; remove some of it"
}

func tooMuch(format string, args ...any) error { return &TooMuchError{fmt.Sprintf(format, args...)} }
