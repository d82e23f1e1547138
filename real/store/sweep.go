//go:build linux

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"twinlayer/fs/overlay"
)

// Hold keeps layers from being removed until release is called, though no
// image has them any more: a container stands on them, or a pull counts on
// them. A session that is gone holds nothing.
func (s *Store) Hold(diffIDs ...digest.Digest) (release func(), err error) {
	err = s.locked(func() error { return s.hold(diffIDs) })
	return func() { s.release(diffIDs) }, err
}

// hold is Hold, of blobs too, for who holds the lock.
func (s *Store) hold(digests []digest.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range digests {
		if s.held[d]++; s.held[d] > 1 {
			continue
		}
		if err := os.WriteFile(s.holdPath(d), nil, 0o644); err != nil {
			return unusable(s.dir, err)
		}
	}
	return nil
}

func (s *Store) release(digests []digest.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range digests {
		if s.held[d]--; s.held[d] <= 0 {
			delete(s.held, d)
			os.Remove(s.holdPath(d))
		}
	}
}

func (s *Store) holdPath(d digest.Digest) string {
	return filepath.Join(s.session, "holds", d.Encoded())
}

// Collect removes the layers and blobs that no image of the index has, nor one
// that a session still sees, no session holds and no cache keeps.
func (s *Store) Collect() error { return s.frugally(s.collectAll) }

func (s *Store) collectAll() error {
	grave, err := os.MkdirTemp(filepath.Join(s.session, "new"), "gone-")
	if err != nil {
		return unusable(s.dir, err)
	}
	defer overlay.RemoveAll(grave)
	return s.locked(func() error { return s.collect(grave) })
}

// collect moves what can go into the grave. It keeps all where the index
// cannot be read.
func (s *Store) collect(grave string) error {
	x, err := s.indexOfAll()
	if err != nil {
		return err
	}
	kept := s.heldByAny()
	x.need(func(d digest.Digest) { kept[d.Encoded()] = true })
	for _, name := range list(filepath.Join(s.dir, "layers")) {
		l, ok := s.Layer(digest.NewDigestFromEncoded(digest.SHA256, name))
		if !ok || !kept[name] && !exists(filepath.Join(s.dir, "layers", name, cachedName)) {
			bury(filepath.Join(s.dir, "layers", name), grave)
		} else if l.Blob != nil {
			kept[l.Blob.Digest.Encoded()] = true
		}
	}
	for _, name := range list(filepath.Join(s.dir, "blobs", "sha256")) {
		if !kept[name] {
			bury(filepath.Join(s.dir, "blobs", "sha256", name), grave)
		}
	}
	return nil
}

// heldByAny are the layers and blobs that any session holds, or sees images of.
func (s *Store) heldByAny() map[string]bool {
	held := map[string]bool{}
	s.seenByAny(held)
	all, _ := filepath.Glob(filepath.Join(s.dir, "sessions", "*", "holds", "*"))
	for _, name := range all {
		held[filepath.Base(name)] = true
	}
	return held
}

// bury renames what another user's session may have made; then it stays.
func bury(name, grave string) {
	kind := strings.ReplaceAll(filepath.Base(filepath.Dir(name)), "/", "-")
	os.Rename(name, filepath.Join(grave, kind+"-"+filepath.Base(name)))
}

func list(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// sweep removes the sessions that nobody holds. One that cannot be removed,
// such as another user's, stays for its owner.
func (s *Store) sweep() {
	all, _ := filepath.Glob(filepath.Join(s.dir, "sessions", "*"))
	for _, session := range all {
		lock, err := flock(filepath.Join(session, "lock"), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		overlay.RemoveAll(session)
		if err == nil {
			lock.Close()
		}
	}
}
