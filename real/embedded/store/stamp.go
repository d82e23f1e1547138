//go:build linux

package store

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"time"
)

// tick is the coarsest clock that a file system sets times by: two changes
// within one may leave the same time.
const tick = 20 * time.Millisecond

// Stamp tells one state of an overlayfs upper directory from another without
// reading what is in its files: a change of a file changes its ctime
// (inode(7)). A state is settled when its last change lies so far back that
// another one would show.
func Stamp(dir string) (stamp string, settled bool, err error) {
	r := reader{seen: map[uint64]string{}}
	if err := r.all(dir); err != nil {
		return "", false, err
	}
	h := sha256.New()
	if err := gob.NewEncoder(h).Encode(r.entries); err != nil {
		return "", false, err
	}
	var last int64
	for _, e := range r.entries {
		last = max(last, e.Ctime)
	}
	return hex.EncodeToString(h.Sum(nil)), time.Since(time.Unix(0, last)) > tick, nil
}
