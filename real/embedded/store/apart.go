//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// Apart begins a time in which the session has an index of its own: it is as
// that of all is now, and what it becomes nobody else sees, nor the volumes
// that are made meanwhile. [Store.Together] ends it and throws both away, and
// so does the end of the session, however that comes.
func (s *Store) Apart() error {
	return s.locked(func() error {
		x, err := s.Index()
		if err == nil {
			err = s.setApart(x)
		}
		if err != nil {
			return fmt.Errorf("setting the images apart: %w", err)
		}
		return nil
	})
}

// Together gives the session the index of all again.
func (s *Store) Together() error {
	s.mu.Lock()
	held := s.apartHeld
	s.apart, s.apartHeld = nil, nil
	s.mu.Unlock()
	s.release(held)
	return errors.Join(s.Collect(), os.RemoveAll(filepath.Join(s.session, "apart")))
}

// setApart is update for a session that is apart. What its images need it
// holds to the end: no index that others see has it.
func (s *Store) setApart(x Index) error {
	var need []digest.Digest
	for _, img := range x.Images {
		need = append(append(need, img.ID), img.Layers...)
	}
	if err := s.hold(need); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apart, s.apartHeld = &x, append(s.apartHeld, need...)
	return nil
}

func (s *Store) isApart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apart != nil
}
