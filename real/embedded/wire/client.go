package wire

import (
	"context"
	"errors"
	"io"
	"sync"
)

// ErrGone is the error of calls to a process that is no longer there.
var ErrGone = errors.New("the other process has ended")

// Client calls the functions that [Serve] offers at the stream's other end.
// It is safe for concurrent use.
type Client struct {
	*link
	closer io.Closer
	gone   chan struct{}

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan frame
}

// NewClient starts to read answers from the stream.
func NewClient(rw io.ReadWriteCloser) *Client {
	c := &Client{link: newLink(rw), closer: rw, gone: make(chan struct{}), waiting: map[uint64]chan frame{}}
	go c.receive()
	return c
}

// Close closes the stream, which ends the server.
func (c *Client) Close() error { return c.closer.Close() }

// Gone is closed when the server is gone.
func (c *Client) Gone() <-chan struct{} { return c.gone }

func (c *Client) receive() {
	defer close(c.gone)
	for {
		var f frame
		if c.dec.Decode(&f) != nil {
			return
		}
		c.mu.Lock()
		answer := c.waiting[f.ID]
		delete(c.waiting, f.ID)
		c.mu.Unlock()
		answer <- f
	}
}

// Call calls method with args and waits for its answer. When ctx ends, the
// function's own context ends, and Call still waits for what it returns.
func Call[R any](ctx context.Context, c *Client, method string, args any) (R, error) {
	var r R
	if err := ctx.Err(); err != nil {
		return r, err
	}
	body, err := pack(args)
	if err != nil {
		return r, err
	}
	f, err := c.call(ctx, method, body)
	if err != nil {
		return r, err
	}
	if err := f.Fault.err(); err != nil {
		return r, err
	}
	return r, unpack(f.Body, &r)
}

func (c *Client) call(ctx context.Context, method string, body []byte) (frame, error) {
	id, answer := c.register()
	if c.send(frame{ID: id, Method: method, Body: body}) != nil {
		return frame{}, ErrGone
	}
	defer context.AfterFunc(ctx, func() { c.send(frame{ID: id, Cancel: true}) })()
	select {
	case f := <-answer:
		return f, nil
	case <-c.gone:
		return frame{}, ErrGone
	}
}

func (c *Client) register() (uint64, chan frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	answer := make(chan frame, 1)
	c.waiting[c.last] = answer
	return c.last, answer
}
