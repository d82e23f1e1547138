//go:build linux

package store

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Volume tells about a volume: a directory beside all layers. One that was
// made for a single container goes with the session at the latest, and one
// that was made while the session was apart goes with that time.
type Volume struct {
	Name      string    `json:"name"`
	Created   time.Time `json:"created"`
	Anonymous bool      `json:"-"`
	Apart     bool      `json:"-"`
}

// The parts of a volume's directory.
const (
	volumeData = "data"
	volumeMeta = "meta"
	volumeLock = "lock" // shared by the containers that have the volume
)

func (s *Store) volumePath(v Volume) string {
	switch {
	case v.Anonymous:
		return filepath.Join(s.session, "volumes", v.Name)
	case v.Apart:
		return filepath.Join(s.session, "apart", v.Name)
	}
	return filepath.Join(s.dir, "volumes", v.Name)
}

// volumeKinds are the kinds of volumes, each in a directory of its own.
var volumeKinds = []Volume{{}, {Anonymous: true}, {Apart: true}}

// Volumes are all volumes, by name.
func (s *Store) Volumes() (all []Volume) {
	for _, kind := range volumeKinds {
		for _, name := range list(s.volumePath(kind)) {
			kind.Name = name
			if v, ok := s.volumeAt(kind); ok {
				all = append(all, v)
			}
		}
	}
	slices.SortFunc(all, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (s *Store) volumeAt(v Volume) (_ Volume, ok bool) {
	text, err := os.ReadFile(filepath.Join(s.volumePath(v), volumeMeta))
	ok = err == nil && json.Unmarshal(text, &v) == nil
	return v, ok
}

// Volume is the volume of this name.
func (s *Store) Volume(name string) (v Volume, ok bool) {
	for _, kind := range volumeKinds {
		kind.Name = name
		if v, ok = s.volumeAt(kind); ok {
			return v, ok
		}
	}
	return v, false
}

// VolumeDir is the directory that holds a volume's files.
func (s *Store) VolumeDir(v Volume) string {
	return filepath.Join(s.volumePath(v), volumeData)
}

// CreateVolume makes a volume; one that is there stays. The name must be a
// single part of a path.
func (s *Store) CreateVolume(v Volume) error {
	dir, err := os.MkdirTemp(filepath.Join(s.session, "new"), "volume-")
	if err != nil {
		return unusable(s.dir, err)
	}
	defer os.RemoveAll(dir)
	meta, err := json.Marshal(v)
	if err != nil {
		return err
	}
	v.Apart = s.isApart()
	target := s.volumePath(v)
	err = errors.Join(
		os.Chmod(dir, 0o755),
		os.Mkdir(filepath.Join(dir, volumeData), 0o755),
		os.WriteFile(filepath.Join(dir, volumeMeta), meta, 0o644),
		os.MkdirAll(filepath.Dir(target), 0o755))
	if err == nil {
		err = move{dir, target}.do()
	}
	return unusable(s.dir, err)
}

// HoldVolume keeps a volume from being removed until the file is closed.
func (s *Store) HoldVolume(v Volume) (*os.File, error) {
	return flock(filepath.Join(s.volumePath(v), volumeLock), unix.LOCK_SH)
}

// RemoveVolume removes a volume, unless it is held; it tells whether it did.
func (s *Store) RemoveVolume(v Volume) (bool, error) {
	lock, err := flock(filepath.Join(s.volumePath(v), volumeLock), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, unusable(s.dir, err)
	}
	defer lock.Close()
	grave, err := os.MkdirTemp(filepath.Join(s.session, "new"), "gone-")
	if err != nil {
		return false, unusable(s.dir, err)
	}
	defer os.RemoveAll(grave)
	return true, unusable(s.dir, os.Rename(s.volumePath(v), filepath.Join(grave, v.Name)))
}
