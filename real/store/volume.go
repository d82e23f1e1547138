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

	"twinlayer/fs/overlay"
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
	volumeTurn = "turn" // a file for each session that wrote to it; see Wrote
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

// ownKinds are the kinds of volumes that the session alone has, each in a
// directory of its own.
var ownKinds = []Volume{{Anonymous: true}, {Apart: true}}

// Volumes are all volumes that the session sees, by name.
func (s *Store) Volumes() (all []Volume) {
	for _, kind := range ownKinds {
		for _, name := range list(s.volumePath(kind)) {
			kind.Name = name
			if v, ok := s.volumeAt(kind); ok {
				all = append(all, v)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.volumes {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// lookAtVolumes has the session see the volumes of all as they are now. It
// tells whether others have made or removed one.
func (s *Store) lookAtVolumes() (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]Volume{}
	for _, name := range list(s.volumePath(Volume{})) {
		v, ok := s.volumes[name]
		if !ok {
			v, ok = s.volumeAt(Volume{Name: name})
			changed = changed || ok
		}
		if ok {
			now[name] = v
		}
	}
	changed = changed || len(now) != len(s.volumes)
	s.volumes = now
	return changed
}

func (s *Store) volumeAt(v Volume) (_ Volume, ok bool) {
	text, err := os.ReadFile(filepath.Join(s.volumePath(v), volumeMeta))
	ok = err == nil && json.Unmarshal(text, &v) == nil
	return v, ok
}

// Volume is the volume of this name.
func (s *Store) Volume(name string) (v Volume, ok bool) {
	for _, kind := range ownKinds {
		kind.Name = name
		if v, ok = s.volumeAt(kind); ok {
			return v, ok
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok = s.volumes[name]
	return v, ok
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
	defer overlay.RemoveAll(dir)
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
	if err == nil && !v.Anonymous && !v.Apart {
		s.setVolume(v.Name)
	}
	return unusable(s.dir, err)
}

// setVolume has the session see a volume of all as it is.
func (s *Store) setVolume(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.volumes, name)
	if v, ok := s.volumeAt(Volume{Name: name}); ok {
		s.volumes[name] = v
	}
}

// HoldVolume keeps a volume from being removed until the file is closed. One
// that another session has just removed is made again.
func (s *Store) HoldVolume(v Volume) (*os.File, error) {
	name := filepath.Join(s.volumePath(v), volumeLock)
	for {
		f, err := flock(name, unix.LOCK_SH)
		if errors.Is(err, os.ErrNotExist) {
			err = s.CreateVolume(v)
		} else if err == nil && !isFile(f, name) {
			f.Close() // it was removed while we waited
		} else {
			return f, err
		}
		if err != nil {
			return nil, err
		}
	}
}

// isFile says whether f is what name names now.
func isFile(f *os.File, name string) bool {
	now, err := os.Stat(name)
	then, err2 := f.Stat()
	return err == nil && err2 == nil && os.SameFile(now, then)
}

// RemoveVolume removes a volume, unless it is held; it tells whether it did.
// One that another session has removed meanwhile is removed.
func (s *Store) RemoveVolume(v Volume) (bool, error) {
	defer s.setVolume(v.Name)
	lock, err := flock(filepath.Join(s.volumePath(v), volumeLock), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return false, nil
	case errors.Is(err, os.ErrNotExist):
		return true, nil
	case err != nil:
		return false, unusable(s.dir, err)
	}
	defer lock.Close()
	grave, err := os.MkdirTemp(filepath.Join(s.session, "new"), "gone-")
	if err != nil {
		return false, unusable(s.dir, err)
	}
	defer overlay.RemoveAll(grave)
	err = overlay.Ignore(os.Rename(s.volumePath(v), filepath.Join(grave, v.Name)), unix.ENOENT)
	return true, unusable(s.dir, err)
}
