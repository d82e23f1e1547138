package shell

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"regexp"

	"twinlayer/sim"
)

// stream is one of a shell's outputs, read line by line.
type stream struct {
	r *bufio.Reader
}

// cut is a stream's text up to the signs.
type cut struct {
	text  string
	state state // as the signs tell it
	ended bool  // the stream ended before them
}

func newStream(r io.Reader) *stream {
	return &stream{bufio.NewReaderSize(r, 64<<10)}
}

// overlap is longer than what the shell is asked and than what it answers.
const overlap = 2 << 10

// until reads up to and with the signs of m, or to the end of the stream; with
// mark "" always to the end.
func (s *stream) until(ctx context.Context, m mark) cut {
	var kept sim.Printed
	aloud, hush := sim.Aloud(ctx, &kept)
	defer hush()
	signs := signs{mark: m, kept: aloud, forget: kept.Reset}
	var carry []byte // the end of a piece that filled the reader's buffer
	for {
		piece, err := s.r.ReadSlice('\n')
		piece = append(carry, piece...)
		carry = nil
		if err == bufio.ErrBufferFull {
			whole := len(piece) - overlap
			signs.rest(piece[:whole])
			carry = bytes.Clone(piece[whole:])
			continue
		}
		if signs.line(piece) {
			return cut{text: kept.String(), state: signs.state}
		}
		if err != nil {
			signs.flush()
			return cut{text: kept.String(), ended: true}
		}
	}
}

// signs finds in an output what a shell was made to say, and keeps the rest.
type signs struct {
	mark mark
	kept io.Writer
	// forget drops all that was kept.
	forget func()
	first  bool   // the first sign has come
	left   []byte // what stood before it on its line, with what the shell says before each sign
	late   []byte // what others have printed since
	state  state
}

// line takes a line, and says whether it held the last sign.
func (s *signs) line(line []byte) (last bool) {
	before, after, found := bytes.Cut(line, []byte("/"+s.mark+"/"))
	switch {
	case s.mark == "" || !found:
		s.rest(line)
	case bytes.HasSuffix(before, []byte(`<"`)):
		s.shown(line)
	case bytes.HasPrefix(after, []byte("a/")) && !s.first:
		s.first, s.left, s.state = true, bytes.Clone(before), heard(string(after[2:]))
	case bytes.HasPrefix(after, []byte("c/")):
		s.state.sound = s.first
	case bytes.HasPrefix(after, []byte("b/")) && s.first:
		s.left = bytes.TrimSuffix(s.left, before)
		s.flush()
		return true
	}
	return false
}

// rest takes what holds no sign. Between signs it is what jobs print, and what
// a shell shows of us that shows what it runs.
func (s *signs) rest(text []byte) {
	switch {
	case s.first && s.state.shows():
	case s.first:
		s.late = append(s.late, text...)
	case s.mark != "" && bytes.Contains(text, []byte(s.mark.trace())):
		s.forget()
	default:
		s.kept.Write(text)
	}
}

// shown takes a line that shows what the shell was asked.
func (s *signs) shown(line []byte) {
	if before, _, whole := bytes.Cut(line, []byte(s.mark.ask())); whole && !s.first {
		s.kept.Write(before)
	}
}

// flush ends the signs.
func (s *signs) flush() {
	s.kept.Write(append(s.left, s.late...))
	s.first, s.left, s.late = false, nil, nil
}

// anyMark finds the mark of a sign.
var anyMark = regexp.MustCompile(`/(twl-[A-Z2-7]{26})/`)

// Clean is a writer that passes on to w what shells with sessions print, line
// by line, without their signs. Closing it passes on a line that has no end.
func Clean(w io.Writer) io.WriteCloser { return &cleaner{signs: signs{kept: w}} }

type cleaner struct {
	signs signs
	part  []byte // of a line
}

func (c *cleaner) Write(p []byte) (int, error) {
	c.part = append(c.part, p...)
	for {
		line, rest, whole := bytes.Cut(c.part, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		c.line(append(line, '\n'))
		c.part = bytes.Clone(rest)
	}
}

func (c *cleaner) line(line []byte) {
	if found := anyMark.FindSubmatch(line); found != nil && !c.signs.first {
		c.signs.mark = mark(found[1])
	}
	c.signs.line(line)
}

func (c *cleaner) Close() error {
	c.line(c.part)
	c.signs.flush()
	return nil
}
