package vfs

import (
	"io"
	"os"
	"sync"
	"twinlayer/fs"
)

// Pipes are the fifos that processes have open: what goes through them is the
// kernel's and in no file system (fifo(7)). The zero value is ready.
type Pipes struct {
	mu   sync.Mutex
	open map[Text]*pipe
}

// pipeSize is how much a pipe holds before a writer waits (pipe(7)).
const pipeSize = 64 << 10

// pipe is one open fifo; pipes.mu guards it.
type pipe struct {
	in      *Pipes
	key     Text
	buf     []byte
	ends    [2]int        // that are open now: to read, to write
	opened  [2]int        // so far
	changed chan struct{} // closed at the next change
}

const (
	reading = iota
	writing
)

// join opens the fifo's ends that flag asks for; unless it is both, it waits
// for somebody at the other.
func (ps *Pipes) join(key Text, flag int, done <-chan struct{}) (*pipe, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.get(key)
	mine := endsOf(flag)
	for _, end := range mine {
		p.ends[end]++
		p.opened[end]++
	}
	p.tell()
	if len(mine) == 2 {
		return p, nil
	}
	other := 1 - mine[0]
	came := p.opened[other]
	for p.ends[other] == 0 && p.opened[other] == came {
		if !p.wait(done) {
			p.part(flag)
			return nil, fs.EINTR
		}
	}
	return p, nil
}

func (ps *Pipes) get(key Text) *pipe {
	p := ps.open[key]
	if p == nil {
		p = &pipe{in: ps, key: key, changed: make(chan struct{})}
		if ps.open == nil {
			ps.open = map[Text]*pipe{}
		}
		ps.open[key] = p
	}
	return p
}

func endsOf(flag int) []int {
	switch {
	case flag&os.O_RDWR != 0:
		return []int{reading, writing}
	case flag&os.O_WRONLY != 0:
		return []int{writing}
	}
	return []int{reading}
}

// tell wakes whoever waits for a change.
func (p *pipe) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait gives up the lock until something changes; false when done comes first.
func (p *pipe) wait(done <-chan struct{}) bool {
	changed := p.changed
	p.in.mu.Unlock()
	defer p.in.mu.Lock()
	select {
	case <-changed:
		return true
	case <-done:
		return false
	}
}

// part closes what join opened; with the last end the pipe is gone.
func (p *pipe) part(flag int) {
	for _, end := range endsOf(flag) {
		p.ends[end]--
	}
	if p.ends == [2]int{} {
		delete(p.in.open, p.key)
	}
	p.tell()
}

func (p *pipe) leave(flag int) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.part(flag)
}

// read takes what is there, and waits where nothing is; without writers that
// is the end.
func (p *pipe) read(b []byte, done <-chan struct{}) (int, error) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for len(p.buf) == 0 {
		switch {
		case p.ends[writing] == 0:
			return 0, io.EOF
		case !p.wait(done):
			return 0, fs.EINTR
		}
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	p.tell()
	return n, nil
}

// write puts all of b in, and waits where there is no room; EPIPE without
// readers.
func (p *pipe) write(b []byte, done <-chan struct{}) (n int, err error) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for n < len(b) {
		room := min(pipeSize-len(p.buf), len(b)-n)
		switch {
		case p.ends[reading] == 0:
			return n, fs.EPIPE
		case room == 0 && !p.wait(done):
			return n, fs.EINTR
		case room > 0:
			p.buf = append(p.buf, b[n:n+room]...)
			n += room
			p.tell()
		}
	}
	return n, nil
}
