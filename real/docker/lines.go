package docker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"twinlayer/real/shell"
	"twinlayer/sim"
)

// shellSession is a shell that takes lines.
type shellSession struct {
	*shell.Session
	name   string
	in     *record
	stream *stream
	pid    int // in its container
	end    func() (int, error)
}

// await keeps a shell that just started under its name. It tells its process
// id itself, since the engine tells only the host's.
func (e *Engine) await(ctx context.Context, s *shellSession) (sim.Output, error) {
	s.Session = shell.New(stdin{s.stream}, s.stream.stdout, s.stream.stderr)
	r, err := s.Line(ctx, "", func() { s.stream.Close() })
	if err != nil {
		return sim.Output{}, err
	}
	if r.Ended {
		return e.over(s, r)
	}
	s.pid = r.PID
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shells[s.name] = s
	return sim.Output{Shell: s.name}, nil
}

// over is what a shell that has ended leaves.
func (e *Engine) over(s *shellSession, r shell.Result) (sim.Output, error) {
	e.mu.Lock()
	delete(e.shells, s.name)
	e.mu.Unlock()
	s.stream.CloseWrite()
	exit, err := s.end()
	s.stream.Close()
	if refusal := notExecuted(exit, r.Stdout+r.Stderr); refusal != nil {
		return sim.Output{}, refusal
	}
	return sim.Output{Stdout: r.Stdout, Stderr: r.Stderr, Exit: exit}, err
}

// Line hands a shell a line.
func (e *Engine) Line(ctx context.Context, name, line string) (sim.Output, error) {
	return e.talk(ctx, name, func(s *shellSession) (shell.Result, error) { return s.Line(ctx, line, func() {}) })
}

// Hangup ends a shell's input.
func (e *Engine) Hangup(ctx context.Context, name string) (sim.Output, error) {
	return e.talk(ctx, name, func(s *shellSession) (shell.Result, error) { return s.Hangup(ctx, func() {}) })
}

func (e *Engine) talk(ctx context.Context, name string, do func(*shellSession) (shell.Result, error)) (sim.Output, error) {
	e.mu.Lock()
	s, ok := e.shells[name]
	e.mu.Unlock()
	if !ok {
		return sim.Output{}, fmt.Errorf("no shell %.12s waits for a line: it has ended; start its container again", name)
	}
	over := whenGivenUp(ctx, func(done <-chan struct{}) { e.interrupt(s, done) })
	r, err := do(s)
	over()
	switch {
	case err != nil:
		return sim.Output{}, err
	case r.Ended:
		return e.over(s, r)
	}
	return sim.Output{Stdout: r.Stdout, Stderr: r.Stderr, Exit: r.Exit, Shell: name}, nil
}

// whenGivenUp calls kill when ctx ends. over is to be called when
// there is nothing more to kill; it waits for a kill that is under way, which
// might meet what comes next.
func whenGivenUp(ctx context.Context, kill func(done <-chan struct{})) (over func()) {
	done, killed := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		kill(done)
	})
	return func() {
		close(done)
		if !stop() {
			<-killed
		}
	}
}

// kills are functions of sh, by what /proc says: "of" kills what a process has
// started, and what those have started, and "all" the process as well. It is
// stopped first: what ended would be started anew. A subshell keeps the
// variables of each.
const kills = `all() { kill -STOP $1; of $1; kill -9 $1; }
of() { for s in /proc/[0-9]*/stat; do read -r pid name state parent rest 2>/dev/null <$s || continue
[ "$parent" = "$1" ] && [ "$pid" != "$$" ] && (all $pid); done; }
`

// children kills what process 0 of the arguments has started.
const children = kills + `of "$0"`

// interrupt stops what a line started, and the shell if it does not come back.
func (e *Engine) interrupt(s *shellSession, done <-chan struct{}) {
	e.inside(s.in, "sh", "-c", children, strconv.Itoa(s.pid))
	select {
	case <-done:
		return
	case <-time.After(sim.Grace):
	}
	if s.pid == 1 {
		e.client.ContainerKill(context.Background(), s.in.engine, client.ContainerKillOptions{Signal: "KILL"})
	} else {
		e.inside(s.in, "sh", "-c", `kill -9 "$0"`, strconv.Itoa(s.pid))
	}
	select {
	case <-done:
	case <-time.After(sim.Grace):
		s.stream.Close() // the engine does not answer
	}
}

// inside runs a command in a container, as root, to its end.
func (e *Engine) inside(c *record, args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), sim.Grace)
	defer cancel()
	made, err := e.client.ExecCreate(ctx, c.engine, client.ExecCreateOptions{User: "0", Cmd: args, AttachStdout: true})
	if err != nil {
		return
	}
	if attached, err := e.client.ExecAttach(ctx, made.ID, client.ExecAttachOptions{}); err == nil {
		stop := context.AfterFunc(ctx, func() { attached.Close() })
		newStream(attached.HijackedResponse).gather(ctx)
		stop()
		attached.Close()
		e.execEnded(made.ID)
	}
}
