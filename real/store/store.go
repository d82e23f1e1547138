//go:build linux

package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// Store is a directory of blobs and layers, and one session in it.
type Store struct {
	dir     string
	session string
	lock    *os.File

	mu    sync.Mutex
	held  map[digest.Digest]int // how often each layer is held
	inits map[string]string     // directories of init layers, by what they are
	read  readIndex
	apart bool // what the session makes of images and volumes is its own

	troubles []fs.Phrase            // see [Store.Troubles]
	lost     map[digest.Digest]bool // images that were found damaged

	seen    Index             // the images as the session sees them
	seenAt  int               // how often the index of all was read then
	volumes map[string]Volume // those of all that the session sees
	turns   map[string]string // of volumes: what [Store.Wrote] left last of others
}

// Open makes dir a store, where it is none yet, removes dead sessions and
// begins one. Only its owner can look into it: layers hold other people's
// suid programs.
func Open(dir string) (*Store, error) {
	if _, err := overlay.Descriptors(); err != nil {
		return nil, fmt.Errorf("/proc/self/fd: %w", err)
	}
	s := &Store{
		dir: dir, session: filepath.Join(dir, "sessions", strings.ToLower(rand.Text())), held: map[digest.Digest]int{}, inits: map[string]string{},
		volumes: map[string]Volume{}, turns: map[string]string{}, lost: map[digest.Digest]bool{},
	}
	for _, sub := range []string{"blobs/sha256", "layers", "partial", "sessions"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, unusable(dir, err)
		}
	}
	err := s.locked(func() error {
		s.sweep()
		s.sweepPartial()
		if err := s.begin(); err != nil {
			return err
		}
		s.reserve()
		return s.mend()
	})
	if err != nil {
		return nil, unusable(dir, err)
	}
	return s, s.Collect()
}

// mend puts the index right, should parts of images have vanished.
func (s *Store) mend() error {
	x, err := s.indexOfAll()
	if err != nil {
		return err
	}
	s.lookAtVolumes()
	if err := s.see(x); err != nil || !x.dropBroken(s) {
		return err
	}
	return s.update(func(x *Index) error {
		x.dropBroken(s)
		return nil
	}, (*os.File).Sync)
}

func (s *Store) begin() (err error) {
	for _, sub := range []string{"new", "holds", "merged", usesName} {
		if err := os.MkdirAll(filepath.Join(s.session, sub), 0o755); err != nil {
			return err
		}
	}
	s.lock, err = flock(filepath.Join(s.session, "lock"), unix.LOCK_EX) // others look at it for a moment
	return err
}

// locked calls f while no other session changes the store.
func (s *Store) locked(f func() error) error {
	lock, err := flock(filepath.Join(s.dir, "lock"), unix.LOCK_EX)
	if err != nil {
		return unusable(s.dir, err)
	}
	defer lock.Close()
	return f()
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

// unusableError is an error of the disk with what to do about it.
type unusableError struct {
	text string
	err  error
}

func (u *unusableError) Error() string { return u.text }
func (u *unusableError) Unwrap() error { return u.err }

// unusable says what to do about a directory that cannot be a store.
func unusable(dir string, err error) error {
	text := "the data directory %s cannot be used: %v"
	switch {
	case err == nil || errors.As(err, new(*unusableError)):
		return err
	case errors.Is(err, unix.EROFS), errors.Is(err, os.ErrPermission):
		text = "the data directory %s cannot be written to (%v): choose another one"
	case overlay.Full(err):
		text = "the disk under %s is full (%v): free some space"
	}
	return &unusableError{fmt.Sprintf(text, dir, err), err}
}

// IsUnusable says whether an error is that of the disk.
func IsUnusable(err error) bool {
	return errors.As(err, new(*unusableError)) || errors.As(err, new(*overlay.LongAttrError))
}

// Explain is err, or what to do if it says that the disk is full.
func (s *Store) Explain(err error) error {
	if overlay.Full(err) {
		return unusable(s.dir, err)
	}
	return err
}

// Close ends the session and removes what is its own.
func (s *Store) Close() error {
	s.forgetTurns()
	err := overlay.RemoveAll(s.session)
	s.lock.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read.close()
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

// Merged is the directory where containers mount their roots, each in a mount
// namespace of its own.
func (s *Store) Merged() string { return filepath.Join(s.session, "merged") }

// Scratch is a new empty file of the session, for the caller to remove.
func (s *Store) Scratch() (*os.File, error) {
	return os.CreateTemp(filepath.Join(s.session, "new"), "scratch-")
}

func (s *Store) blobPath(d digest.Digest) string {
	return filepath.Join(s.dir, "blobs", d.Algorithm().String(), d.Encoded())
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

// Fifo makes a named pipe (fifo(7)) of the session, for the caller to remove.
func (s *Store) Fifo() (string, error) {
	name := filepath.Join(s.session, "new", "pipe-"+strings.ToLower(rand.Text()))
	return name, unusable(s.dir, unix.Mkfifo(name, 0o600))
}
