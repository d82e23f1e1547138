//go:build linux

package helper

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"twinlayer/real/embedded/rpc"
	"twinlayer/sim"
)

// logs keeps what a container's own process printed in all its starts: of
// each stream the first [sim.PrintedMax] bytes, on disk.
type logs struct {
	dir string

	mu      sync.Mutex
	streams map[string]*logged
}

// logged is one stream. A disk that is full costs what it prints, not the
// container.
type logged struct {
	mu            sync.Mutex
	name          string
	file          *os.File
	kept, dropped int64
	followers     []io.Writer
}

// stream is the stream of this name.
func (l *logs) stream(name string) *logged {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams == nil {
		l.streams = map[string]*logged{}
	}
	if l.streams[name] == nil {
		l.streams[name] = &logged{name: filepath.Join(l.dir, name)}
	}
	return l.streams[name]
}

// beside is w with the stream of this name, if there are logs.
func (l *logs) beside(w io.Writer, name string) io.Writer {
	if l == nil {
		return w
	}
	return io.MultiWriter(w, l.stream(name))
}

func (l *logs) add(stdout, stderr string) {
	io.WriteString(l.stream("stdout"), stdout)
	io.WriteString(l.stream("stderr"), stderr)
	l.close()
}

// close closes the files, which what is still written opens again.
func (l *logs) close() {
	for _, name := range []string{"stdout", "stderr"} {
		l.stream(name).close()
	}
}

func (s *logged) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// Write never fails.
func (s *logged) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(p), int(sim.PrintedMax-s.kept))
	if n > 0 && s.file == nil {
		s.file, _ = os.OpenFile(s.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
	if n > 0 {
		n, _ = s.file.Write(p[:n])
		n = max(n, 0)
	}
	s.kept, s.dropped = s.kept+int64(n), s.dropped+int64(len(p)-n)
	for _, f := range s.followers {
		f.Write(p)
	}
	return len(p), nil
}

// follow has w get what there is, and what will be written until the end.
func (s *logged) follow(w io.Writer) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, err := s.read()
	io.WriteString(w, kept)
	s.followers = append(s.followers, w)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.followers = slices.DeleteFunc(s.followers, func(f io.Writer) bool { return f == w })
	}, err
}

func (s *logged) text() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read()
}

// read is text; s.mu must be held.
func (s *logged) read() (string, error) {
	if s.kept == 0 {
		return sim.Cut("", s.dropped), nil
	}
	file, err := os.Open(s.name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	kept, err := io.ReadAll(io.NewSectionReader(file, 0, s.kept))
	return sim.Cut(string(kept), s.dropped), err
}

func (h *helper) readLogs(ctx context.Context, args LogsArgs) (out sim.Output, err error) {
	c, err := h.find(args.Container)
	if err != nil {
		return out, err
	}
	if r := c.current(); args.Follow && r != nil {
		return c.logs.follow(ctx, r.ended)
	}
	if out.Stdout, err = c.logs.stream("stdout").text(); err != nil {
		return out, err
	}
	out.Stderr, err = c.logs.stream("stderr").text()
	return out, err
}

// aloud is ctx with the caller told of what is told in it.
func aloud(ctx context.Context) context.Context {
	return sim.WithProgress(ctx, func(p sim.Progress) { rpc.Tell(ctx, p) })
}

// follow is what has been printed when ended is closed, or ctx is done.
func (l *logs) follow(ctx context.Context, ended <-chan struct{}) (sim.Output, error) {
	var out, errors sim.Printed
	for name, text := range map[string]*sim.Printed{"stdout": &out, "stderr": &errors} {
		both, hush := sim.Aloud(aloud(ctx), text)
		defer hush()
		end, err := l.stream(name).follow(both)
		defer end()
		if err != nil {
			return sim.Output{}, err
		}
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return sim.Output{Stdout: out.String(), Stderr: errors.String()}, nil
}
