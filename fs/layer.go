package fs

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/ulikunitz/xz"
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
	return readBlob(blob, spool, limits, true)
}

// ReadArchive is ReadLayer of a tar that is no layer, but an archive of files:
// a name that begins with ".wh." is one like any other there.
func ReadArchive(blob io.Reader, spool Spool, limits Limits) (*Tree, error) {
	tree, _, err := readBlob(blob, spool, limits, false)
	return tree, err
}

func readBlob(blob io.Reader, spool Spool, limits Limits, layer bool) (*Tree, digest.Digest, error) {
	plain, err := Decompress(blob, limits)
	if err != nil {
		return nil, "", fmt.Errorf("reading layer: %w", err)
	}
	defer plain.Close()
	sum := digest.Canonical.Hash()
	keep := io.Writer(sum)
	if spool != nil {
		keep = io.MultiWriter(sum, spool)
	}
	stream := newStages(plain, keep)
	tree, err := newUnpacker(stream, spool, nil, layer).all()
	if err == nil {
		_, err = io.Copy(io.Discard, stream)
	}
	if kept := stream.close(); err == nil && kept != nil {
		err = fmt.Errorf("keeping its files: %w", kept)
	}
	if errors.As(err, new(*TarError)) {
		return nil, "", err
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading layer: %w", err)
	}
	return tree, digest.NewDigest(digest.Canonical, sum), nil
}

// Decompress reads a blob's content within the limits, telling by its first
// bytes gzip (of any number of members) and zstd, which layers come in, bzip2
// and xz, which archives of root file systems come in too, and none of them.
func Decompress(blob io.Reader, limits Limits) (io.ReadCloser, error) {
	in := &counted{r: blob}
	plain, err := decompressor(bufio.NewReaderSize(in, chunkSize))
	if err != nil {
		return nil, err
	}
	return &bounded{ReadCloser: plain, compressed: in, limits: limits}, nil
}

func decompressor(in *bufio.Reader) (io.ReadCloser, error) {
	magic, err := in.Peek(6)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(magic, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(in)), nil
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		z, err := xz.NewReader(in)
		return io.NopCloser(z), err
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
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

// Seek goes on from where it is, as archive/tar does over contents that it
// does not want; errors say that the source must be read instead.
func (c *counted) Seek(offset int64, whence int) (int64, error) {
	over, ok := c.r.(io.Seeker)
	if !ok || whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	before, err := over.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	after, err := over.Seek(offset, io.SeekCurrent)
	c.n += after - before
	return c.n, err
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

// stages is a stream of chunks that pass through three hands, each at its own
// pace: one reads them, one uses them, one spools and digests them.
type stages struct {
	full, used, free chan []byte
	quit             chan struct{}
	done             chan struct{} // the spooling has ended
	readErr          error         // valid once full is closed
	spoolErr         error         // valid once done is closed

	chunk, rest []byte // in use: as it came, and what is left of it
	at          int64  // offset of rest in the stream
}

const chunksAhead = 6

func newStages(r io.Reader, spool io.Writer) *stages {
	s := &stages{
		full: make(chan []byte, chunksAhead), used: make(chan []byte, chunksAhead), free: make(chan []byte, chunksAhead),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	for range chunksAhead {
		s.free <- make([]byte, chunkSize)
	}
	go s.read(r)
	go s.keep(spool)
	return s
}

func (s *stages) read(r io.Reader) {
	defer close(s.full)
	for s.readErr == nil {
		var b []byte
		select {
		case b = <-s.free:
		case <-s.quit:
			return
		}
		var n int
		n, s.readErr = fill(r, b)
		s.full <- b[:n]
	}
}

// fill reads until b is full or r ends, with the error that r ends with:
// io.ErrUnexpectedEOF is r's own, of a stream that was cut off.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = r.Read(b[n:])
		n += k
	}
	return n, err
}

// keep writes what was used; after an error it only hands the chunks on.
func (s *stages) keep(spool io.Writer) {
	defer close(s.done)
	for b := range s.used {
		if s.spoolErr == nil {
			_, s.spoolErr = spool.Write(b)
		}
		s.free <- b[:cap(b)]
	}
}

// Read reads on in the stream.
func (s *stages) Read(p []byte) (int, error) {
	if !s.more() {
		return 0, s.readErr
	}
	n := copy(p, s.rest)
	s.pass(n)
	return n, nil
}

// Seek goes on by offset bytes without a copy of them; at the end it stays
// there. Other ways to seek there are none.
func (s *stages) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	for offset > 0 && s.more() {
		n := min(offset, int64(len(s.rest)))
		s.pass(int(n))
		offset -= n
	}
	return s.at, nil
}

// more makes sure that there is a rest; false is the end of the stream.
func (s *stages) more() (ok bool) {
	for len(s.rest) == 0 {
		if s.chunk != nil {
			s.used <- s.chunk
		}
		if s.chunk, ok = <-s.full; !ok {
			return false
		}
		s.rest = s.chunk
	}
	return true
}

func (s *stages) pass(n int) {
	s.rest = s.rest[n:]
	s.at += int64(n)
}

// close ends the stages, and returns what the spooling ended with.
func (s *stages) close() error {
	close(s.quit)
	close(s.used)
	for range s.full {
	}
	<-s.done
	return s.spoolErr
}
