//go:build linux

package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
)

// A session sees the images and volumes as they were when it last looked, and
// what it has made of them itself, so that nothing changes under a command.
// Its file index says what images these are; all that they need stays.

// Refresh has the session see what others have made of the images and the
// volumes. It tells whether that is anything.
func (s *Store) Refresh() (changed bool, err error) {
	if s.isApart() {
		return false, nil
	}
	all, err := s.indexOfAll()
	if err != nil {
		return false, err
	}
	changed = s.lookAtVolumes()
	if s.upToDate() {
		return changed, nil
	}
	var gone bool
	err = s.locked(func() error {
		if all, err = s.indexOfAll(); err != nil {
			return err
		}
		before := s.Index()
		if before.same(all) {
			s.note(before)
			return nil
		}
		changed, gone = true, before.missingIn(all)
		return s.see(all)
	})
	if err == nil && gone {
		err = s.Collect() // nobody else could while we saw it
	}
	return changed, err
}

// upToDate says whether the index of all is what the session saw last.
func (s *Store) upToDate() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seenAt == s.read.times
}

// see makes x what the session sees.
func (s *Store) see(x Index) error {
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	f, err := s.Scratch()
	if err != nil {
		return unusable(s.dir, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return unusable(s.dir, err)
	}
	if err := os.Rename(f.Name(), filepath.Join(s.session, indexName)); err != nil {
		return unusable(s.dir, err)
	}
	s.note(x)
	return nil
}

func (s *Store) note(x Index) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.seenAt = x, s.read.times
}

// lookAgain has the next [Store.Refresh] compare: what the session sees may not
// be what all see.
func (s *Store) lookAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenAt = -1
}

// seenByAny adds to held what the images need that any session sees.
func (s *Store) seenByAny(held map[string]bool) {
	all, _ := filepath.Glob(filepath.Join(s.dir, "sessions", "*", indexName))
	for _, name := range all {
		var x Index
		if text, err := os.ReadFile(name); err == nil && json.Unmarshal(text, &x) == nil {
			x.need(func(d digest.Digest) { held[d.Encoded()] = true })
		}
	}
}

// need calls f with what the images consist of.
func (x Index) need(f func(digest.Digest)) {
	for _, img := range x.Images {
		f(img.ID)
		for _, d := range img.Layers {
			f(d)
		}
	}
}

// byID are the images by their ids.
func (x Index) byID() map[digest.Digest]Image {
	all := map[digest.Digest]Image{}
	for _, img := range x.Images {
		all[img.ID] = img
	}
	return all
}

// same says whether both have the same images with the same names.
func (x Index) same(y Index) bool {
	if len(x.Images) != len(y.Images) {
		return false
	}
	theirs := y.byID()
	return !slices.ContainsFunc(x.Images, func(img Image) bool {
		other, ok := theirs[img.ID]
		return !ok || !slices.Equal(img.Tags, other.Tags) || img.Parent != other.Parent
	})
}

// missingIn says whether x has an image that y lacks.
func (x Index) missingIn(y Index) bool {
	theirs := y.byID()
	return slices.ContainsFunc(x.Images, func(img Image) bool { return theirs[img.ID].ID == "" })
}

// merge does to x, which others have changed meanwhile, what leads from before
// to after.
func (x *Index) merge(before, after Index) {
	old, kept := before.byID(), after.byID()
	for _, img := range before.Images {
		if _, ok := kept[img.ID]; !ok {
			x.drop(img)
		}
	}
	for _, img := range after.Images {
		x.take(old[img.ID], img)
	}
}

// drop removes an image that had these names, unless others gave it more.
func (x *Index) drop(img Image) {
	x.untagFrom(img.ID, img.Tags)
	if found := x.Find(img.ID); found != nil && len(found.Tags) == 0 {
		x.Remove(img.ID)
	}
}

// take does to an image what leads from old to img.
func (x *Index) take(old, img Image) {
	if old.ID != "" && slices.Equal(old.Tags, img.Tags) && old.Parent == img.Parent {
		return
	}
	tags := img.Tags
	img.Tags = nil
	x.Put(img) // it may be new, or removed by others
	x.untagFrom(img.ID, slices.DeleteFunc(slices.Clone(old.Tags), func(tag string) bool { return slices.Contains(tags, tag) }))
	for _, tag := range tags {
		if !slices.Contains(old.Tags, tag) {
			x.Tag(img.ID, tag)
		}
	}
}

// untagFrom takes references off one image.
func (x *Index) untagFrom(id digest.Digest, refs []string) {
	if img := x.Find(id); img != nil {
		img.Tags = slices.DeleteFunc(slices.Clone(img.Tags), func(tag string) bool { return slices.Contains(refs, tag) })
	}
}
