package session

import (
	"cmp"
	"context"
	"io"
	"sync"

	"twinlayer/fs"
	"twinlayer/sim"
)

// shared gives both worlds the same host: what is read is read once, and only
// the world that decides writes.
type shared struct {
	sim.Host
	mu    sync.Mutex
	trees map[string]read[*fs.Tree]
	kinds map[string]read[sim.HostKind]
	fault error // of the first write that failed
}

type read[T any] struct {
	value T
	err   error
}

func share(h sim.Host) *shared {
	if h == nil {
		h = sim.NoHost{}
	}
	return &shared{Host: h, trees: map[string]read[*fs.Tree]{}, kinds: map[string]read[sim.HostKind]{}}
}

func once[T any](mu *sync.Mutex, kept map[string]read[T], name string, do func(string) (T, error)) (T, error) {
	mu.Lock()
	defer mu.Unlock()
	r, ok := kept[name]
	if !ok {
		r.value, r.err = do(name)
		kept[name] = r
	}
	return r.value, r.err
}

// Tree reads a name of the host, once for both worlds.
func (s *shared) Tree(ctx context.Context, name string) (*fs.Tree, error) {
	return once(&s.mu, s.trees, name, func(name string) (*fs.Tree, error) { return s.Host.Tree(ctx, name) })
}

// Kind asks for a name of the host, once for both worlds.
func (s *shared) Kind(name string) (sim.HostKind, error) {
	return once(&s.mu, s.kinds, name, s.Host.Kind)
}

// Create writes a file of the host.
func (s *shared) Create(name string, write func(io.Writer) error) error {
	var content error // what the engine had against it, not the host
	err := s.Host.Create(name, func(w io.Writer) error {
		content = write(watchedWriter{w, s})
		return content
	})
	if content == nil {
		s.note(err)
	}
	return err
}

// noting notes where the host takes no more.
type watchedWriter struct {
	io.Writer
	s *shared
}

func (n watchedWriter) Write(p []byte) (int, error) {
	k, err := n.Writer.Write(p)
	n.s.note(err)
	return k, err
}

// Put writes a tree to the host.
func (s *shared) Put(dir string, t *fs.Tree) error {
	err := s.Host.Put(dir, t)
	s.note(err)
	return err
}

func (s *shared) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = cmp.Or(s.fault, err)
}

// failed is why the host could not be written to, which only the world knows
// that tries it.
func (s *shared) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// reader is the host of the world that does not decide: what it writes goes
// nowhere.
type reader struct{ *shared }

// Create writes nothing.
func (r reader) Create(_ string, write func(io.Writer) error) error { return write(io.Discard) }

// Put writes nothing.
func (r reader) Put(string, *fs.Tree) error { return nil }
