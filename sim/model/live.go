package model

import (
	"context"

	"twinlayer/sim"
)

// An operation lasts as long as the programs that it runs. Meanwhile those who
// look see the State as it is so far, and those who end something reach what
// runs: the programs of a container that is killed are given up, and what
// waits in another one ends at once.

// underway is a program that an operation runs now.
type underway struct {
	own    bool         // it is the container's own process
	stdout *sim.Printed // what it prints
	stderr *sim.Printed
	kill   func() // gives it up
	killed bool
	over   chan struct{} // closed when it has ended
}

// under has a program be known as long as it runs. What came before, and waits
// for that, is done first. over says whether it was killed.
func (x *execution) under(kill func()) (over func() (killed bool)) {
	t := x.t
	t.mu.Lock()
	defer t.mu.Unlock()
	u := &underway{own: x.p.PID == 1, stdout: &x.stdout, stderr: &x.stderr, kill: kill, over: make(chan struct{})}
	if t.runs == nil {
		t.runs = map[string]*underway{}
	}
	t.runs[x.id] = u
	t.doWaiting()
	return func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.runs, x.id)
		if u.killed && !u.own {
			t.killed = append(t.killed, x.id)
		}
		close(u.over)
		return u.killed
	}
}

// publish shows those who look how far the operation has come.
func (t *transition) publish() {
	t.model.mu.Lock()
	defer t.model.mu.Unlock()
	t.model.state = t.state
}

// doWaiting does what came while the operation itself changed the State.
func (t *transition) doWaiting() {
	waiting := t.waiting
	t.waiting = nil
	for _, do := range waiting {
		do()
	}
}

// close ends an operation: what is still to be done is done, and nothing more
// can come.
func (t *transition) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.doWaiting()
	for _, id := range t.killed { // a program that was added to it has ended with it
		if c, err := t.state.container(id); err == nil && c.Status == sim.Running {
			t.end(id, exitKilled)
		}
	}
}

// beside does op between two steps of the operation; done is false where that
// is over.
func (t *transition) beside(op func(*transition) error) (err error, done bool) {
	result := make(chan error, 1)
	do := func() { result <- op(t); t.publish() }
	t.mu.Lock()
	switch {
	case t.closed:
		t.mu.Unlock()
		return nil, false
	case len(t.runs) > 0:
		do()
	default:
		t.waiting = append(t.waiting, do)
	}
	t.mu.Unlock()
	return <-result, true
}

// beside runs an operation that only ends what runs: by itself or, where one
// is under way, beside that.
func (m *Model) beside(ctx context.Context, key string, op func(*transition) error) error {
	for {
		m.mu.Lock()
		t := m.live
		m.mu.Unlock()
		if t == nil {
			return m.do(op)
		}
		if err, done := t.beside(op); done {
			return t.afterwards(ctx, key, unable(err))
		}
	}
}

// afterwards waits until what was killed in a container has ended.
func (t *transition) afterwards(ctx context.Context, key string, err error) error {
	t.mu.Lock()
	var u *underway
	if c, missing := t.state.container(key); missing == nil {
		u = t.runs[c.ID]
	}
	ends := u != nil && u.killed
	t.mu.Unlock()
	if !ends {
		return err
	}
	select {
	case <-u.over:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// killAll ends all processes of a container, as SIGKILL does.
func (t *transition) killAll(c container) {
	if u := t.runs[c.ID]; u != nil {
		u.killed = true
		u.kill()
		return
	}
	t.end(c.ID, exitKilled)
}

// printing is what the container's own process has printed in an operation
// that is under way.
func (m *Model) printing(id string) (out sim.Output) {
	m.mu.Lock()
	t := m.live
	m.mu.Unlock()
	if t == nil {
		return out
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.runs[id]; u != nil && u.own {
		out.Stdout, out.Stderr = u.stdout.String(), u.stderr.String()
	}
	return out
}
