package fs

import (
	"bufio"
	"bytes"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

// Spool takes the uncompressed tar of a layer, from offset 0 on, and keeps the
// contents of its files for as long as the tree is used: an empty *os.File.
type Spool interface {
	io.Writer
	io.ReaderAt
}

// Limits bound what reading a stranger's layer may cost.
type Limits struct {
	Bytes int64 // of the uncompressed tar
	Ratio int64 // of uncompressed to compressed bytes, once there are bombSize
}

// DefaultLimits let every layer pass that is known to be of use. 200 times is
// beyond what files compress to, and far below what a decompression bomb does.
var DefaultLimits = Limits{Bytes: 1 << 38, Ratio: 200}

const (
	bombSize  = 1 << 30 // bytes from which on the ratio counts
	chunkSize = 256 << 10
)

// ReadLayer reads a layer blob: a tar as it is, in gzip or in zstd (image-spec,
// layer.md, "Distributable Format"). Contents of files go into spool; without
// one they are kept in memory. It reads the blob to its end, and returns the
// diffID, the digest of the uncompressed tar (image-spec, config.md).
func ReadLayer(blob io.Reader, spool Spool, limits Limits) (*Tree, digest.Digest, error) {
	plain, err := Decompress(blob, limits)
	if err != nil {
		return nil, "", fmt.Errorf("reading layer: %w", err)
	}
	defer plain.Close()
	ahead := readAhead(plain)
	defer ahead.stop()
	s := &spooled{in: ahead, digest: digest.Canonical.Hash()}
	if spool != nil {
		s.spool = spool
	}
	tree, err := readTar(s, spool)
	if err == nil {
		_, err = io.Copy(io.Discard, s)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading layer: %w", err)
	}
	return tree, digest.NewDigest(digest.Canonical, s.digest), nil
}

// Decompress reads a blob's content within the limits, telling gzip (of any
// number of members), zstd and neither by its first bytes.
func Decompress(blob io.Reader, limits Limits) (io.ReadCloser, error) {
	in := &counted{r: blob}
	plain, err := decompressor(bufio.NewReaderSize(in, chunkSize))
	if err != nil {
		return nil, err
	}
	return &bounded{ReadCloser: plain, compressed: in, limits: limits}, nil
}

func decompressor(in *bufio.Reader) (io.ReadCloser, error) {
	magic, err := in.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case err != nil && err != io.EOF:
		return nil, err
	}
	return io.NopCloser(in), nil
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends with an error where a layer is more than its limits allow.
type bounded struct {
	io.ReadCloser
	compressed *counted
	limits     Limits
	n          int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	switch {
	case b.limits.Bytes > 0 && b.n > b.limits.Bytes:
		return 0, fmt.Errorf("it unpacks to more than the %d bytes that are allowed", b.limits.Bytes)
	case b.limits.Ratio > 0 && b.n > bombSize && b.n/b.limits.Ratio > b.compressed.n:
		return 0, fmt.Errorf("its first %d bytes unpack to %d, over %d times as many: that is a decompression bomb, and is not unpacked further",
			b.compressed.n, b.n, b.limits.Ratio)
	}
	return n, err
}

// ahead reads a stream some chunks ahead of who uses it.
type ahead struct {
	full, free chan []byte
	err        error // valid once full is closed
	quit       chan struct{}
}

const chunksAhead = 4

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan []byte, chunksAhead), free: make(chan []byte, chunksAhead), quit: make(chan struct{})}
	for range chunksAhead {
		a.free <- make([]byte, chunkSize)
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.full)
	for a.err == nil {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.quit:
			return
		}
		var n int
		if n, a.err = io.ReadFull(r, b); a.err == io.ErrUnexpectedEOF {
			a.err = io.EOF
		}
		a.full <- b[:n]
	}
}

// next is the next chunk, which must be given back; or the error that ended
// the stream.
func (a *ahead) next() ([]byte, error) {
	b, ok := <-a.full
	if !ok {
		return nil, a.err
	}
	return b, nil
}

func (a *ahead) giveBack(b []byte) { a.free <- b[:cap(b)] }

// stop ends the reading and waits for it.
func (a *ahead) stop() {
	close(a.quit)
	for range a.full {
	}
}

// spooled hands chunks on, after it has digested and spooled them.
type spooled struct {
	in     *ahead
	digest hash.Hash
	spool  io.Writer // nil: none
	chunk  []byte    // as it came
	rest   []byte    // what is left of it
}

func (s *spooled) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *spooled) fill() error {
	if s.chunk != nil {
		s.in.giveBack(s.chunk)
		s.chunk = nil
	}
	b, err := s.in.next()
	if err != nil {
		return err
	}
	s.chunk, s.rest = b, b
	s.digest.Write(b)
	if s.spool != nil {
		if _, err := s.spool.Write(b); err != nil {
			return fmt.Errorf("keeping its files: %w", err)
		}
	}
	return nil
}
