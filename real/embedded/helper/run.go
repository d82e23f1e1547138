//go:build linux

package helper

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"twinlayer/real/embedded/runtime"
	"twinlayer/sim"
)

func (h *helper) start(ctx context.Context, args StartArgs) (sim.Output, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return sim.Output{}, err
	}
	if !args.Detach {
		ctx = aloud(ctx)
	}
	r, err := h.launch(ctx, c, args.Detach)
	switch {
	case err != nil || r == nil:
		return sim.Output{}, err
	case args.Detach:
		return sim.Output{}, nil
	case r.printed == nil:
		return sim.Output{Shell: c.info.ID}, nil
	}
	out := r.printed.wait(ctx)
	<-r.ended
	return out, nil
}

// containerRun is one run of a container.
type containerRun struct {
	proc    *runtime.Proc
	printed *printed      // nil: a shell's, which comes line by line
	ended   chan struct{} // closed when the container's end is noted
}

// launch starts the container's first process; nil if it runs already.
func (h *helper) launch(ctx context.Context, c *container, detach bool) (*containerRun, error) {
	err := h.partBelow(c)
	c.starting.Lock()
	defer c.starting.Unlock()
	if h.status(c).Status == sim.Running {
		return nil, nil
	}
	var proc *runtime.Proc
	if err == nil {
		proc, err = h.begin(c)
	}
	if err != nil {
		if c.info.AutoRemove {
			h.removeVolumes(h.forget(c))
		}
		return nil, refused(err, sim.StartFailed)
	}
	h.mu.Lock()
	c.info.Status, c.info.Started = sim.Running, time.Now()
	h.mu.Unlock()
	h.tell(c)
	c.run = &containerRun{proc: proc, ended: make(chan struct{})}
	if sim.IsInteractiveShell(c.info.Path, c.info.Interactive) {
		h.dropShells(c)
		h.await(&shellSession{name: c.info.ID, in: c, proc: proc, ended: c.run.ended})
	} else {
		c.run.printed = gather(ctx, proc, !detach, &c.logs)
	}
	go h.finish(c, c.run)
	return c.run, nil
}

func (h *helper) begin(c *container) (*runtime.Proc, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := c.makeSources(); err != nil {
		return nil, err
	}
	process, err := c.process(sim.Process{Args: c.info.Path})
	if err != nil {
		return nil, err
	}
	if c.limits, err = c.limit(); err != nil {
		return nil, err
	}
	proc, err := runtime.Start(runtime.Spec{
		Process: process, Root: h.root(c), Hostname: c.info.Host(), Mounts: c.mounts(h.store),
		ReadOnly: c.info.ReadOnly, HostNetwork: c.info.Network == sim.HostNetwork,
	}, c.limits, c.info.Interactive)
	if err != nil && c.limits != nil {
		c.limits.Remove()
	}
	return proc, err
}

// limit makes the cgroups that the container needs; nil if it has no limits.
func (c *container) limit() (*runtime.Limits, error) {
	if c.info.Memory <= 0 && c.info.PIDs <= 0 {
		return nil, nil
	}
	l, err := runtime.NewLimits(c.info.ID, c.info.Memory, c.info.PIDs)
	if err != nil {
		return nil, sim.Refuse("%v", err)
	}
	return l, nil
}

// process is a process of the container: what p leaves open is the
// container's, and then the image's.
func (c *container) process(p sim.Process) (runtime.Process, error) {
	capabilities, err := sim.Capabilities(c.info.CapAdd, c.info.CapDrop)
	if err != nil {
		return runtime.Process{}, err
	}
	privileges, err := runtime.NewPrivileges(capabilities)
	return runtime.Process{
		Args: p.Args,
		Env:  sim.Environ(c.info.Host(), c.info.TTY, c.config.Env, slices.Concat(c.info.Env, p.Env)),
		Dir:  cmp.Or(p.Dir, c.info.Dir, c.config.WorkingDir),
		User: cmp.Or(p.User, c.info.User, c.config.User), Privileges: privileges,
	}, err
}

func (h *helper) exec(ctx context.Context, args ExecArgs) (sim.Output, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return sim.Output{}, err
	}
	info, r := h.status(c), c.current()
	if info.Status != sim.Running {
		return sim.Output{}, sim.NotRunning(info)
	}
	process, err := c.process(args.Process)
	if err != nil {
		return sim.Output{}, err
	}
	proc, err := r.proc.Exec(ctx, process, args.Process.Interactive)
	if err != nil {
		return sim.Output{}, refused(err, sim.ExecRefused)
	}
	if sim.IsInteractiveShell(args.Process.Args, args.Process.Interactive) && !args.Process.Detach {
		return h.await(&shellSession{name: args.Process.ID, in: c, proc: proc, ended: proc.Done()}), nil
	}
	if !args.Process.Detach {
		ctx = aloud(ctx)
	}
	out := gather(ctx, proc, !args.Process.Detach, nil)
	if args.Process.Detach {
		return sim.Output{}, nil
	}
	return out.wait(ctx), nil
}

// refused puts a failure to start into docker's words.
func refused(err error, worded func(string) *sim.Refusal) error {
	var f *runtime.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Kind {
	case runtime.Runtime:
		return worded(f.Text)
	case runtime.Daemon:
		return sim.Refuse("%s", f.Text)
	}
	return err
}

// printed is what a process prints, as it comes.
type printed struct {
	proc        *runtime.Proc
	out, errors sim.Printed
	done        chan struct{} // closed when the process has ended and all is here
}

// gather begins to read what a process prints, into the logs too, and aloud
// where ctx says so. With eof its input is empty.
func gather(ctx context.Context, proc *runtime.Proc, eof bool, l *logs) *printed {
	if proc.Stdin != nil && eof {
		proc.Stdin.Close()
	}
	p := &printed{proc: proc, done: make(chan struct{})}
	var both sync.WaitGroup
	read := func(w io.Writer, r io.Reader) {
		w, hush := sim.Aloud(ctx, w)
		io.Copy(w, r)
		hush()
	}
	both.Go(func() { read(l.beside(&p.out, "stdout"), proc.Stdout) })
	both.Go(func() { read(l.beside(&p.errors, "stderr"), proc.Stderr) })
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
	return sim.Output{Exit: p.proc.Wait(), Stdout: p.out.Take(), Stderr: p.errors.Take()}
}
