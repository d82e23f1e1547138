//go:build linux

package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Use is what a container of a session has of what all share: other sessions
// remove none of that.
type Use struct {
	Container string        `json:"container"` // its id
	Image     digest.Digest `json:"image"`
	Volumes   []string      `json:"volumes,omitempty"`
	Running   bool          `json:"running,omitempty"`
}

const usesName = "uses"

// Use tells other sessions of a container of this one.
func (s *Store) Use(u Use) error {
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	f, err := s.Scratch()
	if err != nil {
		return unusable(s.dir, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.usePath(u.Container))
	}
	return unusable(s.dir, err)
}

// Unuse tells other sessions that a container is no more.
func (s *Store) Unuse(container string) { os.Remove(s.usePath(container)) }

func (s *Store) usePath(container string) string {
	return filepath.Join(s.session, usesName, container)
}

// Uses are what the containers of other sessions have.
func (s *Store) Uses() (all []Use) {
	for _, name := range list(filepath.Join(s.dir, "sessions")) {
		dir := filepath.Join(s.dir, "sessions", name)
		if names := list(filepath.Join(dir, usesName)); dir != s.session && len(names) > 0 && alive(dir) {
			all = append(all, readUses(dir, names)...)
		}
	}
	return all
}

func readUses(session string, names []string) (all []Use) {
	for _, name := range names {
		var u Use
		if text, err := os.ReadFile(filepath.Join(session, usesName, name)); err == nil && json.Unmarshal(text, &u) == nil {
			all = append(all, u)
		}
	}
	return all
}

// alive says whether somebody holds a session.
func alive(session string) bool {
	f, err := os.Open(filepath.Join(session, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// Wrote tells other sessions that this one may have written to a volume.
func (s *Store) Wrote(v Volume) {
	if v.Anonymous || v.Apart {
		return
	}
	dir := filepath.Join(s.volumePath(v), volumeTurn)
	os.Mkdir(dir, 0o755)
	os.WriteFile(filepath.Join(dir, filepath.Base(s.session)), []byte(rand.Text()), 0o644)
}

// WrittenByOthers says whether another session may have written to a volume
// since it was asked last.
func (s *Store) WrittenByOthers(name string) bool {
	dir, turns := filepath.Join(s.volumePath(Volume{Name: name}), volumeTurn), ""
	for _, session := range list(dir) {
		if session != filepath.Base(s.session) {
			text, _ := os.ReadFile(filepath.Join(dir, session))
			turns += session + " " + string(text) + "\n"
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	written := s.turns[name] != turns
	s.turns[name] = turns
	return written
}

// forgetTurns removes what Wrote has left, of this session and of dead ones.
func (s *Store) forgetTurns() {
	all, _ := filepath.Glob(filepath.Join(s.dir, "volumes", "*", volumeTurn, "*"))
	for _, name := range all {
		session := filepath.Join(s.dir, "sessions", filepath.Base(name))
		if session == s.session || !exists(session) {
			os.Remove(name)
		}
	}
}
