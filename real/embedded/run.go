//go:build linux

package embedded

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"twinlayer/real/embedded/box"
	"twinlayer/sim"
)

func (h *helper) start(ctx context.Context, key string) (sim.Output, error) {
	c, err := h.find(key)
	if err != nil {
		return sim.Output{}, err
	}
	proc, ended, err := h.launch(c)
	if err != nil || proc == nil {
		return sim.Output{}, err
	}
	if sim.TakesLines(c.info.Path, c.info.Interactive) {
		return h.await(&waiting{name: c.info.ID, in: c, proc: proc, ended: ended}), nil
	}
	out := gather(ctx, proc)
	<-ended
	return out, nil
}

// launch starts the container's first process; nil if it runs already.
func (h *helper) launch(c *container) (*box.Proc, chan struct{}, error) {
	c.starting.Lock()
	defer c.starting.Unlock()
	if h.status(c).Status == sim.Running {
		return nil, nil, nil
	}
	proc, err := h.begin(c)
	if err != nil {
		if c.info.AutoRemove {
			h.forget(c)
		}
		return nil, nil, refused(err, sim.StartFailed)
	}
	h.mu.Lock()
	c.info.Status, c.info.Started = sim.Running, time.Now()
	h.mu.Unlock()
	c.proc, c.ended = proc, make(chan struct{})
	go h.finish(c, proc, c.ended)
	return c.proc, c.ended, nil
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
	c.starting.Lock()
	first := c.proc
	c.starting.Unlock()
	info := h.status(c)
	if info.Status != sim.Running {
		return sim.Output{}, sim.NotRunning(info)
	}
	proc, err := first.Exec(c.process(args.Process), args.Process.Interactive)
	if err != nil {
		return sim.Output{}, refused(err, sim.ExecRefused)
	}
	if sim.TakesLines(args.Process.Args, args.Process.Interactive) {
		return h.await(&waiting{name: args.Process.ID, in: c, proc: proc, ended: proc.Done()}), nil
	}
	return gather(ctx, proc), nil
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

// gather waits for a process and returns what it printed; its input is empty.
// When ctx ends, the process is killed.
func gather(ctx context.Context, proc *box.Proc) sim.Output {
	defer proc.Close()
	defer context.AfterFunc(ctx, func() { proc.KillChildren(); proc.Kill() })()
	if proc.Stdin != nil {
		proc.Stdin.Close()
	}
	var out, err sim.Printed
	done := make(chan struct{})
	go func() {
		io.Copy(&err, proc.Stderr)
		close(done)
	}()
	io.Copy(&out, proc.Stdout)
	<-done
	return sim.Output{Exit: proc.Wait(), Stdout: out.String(), Stderr: err.String()}
}
