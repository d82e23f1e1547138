package docker

import (
	"context"
	"errors"
	"os"

	"twinlayer/fs"
	"twinlayer/real/store"
)

// readUpper reads an upper directory of this machine.
func readUpper(ctx context.Context, dir string, contents *os.File) (*fs.Tree, error) {
	if dir == "" {
		return nil, errors.New("the engine does not say where it is")
	}
	entries, err := store.ReadUpper(ctx, dir, contents)
	if err != nil {
		return nil, err
	}
	return store.Tree(entries, contents, nil)
}
