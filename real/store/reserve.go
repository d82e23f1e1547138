//go:build linux

package store

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"twinlayer/fs/overlay"
)

// reserveName is a file that holds room on the disk for what makes room: to
// forget an image, the index is written anew.
const reserveName = "reserve"

const reserveSize = 1 << 20

// reserve holds the room, if there is much more.
func (s *Store) reserve() {
	name := filepath.Join(s.dir, reserveName)
	var disk unix.Statfs_t
	if exists(name) || unix.Statfs(s.dir, &disk) != nil || int64(disk.Bavail)*disk.Bsize < 4*reserveSize {
		return
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Fallocate(int(f.Fd()), 0, 0, reserveSize) != nil {
		os.Remove(name)
	}
}

// frugally does what makes room, on a full disk with what is held for it.
func (s *Store) frugally(do func() error) error {
	err := do()
	if !overlay.Full(err) {
		return err
	}
	os.Remove(filepath.Join(s.dir, reserveName))
	defer s.reserve()
	return do()
}
