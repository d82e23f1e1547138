//go:build linux

package overlay

import (
	"context"
	"errors"
	"path"
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
//
// It ends with ctx.
func Changes(ctx context.Context, upper string, lower Dir) ([]fs.Change, error) {
	w := walk{}
	err := Aside(func() error {
		top, err := OpenFolder(ctx, upper)
		if err != nil {
			return err
		}
		defer top.Close()
		root, err := top.stat(".")
		if err != nil || root == nil {
			return errors.Join(err, unix.ENOENT)
		}
		_, err = w.dir("/", root, top, lower)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b fs.Change) int { return strings.Compare(a.Path, b.Path) })
	return w.found, nil
}

type walk struct {
	found []fs.Change
	Room
}

func (w *walk) note(kind fs.Kind, name string) (bool, error) {
	w.found = append(w.found, fs.Change{Kind: kind, Path: name})
	return true, w.Takes(name)
}

// dir compares the entries of a directory, which is open as f, and says
// whether anything below differs.
func (w *walk) dir(name string, upper *Stat, f *folder, lower Dir) (changed bool, err error) {
	entries, err := f.names()
	if err != nil {
		return false, err
	}
	below, err := known(lower, len(entries))
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		c, err := w.entry(path.Join(name, e.name), f, e, below)
		if err != nil {
			return false, err
		}
		changed = changed || c
	}
	if !upper.isOpaque() {
		return changed, nil
	}
	hidden, err := w.hidden(name, entries, lower)
	return changed || hidden, err
}

// layers are a directory of the image, of which the names may be known.
type layers struct {
	Dir
	names map[string]bool // nil: not known
}

// manyNames is how many lookups take longer than reading all names does.
const manyNames = 64

func known(d Dir, lookups int) (b layers, err error) {
	b.Dir = d
	if lookups > manyNames {
		b.names, err = d.Names()
	}
	return b, err
}

// lacks says whether it is known that the image has no such name there.
func (b layers) lacks(name string) bool { return b.names != nil && !b.names[name] }

// Child is [Dir.Child].
func (b layers) Child(name string) (*Stat, Dir, error) {
	if b.lacks(name) {
		return nil, nil, nil
	}
	return b.Dir.Child(name)
}

// hidden notes what an opaque directory hides and does not have itself.
func (w *walk) hidden(name string, upper []dirent, lower Dir) (changed bool, err error) {
	below, err := lower.Names()
	if err != nil {
		return false, err
	}
	for _, e := range upper {
		delete(below, e.name)
	}
	for child, shown := range below {
		if !shown {
			continue
		}
		if changed, err = w.note(fs.Delete, path.Join(name, child)); err != nil {
			return false, err
		}
	}
	return changed, nil
}

func (w *walk) entry(name string, in *folder, e dirent, lower layers) (bool, error) {
	if e.kind == unix.DT_REG && lower.lacks(e.name) {
		return w.note(fs.Add, name)
	}
	now, err := in.stat(e.name)
	if err != nil || now == nil {
		return false, err
	}
	old, sub, err := lower.Child(e.name)
	switch {
	case err != nil:
		return false, err
	case now.IsWhiteout() && old == nil:
		return false, nil
	case now.IsWhiteout():
		return w.note(fs.Delete, name)
	}
	changed := false
	if old != nil {
		if changed, err = differs(old, now); err != nil {
			return false, err
		}
	}
	if now.IsDir() {
		f := in.sub(e.name)
		defer f.shut()
		inside, err := w.dir(name, now, f, sub)
		if err != nil {
			return false, err
		}
		changed = changed || inside
	}
	switch {
	case old == nil:
		return w.note(fs.Add, name)
	case changed:
		return w.note(fs.Modify, name)
	}
	return false, nil
}

// differs is docker's comparison (moby/go-archive, statDifferent).
func differs(old, now *Stat) (bool, error) {
	if err := errors.Join(old.translate(), now.translate()); err != nil {
		return false, err
	}
	if old.Mode != now.Mode || old.Uid != now.Uid || old.Gid != now.Gid || old.Rdev != now.Rdev {
		return true, nil
	}
	was, _ := old.attr(CapabilityAttr)
	is, _ := now.attr(CapabilityAttr)
	if was != is {
		return true, nil
	}
	return !now.IsDir() && (old.Size != now.Size || !sameTime(old.Mtim, now.Mtim)), nil
}

// sameTime takes a time without nanoseconds for one that lost them.
func sameTime(a, b unix.Timespec) bool {
	return a.Sec == b.Sec && (a.Nsec == b.Nsec || a.Nsec == 0 || b.Nsec == 0)
}
