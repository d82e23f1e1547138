package shell

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// stream is one of a shell's outputs, read line by line.
type stream struct {
	r *bufio.Reader
}

// cut is a stream's text up to a mark.
type cut struct {
	text  string
	rest  string // what followed the mark on its line
	ended bool   // the stream ended before the mark
}

func newStream(r io.Reader) *stream {
	return &stream{bufio.NewReaderSize(r, 64<<10)}
}

// overlap is longer than a mark with its exit status and newline.
const overlap = 64

// until reads up to and with the line that ends in the mark, or to the end of
// the stream; with mark "" always to the end. A text without a final newline
// shares its last line with the mark.
func (s *stream) until(mark string) cut {
	var kept Buffer
	var carry []byte // the end of a piece that filled the reader's buffer
	for {
		piece, err := s.r.ReadSlice('\n')
		piece = append(carry, piece...)
		carry = nil
		if err == bufio.ErrBufferFull {
			whole := len(piece) - overlap
			kept.Write(piece[:whole])
			carry = bytes.Clone(piece[whole:])
			continue
		}
		before, after, found := bytes.Cut(piece, []byte(mark))
		switch found = found && mark != ""; {
		case found && !traced(before):
			kept.Write(before)
			return cut{text: kept.String(), rest: strings.TrimSpace(string(after))}
		case !found:
			kept.Write(piece)
		}
		if err != nil {
			return cut{text: kept.String(), ended: true}
		}
	}
}

// traced says whether a mark that follows before is only the shell telling,
// after set -x, what it is about to do.
func traced(before []byte) bool {
	t := bytes.TrimLeft(before, "+")
	return len(t) < len(before) && (bytes.HasPrefix(t, []byte(" __t ")) || bytes.HasPrefix(t, []byte(" echo ")))
}

// Buffer keeps the first [Limit] bytes written to it and counts the rest. The
// zero value is ready; it is not safe for concurrent use.
type Buffer struct {
	kept    bytes.Buffer
	dropped int64
}

// Write never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	n := min(len(p), Limit-b.kept.Len())
	b.kept.Write(p[:n])
	b.dropped += int64(len(p) - n)
	return len(p), nil
}

// String is what was kept, and a last line about what was not.
func (b *Buffer) String() string {
	if b.dropped == 0 {
		return b.kept.String()
	}
	return fmt.Sprintf("%s\n[twinlayer: %d more bytes were not kept]\n", b.kept.String(), b.dropped)
}
