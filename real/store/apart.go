//go:build linux

package store

import (
	"errors"
	"path/filepath"

	"twinlayer/fs/overlay"
)

// Apart begins a time in which the session keeps to itself what it makes of
// the images, and the volumes that it makes; nor does it see what others do.
// [Store.Together] ends it and throws both away, and so does the end of the
// session, however that comes.
func (s *Store) Apart() { s.setApart(true) }

// Together gives the session the images of all again.
func (s *Store) Together() error {
	s.setApart(false)
	_, err := s.Refresh()
	return errors.Join(err, s.Collect(), overlay.RemoveAll(filepath.Join(s.session, "apart")))
}

func (s *Store) setApart(apart bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apart, s.seenAt = apart, -1
}

func (s *Store) isApart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apart
}
