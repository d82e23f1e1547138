package store

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// A tar-split is a layer's tar without the contents of its files: with the tree,
// which has these, it gives the tar back bit by bit. It is a zstd stream of
// records, each one byte of type and then
//
//	'r'  a length, and so many bytes of the tar
//	'f'  a length, the name of a file whose content comes here, and its size
//
// where numbers are unsigned varints (encoding/binary). Where a later entry
// of the tar took a file's place, the content of the n-th file, from 1 on, is
// n in the directory lost.
const (
	rawRecord  = 'r'
	fileRecord = 'f'
)

// The parts of a layer's directory.
const (
	treeName  = "tree"
	splitName = "frame"
	lostName  = "lost"
	metaName  = "meta"
)

// splitWriter writes a tar-split.
type splitWriter struct {
	z   *zstd.Encoder
	raw []byte // not yet written
}

const rawPiece = 64 << 10

func newSplitWriter(w io.Writer) (*splitWriter, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	return &splitWriter{z: z, raw: make([]byte, 0, rawPiece)}, err
}

// Write records bytes of the tar as they are.
func (f *splitWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		k := min(len(p), rawPiece-len(f.raw))
		f.raw, p = append(f.raw, p[:k]...), p[k:]
		if len(f.raw) == rawPiece {
			if err := f.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (f *splitWriter) flush() error {
	if len(f.raw) == 0 {
		return nil
	}
	head := binary.AppendUvarint([]byte{rawRecord}, uint64(len(f.raw)))
	_, err := f.z.Write(head)
	_, err2 := f.z.Write(f.raw)
	f.raw = f.raw[:0]
	return errors.Join(err, err2)
}

// content records that size bytes of the tar are the content of a file.
func (f *splitWriter) content(name string, size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	b := binary.AppendUvarint([]byte{fileRecord}, uint64(len(name)))
	b = append(b, name...)
	_, err := f.z.Write(binary.AppendUvarint(b, uint64(size)))
	return err
}

func (f *splitWriter) close() error { return errors.Join(f.flush(), f.z.Close()) }

// recorder passes a tar on to who reads it and records it, but for what is
// read while elide is set.
type recorder struct {
	r     io.Reader
	split io.Writer
	elide bool
	n     int64 // bytes read so far
}

func (c *recorder) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if !c.elide {
		if _, err := c.split.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return n, err
}

// Tar is a layer's tar, put together from its tar-split and its tree. Read gives
// it from its beginning. ReadAt reads the contents of files that Read has
// passed. Its methods but ReadAt are for one goroutine.
type Tar struct {
	dir    string
	open   func(name string) (Content, error)
	zeros  bool // Read gives zeros instead of contents
	lost   map[string]bool
	file   *os.File
	z      *zstd.Decoder
	in     *bufio.Reader
	at     int64 // of the tar, where the next record begins
	pieces []piece

	raw  int64   // bytes left of a raw record
	body Content // of a file record, or
	left int64   // so many bytes of it, from
	off  int64   // here on
}

// piece is a file's content in the tar.
type piece struct {
	at, size int64
	name     string // in the layer's directory
}

// Content is a file of a layer, open for reading.
type Content interface {
	io.ReaderAt
	io.Closer
}

// OpenTar opens the tar of the layer in a directory.
func OpenTar(dir string) (*Tar, error) {
	return openTar(dir, func(name string) (Content, error) { return overlay.OpenFile(name) })
}

// OpenHeaders is OpenTar for one who wants no contents from Read, which gives
// zeros in their place. Contents that ReadAt reads are opened by open.
func OpenHeaders(dir string, open func(name string) (Content, error)) (*Tar, error) {
	t, err := openTar(dir, open)
	if err == nil {
		t.zeros = true
	}
	return t, err
}

func openTar(dir string, open func(string) (Content, error)) (*Tar, error) {
	f, err := os.Open(filepath.Join(dir, splitName))
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Tar{dir: dir, open: open, lost: namesIn(filepath.Join(dir, lostName)), file: f, z: z, in: bufio.NewReaderSize(z, rawPiece)}, nil
}

// Close ends reading; ReadAt goes on to work.
func (t *Tar) Close() error {
	if t.body != nil {
		t.body.Close()
		t.body = nil
	}
	t.z.Close()
	return t.file.Close()
}

func (t *Tar) Read(p []byte) (int, error) {
	for t.raw == 0 && t.left == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	if t.raw > 0 {
		n, err := t.in.Read(p[:min(int64(len(p)), t.raw)])
		t.raw -= int64(n)
		return n, noEOF(err)
	}
	p = p[:min(int64(len(p)), t.left)]
	n, err := len(p), error(nil)
	if t.zeros {
		clear(p)
	} else if n, err = t.body.ReadAt(p, t.off); n == len(p) {
		err = nil
	}
	t.off, t.left = t.off+int64(n), t.left-int64(n)
	return n, noEOF(err)
}

// Seek goes forward (io.SeekCurrent), without reading the contents passed.
func (t *Tar) Seek(n int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || n < 0 {
		return -1, errors.ErrUnsupported
	}
	for n > 0 {
		if t.raw == 0 && t.left == 0 {
			if err := t.next(); err != nil {
				return -1, noEOF(err)
			}
			continue
		}
		if k := min(n, t.left); k > 0 {
			t.off, t.left, n = t.off+k, t.left-k, n-k
			continue
		}
		k, err := t.in.Discard(int(min(n, t.raw)))
		t.raw, n = t.raw-int64(k), n-int64(k)
		if err != nil {
			return -1, noEOF(err)
		}
	}
	return t.at - t.raw - t.left, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next begins the next record.
func (t *Tar) next() error {
	kind, err := t.in.ReadByte()
	if err != nil {
		return err
	}
	n, err := binary.ReadUvarint(t.in)
	switch {
	case err != nil:
		return noEOF(err)
	case kind == rawRecord && n <= rawPiece:
		t.raw, t.at = int64(n), t.at+int64(n)
		return nil
	case kind == fileRecord && n <= rawPiece:
		return t.nextFile(n)
	}
	return fmt.Errorf("%s is damaged: a record of type %q and %d bytes", t.file.Name(), kind, n)
}

func (t *Tar) nextFile(n uint64) error {
	name := make([]byte, n)
	if _, err := io.ReadFull(t.in, name); err != nil {
		return noEOF(err)
	}
	size, err := binary.ReadUvarint(t.in)
	if err != nil {
		return noEOF(err)
	}
	if !filepath.IsLocal(string(name)) || size > math.MaxInt64-uint64(t.at) {
		return fmt.Errorf("%s is damaged: a file %q of %d bytes", t.file.Name(), name, size)
	}
	p := piece{at: t.at, size: int64(size), name: filepath.Join(treeName, string(name))}
	if n := strconv.Itoa(len(t.pieces) + 1); t.lost[n] {
		p.name = filepath.Join(lostName, n)
	}
	t.pieces = append(t.pieces, p)
	t.at, t.off, t.left = t.at+p.size, 0, p.size
	if t.zeros {
		return nil
	}
	if t.body != nil {
		t.body.Close()
	}
	t.body, err = t.open(filepath.Join(t.dir, p.name))
	return err
}

// namesIn are the names in a directory, none where there is no such one.
func namesIn(dir string) map[string]bool {
	entries, _ := os.ReadDir(dir)
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	return names
}

// ReadAt reads from the content of one file.
func (t *Tar) ReadAt(p []byte, off int64) (int, error) {
	i, found := slices.BinarySearchFunc(t.pieces, off, func(e piece, off int64) int {
		switch {
		case e.at+e.size <= off:
			return -1
		case e.at > off:
			return 1
		}
		return 0
	})
	if !found {
		return 0, fmt.Errorf("%s: no file's content is at %d of its tar", t.dir, off)
	}
	e := t.pieces[i]
	f, err := t.open(filepath.Join(t.dir, e.name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rest := e.at + e.size - off
	n, err := f.ReadAt(p[:min(int64(len(p)), rest)], off-e.at)
	if n < len(p) && err == nil {
		err = io.EOF
	}
	return n, err
}

// Headers is the layer as a tree; see [OpenHeaders] for open.
func Headers(dir string, open func(string) (Content, error)) (*fs.Tree, error) {
	t, err := OpenHeaders(dir, open)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	tree, err := fs.ReadTar(t)
	if err == nil {
		_, err = io.Copy(io.Discard, t) // the tar-split's checksum is at its end
	}
	if err != nil {
		return nil, fmt.Errorf("layer %s is damaged on disk: %w", dir, err)
	}
	return tree, nil
}

// writeSplit reads a tar without repeated names to its end and writes its
// tar-split. It returns the bytes of the files and of the tar.
func writeSplit(r io.Reader, w io.Writer) (size, length int64, err error) {
	split, err := newSplitWriter(w)
	if err != nil {
		return 0, 0, err
	}
	in := &recorder{r: bufio.NewReaderSize(r, 256<<10), split: split}
	for t := tar.NewReader(in); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		in.elide = true
		n, err := io.Copy(io.Discard, t)
		in.elide = false
		if err == nil && n > 0 {
			err = split.content(path.Clean(h.Name), n)
		}
		if err != nil {
			return 0, 0, err
		}
		if h.Typeflag == tar.TypeSymlink {
			n = int64(len(h.Linkname))
		}
		size += n
	}
	_, err = io.Copy(io.Discard, in)
	return size, in.n, errors.Join(err, split.close())
}
