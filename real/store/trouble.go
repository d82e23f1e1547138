//go:build linux

package store

import (
	"strings"

	"twinlayer/fs"
)

// sayImageDamaged is said to a learner; the text is that of package say.
var sayImageDamaged = fs.P3("engine.image-damaged")

// Troubles are what was found damaged on the disk since the last call, and what
// became of it.
func (s *Store) Troubles() []fs.Phrase {
	s.mu.Lock()
	defer s.mu.Unlock()
	troubles := s.troubles
	s.troubles = nil
	return troubles
}

// Lost notes that an image is damaged, and why: it is as if it were not there.
func (s *Store) Lost(img Image, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost[img.ID] {
		return
	}
	s.lost[img.ID] = true
	s.troubles = append(s.troubles, sayImageDamaged(strings.Join(img.names(), ", "), s.dir, why.Error()))
}
