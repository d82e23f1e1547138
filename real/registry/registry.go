// Package registry serves a [sim.Registry] over HTTP on the loopback, as an
// OCI distribution registry
// (https://github.com/opencontainers/distribution-spec/blob/main/spec.md), so
// that a real engine pulls the bundled images as it pulls any other: by tag,
// manifest, configuration and layers, each checked against its digest.
//
// Images can be pushed to it, too, and stay in a directory for the sessions
// that follow. Its address changes with each session, so people have a name
// for it, [Name], localhost:5000: docker tag app localhost:5000/app, docker
// push localhost:5000/app. The embedded engine takes that name for this
// registry as long as no other one listens there.
//
// What lives here is HTTP. What may not: the images themselves (sim/bundle),
// and what a client does with them (real/embedded, real/docker). Of the spec's
// categories, pull and push are served, and the listing of tags.
package registry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"twinlayer/sim"
)

// Name is the registry's name for people.
const Name = "localhost:5000"

// Server is a registry that listens. Its methods are safe for concurrent use.
type Server struct {
	http http.Server
	addr string
	done chan error // gets Serve's answer, then is closed

	pushed *pushed
}

// Serve starts a registry on a free port of 127.0.0.1. An image is asked of
// reg when a client first asks for it. What is pushed is kept in the directory
// dir; if that is "", nothing can be pushed.
func Serve(reg sim.Registry, dir string) (*Server, error) {
	h := &handler{store: newStore(reg)}
	if dir != "" {
		var err error
		if h.pushed, err = newPushed(dir); err != nil {
			return nil, fmt.Errorf("serve registry: %w", err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve registry: %w", err)
	}
	s := &Server{
		http: http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second},
		addr: l.Addr().String(),
		done: make(chan error, 1), pushed: h.pushed,
	}
	go s.serve(l)
	return s, nil
}

func (s *Server) serve(l net.Listener) {
	defer close(s.done)
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.done <- fmt.Errorf("serve registry: %w", err)
	}
}

// Addr is where the registry listens, "127.0.0.1:port": what stands before
// the first slash of a reference to one of its images.
func (s *Server) Addr() string { return s.addr }

// Replaced are the references, "localhost:5000/app:1", that were pushed here
// and that another session's registry has given to something else since.
func (s *Server) Replaced() (refs []string) {
	if s.pushed == nil {
		return nil
	}
	for _, ref := range s.pushed.replaced() {
		refs = append(refs, Name+"/"+ref)
	}
	return refs
}

// Close stops listening and ends all connections. It returns the error that
// ended the registry before, if one did.
func (s *Server) Close() error {
	err := errors.Join(s.http.Close(), <-s.done)
	if s.pushed != nil {
		s.pushed.close()
	}
	return err
}
