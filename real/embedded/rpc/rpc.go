// Package rpc lets one process call functions of another over a byte stream:
// many calls at once, each ended early when its caller's context ends. Values
// travel as encoding/gob, so strings may hold any bytes. An error arrives as a
// *sim.Refusal, whatever it was: it is what the other process answers; the end
// of the caller's context arrives as [context.Canceled]. That the other process
// answers no more is [ErrGone].
package rpc

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"sync"

	"twinlayer/sim"
)

// frame is what travels: a call, its end before its time, what happens in the
// meantime, or its answer.
type frame struct {
	ID     uint64
	Method string // of a call
	Cancel bool   // the caller waits no more
	News   bool   // the body is news, and the answer is still to come
	Body   []byte // arguments or result, its own gob stream
	Fault  *fault // of an answer
}

// fault is an error on its way.
type fault struct {
	Refusal *sim.Refusal
	Ended   bool // the caller's context has
}

func faultOf(err error) *fault {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return &fault{Ended: true}
	}
	refusal := sim.Refuse("%v", err)
	errors.As(err, &refusal)
	return &fault{Refusal: refusal}
}

func (f *fault) err() error {
	switch {
	case f == nil:
		return nil
	case f.Ended:
		return context.Canceled
	}
	return f.Refusal
}

// link sends and receives frames.
type link struct {
	mu  sync.Mutex
	enc *gob.Encoder
	dec *gob.Decoder
}

func newLink(rw io.ReadWriter) *link {
	return &link{enc: gob.NewEncoder(rw), dec: gob.NewDecoder(rw)}
}

func (l *link) send(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.enc.Encode(f)
}

func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func unpack(b []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(b)).Decode(v)
}

// Method is a function that can be called from afar; see [Func].
type Method func(ctx context.Context, args []byte) ([]byte, error)

// Func makes a Method of f. A struct without exported fields cannot travel;
// [None] can.
func Func[A, R any](f func(context.Context, A) (R, error)) Method {
	return func(ctx context.Context, args []byte) ([]byte, error) {
		var a A
		if err := unpack(args, &a); err != nil {
			return nil, err
		}
		r, err := f(ctx, a)
		if err != nil {
			return nil, err
		}
		return pack(r)
	}
}

type newsKey struct{}

// Tell sends news to whoever called the function that has ctx; see [Listen].
func Tell(ctx context.Context, news any) {
	send, ok := ctx.Value(newsKey{}).(func([]byte))
	if !ok {
		return
	}
	if body, err := pack(news); err == nil {
		send(body)
	}
}

// None stands where a function takes or returns nothing.
type None bool

// Serve answers calls until the stream ends, then ends the calls that still
// run and returns the stream's error; nil at its end.
func Serve(rw io.ReadWriter, methods map[string]Method) error {
	s := &server{link: newLink(rw), methods: methods, running: map[uint64]context.CancelFunc{}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	for {
		var f frame
		switch err := s.dec.Decode(&f); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case f.Cancel:
			s.end(f.ID)
		default:
			s.begin(ctx, f)
		}
	}
}

type server struct {
	*link
	methods map[string]Method

	mu      sync.Mutex
	running map[uint64]context.CancelFunc
}

func (s *server) begin(ctx context.Context, f frame) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.running[f.ID] = cancel
	s.mu.Unlock()
	ctx = context.WithValue(ctx, newsKey{}, func(body []byte) { s.send(frame{ID: f.ID, News: true, Body: body}) })
	go func() {
		defer s.end(f.ID)
		body, err := s.call(ctx, f)
		s.send(frame{ID: f.ID, Body: body, Fault: faultOf(err)})
	}()
}

func (s *server) call(ctx context.Context, f frame) ([]byte, error) {
	method, ok := s.methods[f.Method]
	if !ok {
		return nil, errors.New("rpc: no method " + f.Method)
	}
	return method(ctx, f.Body)
}

func (s *server) end(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.running[id]; ok {
		cancel()
		delete(s.running, id)
	}
}
