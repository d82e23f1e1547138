//go:build linux

package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layer tells about a layer of the store.
type Layer struct {
	DiffID digest.Digest `json:"diffID"`
	Size   int64         `json:"size"`   // bytes of its regular files
	Length int64         `json:"length"` // of its tar
	// Blob is how it came over the network or will go: compressed. The store
	// need not have the blob itself. nil: it was never compressed.
	Blob *ocispec.Descriptor `json:"blob,omitempty"`
}

// cachedName marks a layer that stays though no image of the index has it.
const cachedName = "cached"

func (s *Store) isCached(diffID digest.Digest) bool {
	return exists(filepath.Join(s.layerPath(diffID), cachedName))
}

func (s *Store) layerPath(diffID digest.Digest) string {
	return filepath.Join(s.dir, "layers", diffID.Encoded())
}

// LayerDir is the directory of a layer, and LayerTree the one in it that
// holds its files.
func (s *Store) LayerDir(diffID digest.Digest) string { return s.layerPath(diffID) }

// LayerTree is the directory that holds a layer's files.
func (s *Store) LayerTree(diffID digest.Digest) string {
	return filepath.Join(s.layerPath(diffID), treeName)
}

// Layer is the layer of this diffID; false where the store does not have it.
func (s *Store) Layer(diffID digest.Digest) (l Layer, ok bool) {
	l, err := s.readMeta(diffID)
	return l, err == nil
}

// hasLayer says why the store does not have a layer.
func (s *Store) hasLayer(diffID digest.Digest) error {
	_, err := s.readMeta(diffID)
	return err
}

func (s *Store) readMeta(diffID digest.Digest) (l Layer, err error) {
	if err := diffID.Validate(); err != nil {
		return l, err
	}
	name := filepath.Join(s.layerPath(diffID), metaName)
	text, err := os.ReadFile(name)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil || l.DiffID != diffID {
		return Layer{}, fmt.Errorf("%s does not tell of it", name)
	}
	return l, nil
}

// OpenLayer opens a layer's tar, as it was unpacked. At its end the reader
// fails if its digest is not the diffID.
func (s *Store) OpenLayer(diffID digest.Digest) (io.ReadCloser, error) {
	t, err := OpenTar(s.layerPath(diffID))
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", diffID, err)
	}
	return &verified{ReadCloser: t, what: "layer", want: diffID, sum: digest.SHA256.Digester()}, nil
}

// OpenBlob opens a blob. At its end the reader fails if its digest is wrong.
func (s *Store) OpenBlob(d digest.Digest) (io.ReadCloser, error) {
	f, err := os.Open(s.blobPath(d))
	if err != nil {
		return nil, err
	}
	return &verified{ReadCloser: f, what: "blob", want: d, sum: digest.SHA256.Digester()}, nil
}

type verified struct {
	io.ReadCloser
	what string
	want digest.Digest
	sum  digest.Digester
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.sum.Hash().Write(p[:n])
	if err == io.EOF && v.sum.Digest() != v.want {
		err = errors.New("its digest is another")
	}
	if err != nil && err != io.EOF {
		err = &damagedError{v.what, v.want, err}
	}
	return n, err
}

// damagedError says of a layer or a blob in what way it is damaged.
type damagedError struct {
	what  string
	which digest.Digest
	how   error
}

func (d *damagedError) Error() string {
	return fmt.Sprintf("%s %s is damaged on disk (%v): remove its image and pull or build it again", d.what, d.which, d.how)
}

func (d *damagedError) Unwrap() error { return d.how }

// SetBlob notes how a layer travels.
func (s *Store) SetBlob(diffID digest.Digest, blob ocispec.Descriptor) error {
	return s.locked(func() error {
		l, ok := s.Layer(diffID)
		if !ok {
			return nil
		}
		l.Blob = &blob
		meta, err := json.Marshal(l)
		if err != nil {
			return err
		}
		return s.replace(filepath.Join(s.layerPath(diffID), metaName), meta, (*os.File).Sync)
	})
}

// peeker is a stream of which the compression is known.
type peeker struct {
	*bufio.Reader
	mediaType string // of a layer that is compressed so; "": it is not
}

func newPeeker(r io.Reader) *peeker {
	p := &peeker{Reader: bufio.NewReaderSize(r, 64<<10)}
	magic, _ := p.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		p.mediaType = ocispec.MediaTypeImageLayerGzip
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		p.mediaType = ocispec.MediaTypeImageLayerZstd
	}
	return p
}
