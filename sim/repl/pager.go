package repl

import (
	"bytes"
	"io"
)

// pager is a terminal on which nothing scrolls away unread: after a screenful
// it asks whether to go on.
type pager struct {
	out  io.Writer
	rows func() int // of the screen
	more func() bool

	drawn int  // rows since somebody last looked
	over  bool // what is left until then is not wanted
}

func (p *pager) Write(text []byte) (int, error) {
	for rest := text; len(rest) > 0; {
		line, tail, whole := bytes.Cut(rest, []byte{'\n'})
		if whole && p.drawn >= p.rows()-1 && !p.over {
			p.over, p.drawn = !p.more(), 0
		}
		if p.over {
			return len(text), nil
		}
		if whole {
			line, p.drawn = rest[:len(line)+1], p.drawn+1
		}
		if _, err := p.out.Write(line); err != nil {
			return 0, err
		}
		rest = tail
	}
	return len(text), nil
}

// read says that somebody has seen what there is.
func (p *pager) read() { p.drawn, p.over = 0, false }
