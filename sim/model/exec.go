package model

import (
	"context"
	"slices"
	"time"
	"twinlayer/fs/vfs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Start runs the container's own process.
func (m *Model) Start(ctx context.Context, key string, detach bool) (out sim.Output, err error) {
	err = m.do(func(t *transition) error {
		out, err = t.start(ctx, key, detach)
		return err
	})
	return out, err
}

func (t *transition) start(ctx context.Context, key string, detach bool) (sim.Output, error) {
	c, err := t.state.container(key)
	if err != nil || c.Status == sim.Running {
		return sim.Output{}, err
	}
	c.held = nil
	mounted := t.mountAll(c)
	x := t.execution(mounted)
	refusal := x.mountable(c)
	if refusal == nil {
		c = mounted
		refusal = x.prepare(c, c.process, sim.StartFailed, x.enter)
		c.mounts = x.sys.Mounts.Snapshot() // what was made to mount on, and to work in, stays
	}
	if refusal != nil {
		c.Exit = max(refusal.Exit, 1)
		t.state = t.state.with(c.unmounted())
		t.autoRemove(c.ID)
		return sim.Output{}, x.refused(refusal)
	}
	x.begin(&x.p)
	c.pid, c.Status, c.Started, c.mounts = x.pid, sim.Running, t.now, x.sys.Mounts.Snapshot()
	t.state = t.state.with(c)
	t.step("exec", x.p.Path, sayStarted(x.p.Args[0]))
	if detach && !sim.IsInteractiveShell(c.process.Args, c.Interactive) {
		t.step("detach", "/", sayDetached)
		return x.background(ctx, c.process), nil
	}
	out := x.run(ctx, c.process)
	t.log(c.ID, out)
	if out.Shell == "" {
		t.end(c.ID, out.Exit)
	}
	return out, nil
}

// refused is why a process could not start, unless that may be for what the
// model does not know.
func (x *execution) refused(refusal *sim.Refusal) error {
	if !x.unknown.Empty() {
		return &sim.Unknown{Why: x.unknown}
	}
	return refusal
}

// log adds to what the container's own process has printed.
func (t *transition) log(id string, out sim.Output) {
	if c, err := t.state.container(id); err == nil {
		c.printed = c.printed.And(out)
		t.state = t.state.with(c)
	}
}

// mountAll gives the container its namespaces and mounts, as an engine does
// before it starts the first process.
func (t *transition) mountAll(c container) container {
	t.step("mount", "/", sayMounted)
	t.state.Machine, c.ns = t.state.Machine.NewNamespaces()
	t.step("namespaces", "/", sayNamespaced(t.state.Machine.Release))
	c.mounts = t.mountVolumes(c, t.state.Machine.ContainerMounts(c.root(), sim.EtcFiles(c.Host()), c.Created))
	t.state = t.state.with(c)
	return c
}

// end notes that the container's own process ended, and with it the others.
func (t *transition) end(id string, exit int) {
	c, err := t.state.container(id)
	if err != nil {
		return
	}
	t.stop(c, exit)
	t.step("exit", "/", sayStopped(exit))
	t.autoRemove(id)
}

// autoRemove removes a container that was started with --rm.
func (t *transition) autoRemove(id string) {
	if c, err := t.state.container(id); err == nil && c.AutoRemove {
		t.removed = c
		t.remove(c)
		t.removeVolumesOf(c)
	}
}

func (t *transition) stop(c container, exit int) {
	if c.Status != sim.Running {
		return
	}
	t.state.Machine = t.state.Machine.Exit(c.pid)
	c.Status, c.Exit, c.Finished, c.pid, c.shells = sim.Exited, exit, t.now, 0, nil
	c.held, c.astray = nil, say.Phrase{}
	t.state = t.state.with(c.unmounted())
}

// unmounted is the container with its root alone: all else that was mounted
// goes with its mount namespace.
func (c container) unmounted() container {
	c.mounts = vfs.NewMounts(c.mounts.List()[0])
	return c
}

// Exec runs one more process in a running container.
func (m *Model) Exec(ctx context.Context, key string, p sim.Process) (out sim.Output, err error) {
	err = m.do(func(t *transition) error {
		out, err = t.exec(ctx, key, p)
		return err
	})
	return out, err
}

func (t *transition) exec(ctx context.Context, key string, p sim.Process) (sim.Output, error) {
	c, err := t.state.container(key)
	if err != nil {
		return sim.Output{}, err
	}
	if c.Status != sim.Running {
		return sim.Output{}, sim.NotRunning(c.Container)
	}
	p = inContainer(c, p)
	x := t.execution(c)
	if refusal := x.prepare(c, p, sim.ExecRefused, x.join); refusal != nil {
		return sim.Output{}, x.refused(refusal)
	}
	x.begin(&x.p)
	t.step("exec", x.p.Path, sayJoined(x.p.Args[0]))
	if p.Detach {
		return x.aside(ctx, c), nil
	}
	out := x.run(ctx, p)
	if out.Shell == "" {
		t.state.Machine = t.state.Machine.Exit(x.pid)
	}
	return out, nil
}

// aside runs a detached process of docker exec, of which nobody sees the
// output. One that waits is beyond the model: it holds only a container's own
// process.
func (x *execution) aside(ctx context.Context, c container) sim.Output {
	program := x.program(&x.p)
	if why := x.cannotKnow(c, program); !why.Empty() {
		return sim.Output{Unknown: why}
	}
	ctx, stop := x.t.within(ctx, patience)
	defer stop()
	limit := &deadline{until: x.t.now, stop: stop}
	x.p.Sleep = func(ctx context.Context, d time.Duration) error { return limit.sleep(x.t, ctx, d) }
	x.toEnd(ctx, program)
	why := x.output(0).Unknown
	if limit.paused() {
		x.t.state.Machine = limit.then
		return sim.Output{Unknown: why}
	}
	x.t.state.Machine = x.t.state.Machine.Exit(x.pid)
	return sim.Output{Unknown: why}
}

// inContainer fills in from the container what the exec did not say.
func inContainer(c container, p sim.Process) sim.Process {
	env := slices.Clone(c.process.Env)
	for _, kv := range p.Env {
		env = sim.Setenv(env, kv)
	}
	p.Env = env
	if p.Dir == "" {
		p.Dir = c.process.Dir
	}
	if p.User == "" {
		p.User = c.process.User
	}
	return p
}

// Line hands a waiting shell one line.
func (m *Model) Line(ctx context.Context, key, line string) (out sim.Output, err error) {
	err = m.do(func(t *transition) error {
		c, sh, err := t.state.shell(key)
		if err != nil {
			return err
		}
		x := t.execution(c)
		if why := sh.foreign.Or(c.astray); !why.Empty() {
			out = sim.Output{Shell: key, Unknown: why}
			return nil
		}
		x.resume(sh.process, sh.pid)
		out = x.line(ctx, key, sh, line)
		if key == c.ID {
			t.log(c.ID, out)
		}
		return nil
	})
	return out, err
}

// Hangup ends a waiting shell.
func (m *Model) Hangup(ctx context.Context, key string) (sim.Output, error) {
	return m.Line(ctx, key, "exit")
}
