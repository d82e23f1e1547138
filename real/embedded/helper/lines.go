//go:build linux

package helper

import (
	"context"
	"fmt"
	"time"

	"twinlayer/real/embedded/runtime"
	"twinlayer/real/shell"
	"twinlayer/sim"
)

// shellSession is a shell that takes lines.
type shellSession struct {
	*shell.Session
	name  string
	in    *container
	proc  *runtime.Proc
	ended <-chan struct{} // closed when its end is noted everywhere
}

// await keeps a shell that just started under its name.
func (h *helper) await(s *shellSession) sim.Output {
	s.Session = shell.New(s.proc.Stdin, s.proc.Stdout, s.proc.Stderr)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shells[s.name] = s
	return sim.Output{Shell: s.name}
}

// dropShells forgets the shells of a container that is no more.
func (h *helper) dropShells(c *container) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.shells {
		if s.in == c {
			delete(h.shells, name)
			go s.proc.Close()
		}
	}
}

func (h *helper) line(ctx context.Context, args LineArgs) (sim.Output, error) {
	return h.talk(ctx, args.Shell, func(s *shellSession, interrupt func()) (shell.Result, error) {
		return s.Line(aloud(ctx), args.Line, interrupt)
	})
}

func (h *helper) hangup(ctx context.Context, name string) (sim.Output, error) {
	return h.talk(ctx, name, func(s *shellSession, interrupt func()) (shell.Result, error) {
		return s.Hangup(aloud(ctx), interrupt)
	})
}

// talk does one thing with a shell and notes its end.
func (h *helper) talk(ctx context.Context, name string, do func(*shellSession, func()) (shell.Result, error)) (sim.Output, error) {
	s, err := h.shell(name)
	if err != nil {
		return sim.Output{}, err
	}
	done := make(chan struct{})
	r, err := do(s, func() { s.interrupt(done) })
	close(done)
	if err != nil {
		return sim.Output{}, err
	}
	if s.name == s.in.info.ID {
		s.in.logs.add(r.Stdout, r.Stderr)
	}
	out := sim.Output{Stdout: r.Stdout, Stderr: r.Stderr, Exit: r.Exit, Shell: name}
	if r.Ended {
		out.Exit, out.Shell = h.bury(ctx, s), ""
	}
	return out, nil
}

func (h *helper) shell(name string) (*shellSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.shells[name]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("no shell %.12s waits for a line: it has ended; start its container again", name)
}

// interrupt stops what a line started, and the shell if it does not come back.
func (s *shellSession) interrupt(done <-chan struct{}) {
	if s.proc.KillChildren() > 0 {
		select {
		case <-done:
			return
		case <-time.After(sim.Grace):
		}
	}
	s.proc.KillChildren()
	s.proc.Kill()
}

// bury waits for the end of a shell whose output has ended; one that lives on
// without output reads the end of its input.
func (h *helper) bury(ctx context.Context, s *shellSession) int {
	h.mu.Lock()
	delete(h.shells, s.name)
	h.mu.Unlock()
	s.proc.Stdin.Close()
	defer context.AfterFunc(ctx, s.proc.Kill)()
	<-s.ended
	s.proc.Close()
	return s.proc.Wait()
}
