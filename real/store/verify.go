//go:build linux

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
)

// Verify reads all that lies in the store in dir and holds it against its
// digests. What other sessions remove meanwhile is no damage: where something
// seems to be damaged, all is read once more while none of them can. A layer
// that is damaged is no cache any more.
func Verify(ctx context.Context, dir string) (Verified, error) {
	s := &Store{dir: dir}
	defer s.read.close()
	v, err := s.verify(ctx)
	if err != nil || len(v.Damaged) == 0 {
		return v, err
	}
	err = s.locked(func() error {
		if v, err = s.verify(ctx); err == nil {
			s.uncache(v.Damaged)
		}
		return err
	})
	return v, err
}

func (s *Store) verify(ctx context.Context) (v Verified, err error) {
	x, err := s.indexOfAll()
	if err != nil {
		return v, err
	}
	v.Images = len(x.Images)
	needed := x.needed()
	for _, name := range list(filepath.Join(s.dir, "layers")) {
		d := digest.NewDigestFromEncoded(digest.SHA256, name)
		l, _ := s.Layer(d)
		if l.Blob != nil {
			needed[l.Blob.Digest] = append(needed[l.Blob.Digest], needed[d]...)
		}
		v.Layers++
		v.note(Damage{"layer", d, needed[d], s.isCached(d), ""}, s.verifyLayer(d))
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
	}
	for _, name := range list(filepath.Join(s.dir, "blobs", "sha256")) {
		d := digest.NewDigestFromEncoded(digest.SHA256, name)
		v.Blobs++
		v.note(Damage{"blob", d, needed[d], false, ""}, drain(s.OpenBlob(d)))
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
	}
	s.noteMissing(&v, x, needed)
	return v, nil
}

// note notes a damage if there is one.
func (v *Verified) note(d Damage, err error) {
	if err == nil {
		return
	}
	if known := (*damagedError)(nil); errors.As(err, &known) {
		err = known.how
	}
	d.Why = err.Error()
	v.Damaged = append(v.Damaged, d)
}

// noteMissing notes what images of the index need that is not there.
func (s *Store) noteMissing(v *Verified, x Index, needed map[digest.Digest][]string) {
	missing := func(kind string, d digest.Digest, path string) {
		if !exists(path) && len(needed[d]) > 0 {
			v.note(Damage{kind, d, needed[d], false, ""}, errors.New("it is missing"))
			delete(needed, d) // once is enough
		}
	}
	for _, img := range x.Images {
		missing("configuration", img.ID, s.blobPath(img.ID))
		for _, d := range img.Layers {
			missing("layer", d, s.layerPath(d))
		}
	}
}

// needed is by which images each configuration and layer is needed.
func (x Index) needed() map[digest.Digest][]string {
	needed := map[digest.Digest][]string{}
	for _, img := range x.Images {
		for _, d := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(img.Layers), img.ID)))) {
			needed[d] = append(needed[d], img.names()...)
		}
	}
	return needed
}

// uncache has damaged layers go with the last image that has them.
func (s *Store) uncache(damaged []Damage) {
	for _, d := range damaged {
		if d.Kind == "layer" {
			os.Remove(filepath.Join(s.layerPath(d.Digest), cachedName))
		}
	}
}

func (s *Store) verifyLayer(d digest.Digest) error {
	if err := s.hasLayer(d); err != nil {
		return err
	}
	return drain(s.OpenLayer(d))
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
