//go:build linux

package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Store is a directory of blobs and layers, and one session in it.
type Store struct {
	dir     string
	session string
	lock    *os.File
}

// Open makes dir a store, where it is none yet, removes dead sessions and
// begins one. Only its owner can look into it: layers hold other people's
// suid programs.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, session: filepath.Join(dir, "sessions", strings.ToLower(rand.Text()))}
	for _, sub := range []string{"blobs/sha256", "layers", "sessions"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, unusable(dir, err)
		}
	}
	all, err := flock(filepath.Join(dir, "lock"), unix.LOCK_EX)
	if err != nil {
		return nil, unusable(dir, err)
	}
	defer all.Close()
	s.sweep()
	if err := s.begin(); err != nil {
		return nil, unusable(dir, err)
	}
	return s, nil
}

func (s *Store) begin() (err error) {
	if err := os.MkdirAll(filepath.Join(s.session, "new"), 0o755); err != nil {
		return err
	}
	s.lock, err = flock(filepath.Join(s.session, "lock"), unix.LOCK_EX|unix.LOCK_NB)
	return err
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
		os.RemoveAll(session)
		if err == nil {
			lock.Close()
		}
	}
}

// flock opens name, made where it is missing, and locks it until it is closed.
func flock(name string, how int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unusable says what to do about a directory that cannot be a store.
func unusable(dir string, err error) error {
	switch {
	case errors.Is(err, unix.EROFS), errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the data directory %s cannot be written to (%w): choose another one", dir, err)
	case full(err):
		return fmt.Errorf("the disk under %s is full (%w): free some space", dir, err)
	}
	return fmt.Errorf("the data directory %s cannot be used: %w", dir, err)
}

func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// Explain is err, or what to do if it says that the disk is full.
func (s *Store) Explain(err error) error {
	if full(err) {
		return unusable(s.dir, err)
	}
	return err
}

// Close ends the session and removes what is its own.
func (s *Store) Close() error {
	err := os.RemoveAll(s.session)
	s.lock.Close()
	return err
}

// Dir is the store's directory; the other paths lie below it.
func (s *Store) Dir() string { return s.dir }

// Container makes the directory of a container of this session.
func (s *Store) Container(id string) (string, error) {
	dir := filepath.Join(s.session, id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", unusable(s.dir, err)
	}
	return dir, nil
}

// Scratch is a new empty file of the session, for the caller to remove.
func (s *Store) Scratch() (*os.File, error) {
	return os.CreateTemp(filepath.Join(s.session, "new"), "scratch-")
}

func (s *Store) blobPath(d digest.Digest) string {
	return filepath.Join(s.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

func (s *Store) layerPath(diffID digest.Digest) string {
	return filepath.Join(s.dir, "layers", diffID.Encoded())
}

// LayerTree is the directory that holds a layer's files.
func (s *Store) LayerTree(diffID digest.Digest) string {
	return filepath.Join(s.layerPath(diffID), "tree")
}

// LayerSize is the bytes of a layer's regular files; false where the store
// does not have the layer.
func (s *Store) LayerSize(diffID digest.Digest) (int64, bool) {
	text, err := os.ReadFile(filepath.Join(s.layerPath(diffID), "size"))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// ReadBlob is a small blob, read whole and verified; an error that wraps
// fs.ErrNotExist where the store has none that is sound.
func (s *Store) ReadBlob(d digest.Digest) ([]byte, error) {
	b, err := os.ReadFile(s.blobPath(d))
	if err == nil && digest.FromBytes(b) != d {
		return nil, fmt.Errorf("blob %s is damaged: %w", d, os.ErrNotExist)
	}
	return b, err
}
