package fs

import (
	iofs "io/fs"
)

// Wrap is an error of an operation on a file, as package os has it.
func Wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &iofs.PathError{Op: op, Path: name, Err: err}
}
