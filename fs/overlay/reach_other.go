//go:build !linux

package overlay

import "os"

// OpenFile opens a file of a layer.
func OpenFile(path string) (*os.File, error) { return os.Open(path) }
