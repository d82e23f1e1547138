package docker

import (
	"errors"
	"os"

	"twinlayer/fs"
	"twinlayer/real/embedded/store"
)

// readUpper reads an upper directory of this machine.
func readUpper(dir string, contents *os.File) (*fs.Tree, error) {
	if dir == "" {
		return nil, errors.New("the engine does not say where it is")
	}
	entries, err := store.ReadUpper(dir, contents)
	if err != nil {
		return nil, err
	}
	return store.Tree(entries, contents, nil)
}
