package shell

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"

	"twinlayer/sim"
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
func (s *stream) until(ctx context.Context, mark string) cut {
	var kept sim.Printed
	aloud, hush := sim.Aloud(ctx, &kept)
	defer hush()
	var carry []byte // the end of a piece that filled the reader's buffer
	for {
		piece, err := s.r.ReadSlice('\n')
		piece = append(carry, piece...)
		carry = nil
		if err == bufio.ErrBufferFull {
			whole := len(piece) - overlap
			aloud.Write(piece[:whole])
			carry = bytes.Clone(piece[whole:])
			continue
		}
		before, after, found := bytes.Cut(piece, []byte(mark))
		switch found = found && mark != ""; {
		case found && !traced(before):
			aloud.Write(before)
			return cut{text: kept.String(), rest: strings.TrimSpace(string(after))}
		case !found:
			aloud.Write(piece)
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
