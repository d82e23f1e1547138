//go:build linux

package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
)

// Verify reads all that the images of the index in dir consist of and holds
// it against its digests. It returns everything that is wrong.
func Verify(dir string) error {
	s := &Store{dir: dir}
	defer s.read.close()
	x, err := s.indexOfAll()
	seen := map[digest.Digest]bool{}
	for _, img := range x.Images {
		if _, bad := s.ReadBlob(img.ID); bad != nil {
			err = errors.Join(err, fmt.Errorf("image %s: configuration: %w", img.ID, bad))
		}
		for _, d := range img.Layers {
			if bad := s.verifyLayer(d); bad != nil && !seen[d] {
				err = errors.Join(err, fmt.Errorf("image %s: layer %s: %w", img.ID, d, bad))
			}
			seen[d] = true
		}
	}
	return err
}

func (s *Store) verifyLayer(d digest.Digest) error {
	l, ok := s.Layer(d)
	if !ok {
		return errors.New("it is missing")
	}
	r, err := s.OpenLayer(d)
	if err := drain(r, err); err != nil {
		return err
	}
	if l.Blob == nil || !exists(s.blobPath(l.Blob.Digest)) {
		return nil
	}
	r, err = s.OpenBlob(l.Blob.Digest)
	return drain(r, err)
}

func drain(r io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// whole says what of an image is missing, or damaged as far as that shows at a
// glance.
func (s *Store) whole(img Image) error {
	if _, err := s.ReadBlob(img.ID); err != nil {
		return fmt.Errorf("its configuration: %w", err)
	}
	for _, d := range img.Layers {
		if err := s.hasLayer(d); err != nil {
			return fmt.Errorf("its layer %s: %w", d, err)
		}
	}
	return nil
}

// dropBroken removes images of which a part is missing from the index: there
// is nothing else to be done with them. Whoever pulls them again gets that part.
func (x *Index) dropBroken(s *Store) (dropped bool) {
	var sound []Image
	for _, img := range x.Images {
		if err := s.whole(img); err != nil {
			s.Lost(img, err)
			continue
		}
		sound = append(sound, img)
	}
	dropped = len(sound) < len(x.Images)
	x.Images = sound
	return dropped
}
