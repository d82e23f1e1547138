//go:build linux

package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"twinlayer/fs/overlay"
)

// Download adds a layer from its blob, which fetch reads from an offset on.
// What came before a failure stays in the store's directory partial, and the
// next download of the blob, of this session or a later one, begins there.
func (b *Batch) Download(blob ocispec.Descriptor, fetch func(from int64) io.ReadCloser) (Layer, error) {
	p, err := b.partial(blob)
	if err != nil {
		return Layer{}, err
	}
	l, err := b.download(p, blob, fetch)
	if err != nil && p.begun > 0 && !p.interrupted {
		// What an earlier session left may be damaged.
		if err := p.restart(); err != nil {
			return Layer{}, err
		}
		l, err = b.download(p, blob, fetch)
	}
	if err == nil && l.Blob == nil || err != nil && !p.interrupted || overlay.Full(err) {
		os.Remove(p.file.Name())
	}
	return l, err
}

// download makes the layer of what is there of its blob and what is not.
func (b *Batch) download(p *partial, blob ocispec.Descriptor, fetch func(int64) io.ReadCloser) (Layer, error) {
	rest := fetch(p.begun)
	defer rest.Close()
	p.rest = io.TeeReader(rest, p.file)
	l, err := b.layer(io.MultiReader(io.NewSectionReader(p.file, 0, p.begun), p), io.Discard)
	if err != nil {
		return l, err
	}
	got := l.DiffID
	if l.Blob != nil {
		got = l.Blob.Digest
		b.name(p.file.Name(), b.s.blobPath(got))
	}
	if got != blob.Digest {
		return l, Corrupt("layer", blob.Digest, got)
	}
	return l, nil
}

// partial is a blob of which the first bytes are there.
type partial struct {
	file        *os.File
	begun       int64 // bytes that were there before
	rest        io.Reader
	interrupted bool // the rest could not be read to its end
}

func (p *partial) Read(b []byte) (int, error) {
	n, err := p.rest.Read(b)
	if err != nil && err != io.EOF {
		p.interrupted = true
	}
	return n, err
}

func (p *partial) restart() error {
	p.begun = 0
	_, err := p.file.Seek(0, io.SeekStart)
	return errors.Join(err, p.file.Truncate(0))
}

// partial opens what is there of a blob, for this batch alone. While another
// session fetches the same blob, this one does so by itself.
func (b *Batch) partial(blob ocispec.Descriptor) (*partial, error) {
	name := filepath.Join(b.s.dir, "partial", blob.Digest.Encoded())
	f, err := flock(name, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || err == nil && !same(f, name) {
		f, err = os.OpenFile(b.temp(), os.O_CREATE|os.O_RDWR, 0o644)
	}
	if err != nil {
		return nil, unusable(b.s.dir, err)
	}
	b.mu.Lock()
	b.open = append(b.open, f)
	b.mu.Unlock()
	p := &partial{file: f}
	if p.begun, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, unusable(b.s.dir, err)
	}
	if p.begun > blob.Size {
		err = p.restart()
	}
	return p, unusable(b.s.dir, err)
}

// same says whether name is still the open file, and not moved away while it
// was waited for.
func same(f *os.File, name string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Lstat(name)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// partialAge is how long an unfinished download waits to be gone on with.
const partialAge = 7 * 24 * time.Hour

// sweepPartial removes the downloads that were given up.
func (s *Store) sweepPartial() {
	for _, name := range list(filepath.Join(s.dir, "partial")) {
		name = filepath.Join(s.dir, "partial", name)
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > partialAge {
			os.Remove(name)
		}
	}
}
