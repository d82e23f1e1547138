package sim

import (
	"errors"

	"twinlayer/fs"
)

// BadTar is docker's answer to a tar that cannot be unpacked, or cannot even
// be decompressed. What is refused for another reason stays what it is.
func BadTar(err error) error {
	var tar *fs.TarError
	switch {
	case err == nil || IsBroken(err) || errors.As(err, new(*Refusal)) || errors.As(err, new(*Unknown)):
		return err
	case errors.As(err, &tar):
		return Refuse("%v", tar)
	}
	return Refuse("Error processing tar file(%v): ", innermost(err))
}

// innermost is what was at the root of an error.
func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}
