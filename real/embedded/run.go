//go:build linux

package embedded

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"twinlayer/real/embedded/box"
	"twinlayer/sim"
)

func (h *helper) start(ctx context.Context, args startArgs) (sim.Output, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return sim.Output{}, err
	}
	r, err := h.launch(c, args.Detach)
	switch {
	case err != nil || r == nil:
		return sim.Output{}, err
	case args.Detach:
		return sim.Output{}, nil
	case r.printed == nil:
		return sim.Output{Shell: c.info.ID}, nil
	}
	return r.printed.wait(ctx), nil
}

// running is one run of a container.
type running struct {
	proc    *box.Proc
	printed *printed      // nil: a shell's, which comes line by line
	ended   chan struct{} // closed when the container's end is noted
}

// launch starts the container's first process; nil if it runs already.
func (h *helper) launch(c *container, detach bool) (*running, error) {
	c.starting.Lock()
	defer c.starting.Unlock()
	if h.status(c).Status == sim.Running {
		return nil, nil
	}
	proc, err := h.begin(c)
	if err != nil {
		if c.info.AutoRemove {
			h.forget(c)
		}
		return nil, refused(err, sim.StartFailed)
	}
	h.mu.Lock()
	c.info.Status, c.info.Started = sim.Running, time.Now()
	h.mu.Unlock()
	c.run = &running{proc: proc, ended: make(chan struct{})}
	if sim.TakesLines(c.info.Path, c.info.Interactive) {
		h.dropShells(c)
		h.await(&waiting{name: c.info.ID, in: c, proc: proc, ended: c.run.ended})
	} else {
		c.run.printed = gather(proc, !detach, &c.logs)
	}
	go h.finish(c, c.run)
	return c.run, nil
}

func (h *helper) begin(c *container) (*box.Proc, error) {
	if err := c.clearWork(); err != nil {
		return nil, err
	}
	return box.Start(box.Spec{
		Process: c.process(sim.Process{Args: c.info.Path, Env: nil, Dir: c.info.Dir, User: c.info.User}),
		Root: box.Root{
			Dir: h.store.Dir(), Lower: h.relative(c.lower()...),
			Upper: h.relative(c.path("upper"))[0], Work: h.relative(c.path("work"))[0],
			Merged: c.path("merged"),
		},
		Hostname: c.info.Host(),
		Files:    c.files(),
	}, c.info.Interactive)
}

// clearWork empties overlayfs's work directory: a volatile mount leaves a
// mark there that forbids another one (kernel document, "Volatile mount").
func (c *container) clearWork() error {
	if err := os.RemoveAll(c.path("work")); err != nil {
		return err
	}
	return os.Mkdir(c.path("work"), 0o755)
}

// process is a process of the container: what p leaves open is the
// container's, and then the image's.
func (c *container) process(p sim.Process) box.Process {
	return box.Process{
		Args: p.Args,
		Env:  sim.Environ(c.info.Host(), c.info.TTY, c.config.Env, slices.Concat(c.info.Env, p.Env)),
		Dir:  cmp.Or(p.Dir, c.info.Dir, c.config.WorkingDir),
		User: cmp.Or(p.User, c.info.User, c.config.User),
	}
}

func (h *helper) exec(ctx context.Context, args execArgs) (sim.Output, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return sim.Output{}, err
	}
	info, r := h.status(c), c.current()
	if info.Status != sim.Running {
		return sim.Output{}, sim.NotRunning(info)
	}
	proc, err := r.proc.Exec(c.process(args.Process), args.Process.Interactive)
	if err != nil {
		return sim.Output{}, refused(err, sim.ExecRefused)
	}
	if sim.TakesLines(args.Process.Args, args.Process.Interactive) && !args.Process.Detach {
		return h.await(&waiting{name: args.Process.ID, in: c, proc: proc, ended: proc.Done()}), nil
	}
	out := gather(proc, !args.Process.Detach, nil)
	if args.Process.Detach {
		return sim.Output{}, nil
	}
	return out.wait(ctx), nil
}

// refused puts a failure to start into docker's words.
func refused(err error, runtime func(string) *sim.Refusal) error {
	var f *box.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Kind {
	case box.Runtime:
		return runtime(f.Text)
	case box.Daemon:
		return sim.Refuse("%s", f.Text)
	}
	return err
}

// printed is what a process prints, as it comes.
type printed struct {
	proc        *box.Proc
	out, errors sim.Printed
	done        chan struct{} // closed when the process has ended and all is here
}

// gather begins to read what a process prints, into the logs too. With eof its
// input is empty.
func gather(proc *box.Proc, eof bool, l *logs) *printed {
	if proc.Stdin != nil && eof {
		proc.Stdin.Close()
	}
	p := &printed{proc: proc, done: make(chan struct{})}
	var both sync.WaitGroup
	both.Go(func() { io.Copy(l.beside(&p.out, "stdout"), proc.Stdout) })
	both.Go(func() { io.Copy(l.beside(&p.errors, "stderr"), proc.Stderr) })
	go func() {
		defer close(p.done)
		both.Wait()
		proc.Close()
	}()
	return p
}

// wait waits for the process. When ctx ends, the process is killed.
func (p *printed) wait(ctx context.Context) sim.Output {
	defer context.AfterFunc(ctx, func() { p.proc.KillChildren(); p.proc.Kill() })()
	<-p.done
	return sim.Output{Exit: p.proc.Wait(), Stdout: p.out.String(), Stderr: p.errors.String()}
}
