package store

import "io"

// ahead reads a stream on a goroutine of its own, a few chunks in advance, so
// that who makes the bytes and who takes them work at the same time.
type ahead struct {
	full, free chan []byte
	quit       chan struct{}
	err        error  // valid once full is closed
	chunk      []byte // being read, all of it
	rest       []byte // and what is left
}

const (
	aheadChunk = 256 << 10
	aheadMost  = 4
)

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan []byte, aheadMost), free: make(chan []byte, aheadMost), quit: make(chan struct{})}
	for range aheadMost {
		a.free <- make([]byte, aheadChunk)
	}
	go a.fill(r)
	return a
}

func (a *ahead) fill(r io.Reader) {
	defer close(a.full)
	for a.err == nil {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.quit:
			return
		}
		n := 0
		for n < len(b) && a.err == nil {
			var k int
			k, a.err = r.Read(b[n:])
			n += k
		}
		a.full <- b[:n]
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.chunk != nil {
			a.free <- a.chunk[:cap(a.chunk)]
		}
		var ok bool
		if a.chunk, ok = <-a.full; !ok {
			return 0, a.err
		}
		a.rest = a.chunk
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the reading and waits for it. The stream's own Read must end.
func (a *ahead) Close() error {
	close(a.quit)
	for range a.full {
	}
	return nil
}
