//go:build linux

package overlay

import (
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the coarsest clock that a file system sets times by: two changes
// within one may leave the same time.
const tick = 20 * time.Millisecond

// Snapshot is one state of an overlayfs upper directory, without what is in
// its files: a change of a file changes its ctime (inode(7)), unless a process
// has it mapped.
type Snapshot struct {
	Entries []Entry
	dir     string
	began   time.Time
}

// Look reads a directory as [ReadUpper] does, but for the contents.
func Look(ctx context.Context, dir string) (*Snapshot, error) {
	began := time.Now()
	r := reader{seen: map[inode]string{}}
	err := Aside(func() error {
		top, err := OpenFolder(ctx, dir)
		if err != nil {
			return err
		}
		defer top.Close()
		return r.all(top)
	})
	return &Snapshot{r.entries, dir, began}, err
}

// Stamp tells this state from others.
func (s *Snapshot) Stamp() (string, error) {
	h := sha256.New()
	err := gob.NewEncoder(h).Encode(s.Entries)
	return hex.EncodeToString(h.Sum(nil)), err
}

// Settled says whether the last change lies so far back that another one would
// show.
func (s *Snapshot) Settled() bool {
	for _, e := range s.Entries {
		if !s.settled(e) {
			return false
		}
	}
	return true
}

func (s *Snapshot) settled(e Entry) bool { return s.began.Sub(time.Unix(0, e.Ctime)) > tick }

// Copy puts the contents of the files into an empty file. Those that are as
// an older snapshot saw them, if it saw them settled, are left out and marked.
func (s *Snapshot) Copy(ctx context.Context, contents *os.File, older *Snapshot) error {
	top, err := OpenFolder(ctx, s.dir)
	if err != nil {
		return err
	}
	defer top.Close()
	seen, in := older.files(), Cursor{At: top}
	r := reader{contents: contents}
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Link != "" || e.Mode&unix.S_IFMT != unix.S_IFREG || e.Len == 0 {
			continue
		}
		if e.Kept = seen[e.Path] == (inodeState{e.Ino, e.Ctime, e.Mtime, e.Len}); e.Kept {
			continue
		}
		e.Offset = r.end
		f, name := in.In(e.Path)
		if err := r.copy(f, name, e.Len); err != nil {
			return err
		}
	}
	return contents.Truncate(r.end)
}

// inodeState is what changes when a file's content does.
type inodeState struct {
	ino               uint64
	ctime, mtime, len int64
}

// files are the files that were seen settled, by their paths.
func (s *Snapshot) files() map[string]inodeState {
	files := map[string]inodeState{}
	if s == nil {
		return files
	}
	for _, e := range s.Entries {
		if e.Link == "" && s.settled(e) {
			files[e.Path] = inodeState{e.Ino, e.Ctime, e.Mtime, e.Len}
		}
	}
	return files
}
