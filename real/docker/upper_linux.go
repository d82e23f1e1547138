package docker

import (
	"context"
	"errors"
	"os"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// readUpper reads an upper directory of this machine.
func readUpper(ctx context.Context, dir string, contents *os.File) (*fs.Tree, error) {
	if dir == "" {
		return nil, errors.New("the engine does not say where it is")
	}
	entries, err := overlay.ReadUpper(ctx, dir, contents)
	if err != nil {
		return nil, err
	}
	return overlay.Tree(entries, contents, nil)
}
