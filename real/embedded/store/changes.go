//go:build linux

package store

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// Changes are what docker diff lists: what the upper directory makes of the
// layers below it, sorted by path. docker holds the merged tree against the
// image; walking only what was copied up gives the same answer sooner.
//
// A path counts as changed if its mode, owner, device or security.capability
// differ, or, but for a directory, its size or its modification time; and so
// does every directory above a change, but not the root.
func Changes(upper string, lower Dir) ([]fs.Change, error) {
	w := walk{}
	if _, err := w.dir("/", upper, lower, isOpaque(upper)); err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b fs.Change) int { return strings.Compare(a.Path, b.Path) })
	return w.found, nil
}

type walk struct{ found []fs.Change }

func (w *walk) note(kind fs.Kind, name string) bool {
	w.found = append(w.found, fs.Change{Kind: kind, Path: name})
	return true
}

// dir compares a directory's entries and says whether anything below differs.
func (w *walk) dir(name, upper string, lower Dir, opaque bool) (changed bool, err error) {
	entries, err := os.ReadDir(upper)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		c, err := w.entry(path.Join(name, e.Name()), filepath.Join(upper, e.Name()), lower)
		if err != nil {
			return false, err
		}
		changed = changed || c
	}
	if !opaque {
		return changed, nil
	}
	hidden, err := w.hidden(name, entries, lower)
	return changed || hidden, err
}

// hidden notes what an opaque directory hides and does not have itself.
func (w *walk) hidden(name string, upper []os.DirEntry, lower Dir) (changed bool, err error) {
	below, err := lower.Names()
	if err != nil {
		return false, err
	}
	for _, e := range upper {
		delete(below, e.Name())
	}
	for child, shown := range below {
		if shown {
			changed = w.note(fs.Delete, path.Join(name, child))
		}
	}
	return changed, nil
}

func (w *walk) entry(name, upper string, lower Dir) (bool, error) {
	now, err := lstat(upper)
	if err != nil || now == nil {
		return false, err
	}
	old, sub, err := lower.Child(path.Base(name))
	switch {
	case err != nil:
		return false, err
	case now.IsWhiteout():
		return old != nil && w.note(fs.Delete, name), nil
	case old == nil:
		w.note(fs.Add, name)
	}
	changed := old != nil && differs(old, now)
	if now.IsDir() {
		below, err := w.dir(name, upper, sub, old != nil && isOpaque(upper))
		if err != nil {
			return false, err
		}
		changed = changed || below
	}
	if old != nil && changed {
		w.note(fs.Modify, name)
	}
	return changed || old == nil, nil
}

// differs is docker's comparison (moby/go-archive, statDifferent).
func differs(old, now *Stat) bool {
	if old.Mode != now.Mode || old.Uid != now.Uid || old.Gid != now.Gid || old.Rdev != now.Rdev {
		return true
	}
	const capability = "security.capability"
	was, _ := getAttr(old.path, capability)
	is, _ := getAttr(now.path, capability)
	if was != is {
		return true
	}
	return !now.IsDir() && (old.Size != now.Size || !sameTime(old.Mtim, now.Mtim))
}

// sameTime takes a time without nanoseconds for one that lost them.
func sameTime(a, b unix.Timespec) bool {
	return a.Sec == b.Sec && (a.Nsec == b.Nsec || a.Nsec == 0 || b.Nsec == 0)
}
