//go:build linux

package store

import (
	"fmt"
	"path/filepath"

	"twinlayer/fs/overlay"
)

// InitLayer is the layer that lies between an image and a container: what the
// image lacks of [overlay.InitEntries]. It belongs to neither, so docker diff
// and docker commit do not see it. Containers of this session that need the
// same one share it, which saves the disk a dozen files for each.
func (s *Store) InitLayer(image overlay.Dir) (string, error) {
	missing, key, err := overlay.MissingIn(image)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if dir, ok := s.inits[key]; ok {
		return dir, nil
	}
	dir := filepath.Join(s.session, fmt.Sprintf("init-%d", len(s.inits)+1))
	if err := overlay.WriteInitLayer(dir, image, missing); err != nil {
		overlay.RemoveAll(dir)
		return "", err
	}
	s.inits[key] = dir
	return dir, nil
}
