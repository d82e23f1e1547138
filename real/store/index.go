//go:build linux

package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
)

// Index is what images a store keeps over sessions: the file index.json.
type Index struct {
	Images []Image `json:"images"`
}

// Image is an image of the index. Its configuration is a blob.
type Image struct {
	ID     digest.Digest   `json:"id"`
	Tags   []string        `json:"tags,omitempty"` // sorted
	Parent digest.Digest   `json:"parent,omitempty"`
	Layers []digest.Digest `json:"layers"` // diffIDs, bottom first
	Sizes  []int64         `json:"sizes"`
}

// names are what an image can be removed by.
func (img Image) names() []string {
	if len(img.Tags) == 0 {
		return []string{img.ID.Encoded()[:12]}
	}
	return slices.Clone(img.Tags)
}

// Find is the image of this id; nil where there is none.
func (x *Index) Find(id digest.Digest) *Image {
	i := slices.IndexFunc(x.Images, func(img Image) bool { return img.ID == id })
	if i < 0 {
		return nil
	}
	return &x.Images[i]
}

// Untag takes references off their images.
func (x *Index) Untag(refs ...string) {
	for i := range x.Images {
		img := &x.Images[i]
		img.Tags = slices.DeleteFunc(slices.Clone(img.Tags), func(tag string) bool { return slices.Contains(refs, tag) })
	}
}

// Tag makes ref a name of the image with this id and of no other.
func (x *Index) Tag(id digest.Digest, ref string) {
	x.Untag(ref)
	if img := x.Find(id); img != nil {
		img.Tags = append(img.Tags, ref)
		slices.Sort(img.Tags)
	}
}

// Put adds an image; one that is there stays, and learns of its parent.
func (x *Index) Put(img Image) {
	old := x.Find(img.ID)
	switch {
	case old == nil:
		x.Images = append(x.Images, img)
	case old.Parent == "":
		old.Parent = img.Parent
	}
}

// Remove removes images.
func (x *Index) Remove(ids ...digest.Digest) {
	x.Images = slices.DeleteFunc(slices.Clone(x.Images), func(img Image) bool { return slices.Contains(ids, img.ID) })
}

const indexName = "index.json"

// Index is the images as the session sees them: as they were for all when it
// last looked ([Store.Refresh]), and what it has made of them since. It is the
// caller's to change.
func (s *Store) Index() Index {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Index{slices.Clone(s.seen.Images)}
}

// indexOfAll is the index of all sessions.
func (s *Store) indexOfAll() (Index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := filepath.Join(s.dir, indexName)
	err := s.read.refresh(name)
	if err != nil {
		err = fmt.Errorf("the list of images, %s, cannot be read (%w): put it right, or remove it and pull the images again", name, err)
	}
	return Index{slices.Clone(s.read.index.Images)}, err
}

// readIndex is the index as it was last read. Its file is never written to,
// only replaced, and stays open so that no other can have its inode.
type readIndex struct {
	index Index
	file  *os.File // nil: there was none
	times int      // so often has it been read
}

// refresh reads the index anew, if it is another.
func (r *readIndex) refresh(name string) error {
	if r.file != nil && isFile(r.file, name) {
		return nil
	}
	r.close()
	r.times++
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := io.ReadAll(f)
	if err == nil {
		err = json.Unmarshal(text, &r.index)
	}
	if r.file = f; err != nil {
		r.close()
	}
	return err
}

func (r *readIndex) close() {
	if r.file != nil {
		r.file.Close()
	}
	*r = readIndex{times: r.times}
}

// Update changes the index while no other session does. When update returns
// an error, nothing changes.
func (s *Store) Update(update func(*Index) error) error {
	return s.locked(func() error { return s.update(update, (*os.File).Sync) })
}

// update is Update for who holds the lock; see [Store.replace] for durable. What
// leaves less in the index makes room.
func (s *Store) update(update func(*Index) error, durable func(*os.File) error) error {
	before := s.Index()
	after := s.Index()
	if err := update(&after); err != nil {
		return err
	}
	write := func() error { return s.publish(before, after, durable) }
	if after.length() < before.length() {
		return s.frugally(write)
	}
	return write()
}

// publish makes after what the session sees, and has all see what has led to it
// from before.
func (s *Store) publish(before, after Index, durable func(*os.File) error) error {
	if err := s.see(after); err != nil || s.isApart() {
		return err
	}
	s.lookAgain()
	all, err := s.indexOfAll()
	if err != nil {
		return err
	}
	all.merge(before, after)
	return s.writeIndex(all, durable)
}

// length is how much is in the index.
func (x Index) length() (n int) {
	for _, img := range x.Images {
		n += 1 + len(img.Tags)
	}
	return n
}

// writeIndex writes the index, if it is not as it was, and makes durable what
// it speaks of.
func (s *Store) writeIndex(x Index, durable func(*os.File) error) error {
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, indexName)
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return unusable(s.dir, s.sync())
	}
	return s.replace(name, text, durable)
}

// replace gives a file a new content, at once or not at all. Before the file
// has it, durable makes it last, with whatever it speaks of.
func (s *Store) replace(name string, content []byte, durable func(*os.File) error) error {
	f, err := s.Scratch()
	if err != nil {
		return unusable(s.dir, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = durable(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return unusable(s.dir, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return unusable(s.dir, err)
	}
	return syncDir(filepath.Dir(name))
}
