package sim

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"sync"

	"twinlayer/fs"
)

// Host is what docker commands reach of the machine they are typed on: the
// files that docker load reads, docker save writes, docker cp copies and a
// build takes in. Names are as they were typed, relative ones to where
// twinlayer was started. Errors are *io/fs.PathError.
type Host interface {
	// Open opens a file to read.
	Open(name string) (io.ReadCloser, error)
	// Create writes a file, which is there whole once write has returned
	// without an error, or not at all.
	Create(name string, write func(io.Writer) error) error
	// Tree is the file or directory name, as the one entry of a tree's root.
	// "." and a trailing "/." have that entry's own name too.
	Tree(name string) (*fs.Tree, error)
	// Put writes the entries of a tree's root below the directory dir.
	Put(dir string, t *fs.Tree) error
	// Abs is name as an absolute path.
	Abs(name string) string
	// Kind tells what name is, symlinks followed.
	Kind(name string) (HostKind, error)
}

// HostKind is what stands at a name of the host.
type HostKind string

// The kinds.
const (
	HostNothing HostKind = ""
	HostFile    HostKind = "file"
	HostDir     HostKind = "directory"
)

// shared gives both worlds the same host: what is read is read once, and only
// the world that decides writes.
type shared struct {
	Host
	mu    sync.Mutex
	trees map[string]read[*fs.Tree]
	kinds map[string]read[HostKind]
	fault error // of the first write that failed
}

type read[T any] struct {
	value T
	err   error
}

func share(h Host) *shared {
	if h == nil {
		h = NoHost{}
	}
	return &shared{Host: h, trees: map[string]read[*fs.Tree]{}, kinds: map[string]read[HostKind]{}}
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
func (s *shared) Tree(name string) (*fs.Tree, error) { return once(&s.mu, s.trees, name, s.Host.Tree) }

// Kind asks for a name of the host, once for both worlds.
func (s *shared) Kind(name string) (HostKind, error) { return once(&s.mu, s.kinds, name, s.Host.Kind) }

// Create writes a file of the host.
func (s *shared) Create(name string, write func(io.Writer) error) error {
	var content error // what the engine had against it, not the host
	err := s.Host.Create(name, func(w io.Writer) error {
		content = write(noting{w, s})
		return content
	})
	if content == nil {
		s.note(err)
	}
	return err
}

// noting notes where the host takes no more.
type noting struct {
	io.Writer
	s *shared
}

func (n noting) Write(p []byte) (int, error) {
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

// NoHost is no machine at all, for a session that was given none.
type NoHost struct{}

var errNoHost = Refuse("the files of this machine cannot be reached from here")

func (NoHost) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(nil)), errNoHost
}

func (NoHost) Create(string, func(io.Writer) error) error { return errNoHost }

func (NoHost) Tree(string) (*fs.Tree, error) { return nil, errNoHost }

func (NoHost) Put(string, *fs.Tree) error { return errNoHost }

func (NoHost) Abs(name string) string { return path.Join("/", name) }

func (NoHost) Kind(string) (HostKind, error) { return HostNothing, errNoHost }

// HostError is what docker says where a file of the host cannot be used.
func HostError(err error) error {
	var p *iofs.PathError
	if errors.As(err, &p) {
		return Refuse("%s %s: %v", p.Op, p.Path, p.Err)
	}
	return err
}
