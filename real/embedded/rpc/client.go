package rpc

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
	hearing map[uint64]func([]byte)
}

type listenKey struct{}

// Listen is a context for calls whose news (see [Tell]) hear gets, one after
// the other. While it hears, no answer to any call arrives.
func Listen[N any](ctx context.Context, hear func(N)) context.Context {
	return context.WithValue(ctx, listenKey{}, func(body []byte) {
		var news N
		if unpack(body, &news) == nil {
			hear(news)
		}
	})
}

// NewClient starts to read answers from the stream.
func NewClient(rw io.ReadWriteCloser) *Client {
	c := &Client{link: newLink(rw), closer: rw, gone: make(chan struct{}), waiting: map[uint64]chan frame{}, hearing: map[uint64]func([]byte){}}
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
		answer, hear := c.waiting[f.ID], c.hearing[f.ID]
		if !f.News {
			delete(c.waiting, f.ID)
			delete(c.hearing, f.ID)
		}
		c.mu.Unlock()
		switch {
		case !f.News:
			answer <- f
		case hear != nil:
			hear(f.Body)
		}
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
	if f.Fault != nil {
		return r, f.Fault.err()
	}
	return r, unpack(f.Body, &r)
}

func (c *Client) call(ctx context.Context, method string, body []byte) (frame, error) {
	id, answer := c.register(ctx)
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

func (c *Client) register(ctx context.Context) (uint64, chan frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	answer := make(chan frame, 1)
	c.waiting[c.last] = answer
	if hear, ok := ctx.Value(listenKey{}).(func([]byte)); ok {
		c.hearing[c.last] = hear
	}
	return c.last, answer
}
