package fs

import (
	"bytes"
	"io"
	"slices"
	"sync/atomic"
)

// Data is the content of a regular file: an immutable list of extents, each a
// stretch of some source or a hole. A write makes a new Data that shares the
// rest, so a copy-up costs nothing until it is written to. nil is the empty
// file.
type Data struct {
	size  int64
	src   io.ReaderAt // where all of it stands in one piece, at off; or else
	off   int64
	parts *[]extent // ascending, without overlap; what none covers is a hole
}

// Extents are the pieces of d.
func (d *Data) Extents() []extent {
	switch {
	case d == nil || d.src == nil && d.parts == nil:
		return nil
	case d.parts != nil:
		return *d.parts
	}
	return []extent{{0, d.size, d.src, d.off}}
}

// extent is n bytes at offset at of the file, found at off in src.
type extent struct {
	At, N int64
	Src   io.ReaderAt
	Off   int64
}

func (e extent) end() int64 { return e.At + e.N }

// DataOf is a content of the given bytes, which must not change any more.
func DataOf(b []byte) *Data {
	return FileData(bytes.NewReader(b), 0, int64(len(b)))
}

// FileData is the content that stands in src from off on, size bytes long. It
// stays on disk; src must stay open and unchanged.
func FileData(src io.ReaderAt, off, size int64) *Data {
	if size == 0 {
		return nil
	}
	return &Data{size: size, src: src, off: off}
}

// Size is the length in bytes, holes among them.
func (d *Data) Size() int64 {
	if d == nil {
		return 0
	}
	return d.size
}

// Shares says whether d and o are one and the same piece of one source, and
// so equal without reading them.
func (d *Data) Shares(o *Data) bool {
	if d == o {
		return true
	}
	if d.Size() != o.Size() {
		return false
	}
	a, b := d.Extents(), o.Extents()
	return len(a) == 1 && len(b) == 1 && a[0] == b[0] && a[0].N == d.size
}

// Stored is how many bytes are no hole.
func (d *Data) Stored() (n int64) {
	for _, e := range d.Extents() {
		n += e.N
	}
	return n
}

// ReadAt reads as io.ReaderAt does; holes read as zeros.
func (d *Data) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, EINVAL
	}
	if off >= d.Size() {
		return 0, io.EOF
	}
	want := min(int64(len(p)), d.size-off)
	clear(p[:want])
	for _, e := range d.overlapping(off, want) {
		from, to := max(e.At, off), min(e.end(), off+want)
		n, err := e.Src.ReadAt(p[from-off:to-off], e.Off+from-e.At)
		if int64(n) < to-from {
			return int(from - off), shortRead(err)
		}
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

func shortRead(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// overlapping are the extents that touch n bytes from off.
func (d *Data) overlapping(off, n int64) []extent {
	extents := d.Extents()
	lo, _ := slices.BinarySearchFunc(extents, off, func(e extent, off int64) int {
		if e.end() <= off {
			return -1
		}
		return 1
	})
	hi := lo
	for hi < len(extents) && extents[hi].At < off+n {
		hi++
	}
	return extents[lo:hi]
}

// Reader reads the content from its beginning.
func (d *Data) Reader() io.Reader { return io.NewSectionReader(d, 0, d.Size()) }

// Bytes is the whole content in memory.
func (d *Data) Bytes() ([]byte, error) {
	b := make([]byte, d.Size())
	if len(b) == 0 {
		return b, nil
	}
	_, err := d.ReadAt(b, 0)
	return b, err
}

// WriteAt is d with p at off; it keeps a copy of p.
func (d *Data) WriteAt(p []byte, off int64) *Data {
	if len(p) == 0 {
		return d
	}
	if last, ok := d.blockBefore(off); ok {
		return d.splice(last.and(p))
	}
	return d.splice(extent{off, int64(len(p)), newBlock(p, int64(len(p))), 0})
}

// block is memory that is filled from its beginning. What is filled stays as
// it is, so that what ends in a block can be gone on with in its place: a file
// written in many small pieces is neither many extents nor copied each time.
type block struct {
	b      []byte
	filled atomic.Int64
}

// blockMax is how large a block of more than one piece is.
const blockMax = 1 << 20

func newBlock(p []byte, size int64) *block {
	k := &block{b: make([]byte, size)}
	k.fill(0, p)
	return k
}

// fill puts p at off, if that is where what is filled ends and there is room.
func (k *block) fill(off int64, p []byte) bool {
	end := off + int64(len(p))
	return end <= int64(len(k.b)) && k.filled.CompareAndSwap(off, end) && copy(k.b[off:], p) == len(p)
}

// ReadAt reads as io.ReaderAt does.
func (k *block) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, k.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// blockBefore is the extent that ends at off, if it is a block that more can
// be put into.
func (d *Data) blockBefore(off int64) (extent, bool) {
	found := d.overlapping(off-1, 1)
	if len(found) == 0 || found[0].end() != off || found[0].N >= blockMax {
		return extent{}, false
	}
	_, ok := found[0].Src.(*block)
	return found[0], ok
}

// and is e, which is in a block, with p behind it: in the same one, or in one
// with room for as much again.
func (e extent) and(p []byte) extent {
	k, n := e.Src.(*block), e.N+int64(len(p))
	if k.fill(e.Off+e.N, p) {
		return extent{e.At, n, k, e.Off}
	}
	larger := newBlock(k.b[e.Off:e.Off+e.N], max(n, min(2*n, blockMax)))
	larger.fill(e.N, p)
	return extent{e.At, n, larger, 0}
}

// splice is d with e in place of what stood there.
func (d *Data) splice(e extent) *Data {
	old := d.Extents()
	out := make([]extent, 0, len(old)+2)
	out = appendCut(out, old, 0, e.At)
	out = append(out, e)
	out = appendCut(out, old, e.end(), d.Size())
	return inParts(max(d.Size(), e.end()), out)
}

// inParts is a content of such pieces.
func inParts(size int64, parts []extent) *Data {
	if len(parts) == 1 && parts[0].N == size {
		return FileData(parts[0].Src, parts[0].Off, size)
	}
	return &Data{size: size, parts: &parts}
}

// appendCut appends those parts of extents that lie in [from, to).
func appendCut(out, extents []extent, from, to int64) []extent {
	for _, e := range extents {
		a, z := max(e.At, from), min(e.end(), to)
		if a < z {
			out = append(out, extent{a, z - a, e.Src, e.Off + a - e.At})
		}
	}
	return out
}

// Truncate is d cut or extended with a hole to size bytes.
func (d *Data) Truncate(size int64) *Data {
	switch {
	case size == d.Size():
		return d
	case size == 0:
		return nil
	case d == nil:
		return &Data{size: size}
	}
	return inParts(size, appendCut(nil, d.Extents(), 0, size))
}
