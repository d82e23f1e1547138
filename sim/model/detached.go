package model

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"
	"twinlayer/sim/userland"
)

// A detached process goes on between commands. The model runs it up to where
// it first waits for the clock (sleep) or for input, and holds it there as
// running. A later command finds it as far as it would be by then: the model
// runs it once more from its start, as far as its time has come. That tells
// the same, because a process depends on nothing but what is in the State;
// unless something else has changed the container's files meanwhile.

// detached is a container's own process that waits.
type detached struct {
	process resting
	before  *vfs.Mounts       // as it found them
	after   *fs.Tree          // the container's layer as it left it
	earlier *contents.Printed // what earlier starts had printed
	running []int             // the processes it has started and waits for, on the host
	steps   int               // how many it has taken
	wake    time.Time         // when it goes on; zero: never
	timed   bool              // it went on by the clock
	lost    say.Phrase        // why the model cannot tell any more how far it is; ""
	foreign bool              // its program is not the model's
}

// deadline is how far a process may run.
type deadline struct {
	mu    sync.Mutex
	until time.Time
	wake  time.Time
	waits bool
	then  kernel.Machine // when it began to wait
	stop  context.CancelFunc
}

// ages are as good as for ever, as in sleep infinity.
const ages = 1000 * time.Hour

// sleep passes time that has passed already, and ends the run where it has
// not.
func (h *deadline) sleep(t *transition, ctx context.Context, d time.Duration) error {
	t.mu.Lock()
	wake := t.now.Add(d)
	if !wake.After(h.until) {
		t.now = wake
	}
	t.mu.Unlock()
	if !wake.After(h.until) {
		return ctx.Err()
	}
	if d > ages {
		wake = time.Time{}
	}
	h.pause(t, wake)
	return context.Canceled
}

// pause ends the run; the process goes on at wake.
func (h *deadline) pause(t *transition, wake time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.waits {
		h.waits, h.wake, h.then = true, wake, t.state.Machine
	}
	h.stop()
}

// paused says whether the run was ended by a wait.
func (h *deadline) paused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waits
}

// openInput is an input that stays open and brings nothing.
type openInput struct {
	h *deadline
	t *transition
}

func (o openInput) Read([]byte) (int, error) {
	o.h.pause(o.t, time.Time{})
	return 0, io.EOF
}

// patience is how long the model lets a detached process run without a wait.
const patience = 3 * time.Second

// background runs the container's own process up to its first wait.
func (x *execution) background(ctx context.Context, p sim.Process) sim.Output {
	c, _ := x.t.state.container(x.id)
	program := x.program(&x.p)
	why := x.cannotKnow(c, program)
	h := &detached{process: x.rest(), before: c.mounts.Snapshot(), earlier: c.printed, foreign: !why.Empty()}
	if !why.Empty() {
		h.lost = why
		x.hold(h)
		return sim.Output{Unknown: why}
	}
	return x.goOn(ctx, h, program, x.t.now, p.Interactive)
}

// goOn runs a held process from its start as far as until.
func (x *execution) goOn(ctx context.Context, h *detached, program userland.Program, until time.Time, open bool) sim.Output {
	ctx, stop := x.t.within(ctx, patience)
	defer stop()
	limit := &deadline{until: until, stop: stop}
	x.p.Sleep = func(ctx context.Context, d time.Duration) error { return limit.sleep(x.t, ctx, d) }
	if open {
		x.p.Stdin = openInput{limit, x.t}
	}
	from := len(x.t.steps)
	exit := x.toEnd(ctx, program)
	out := x.output(exit)
	x.t.steps = append(x.t.steps[:from], x.t.steps[min(from+h.steps, len(x.t.steps)):]...)
	h.steps += len(x.t.steps) - from
	c, err := x.t.state.container(x.id)
	if err != nil {
		return out
	}
	c.printed = h.earlier.And(out)
	h.after, h.wake = c.root().Upper(), limit.wake
	switch {
	case limit.paused():
		h.running, h.lost = limit.then.Gone(c.ns.PID, x.t.state.Machine), out.Unknown
		x.t.state.Machine, c.held = limit.then, h
		x.t.state = x.t.state.with(c)
	case ctx.Err() != nil:
		h.lost = sayNeverWaits
		c.held = h
		x.t.state = x.t.state.with(c)
		return sim.Output{Unknown: h.lost}
	default:
		x.t.state = x.t.state.with(c)
		x.t.end(x.id, exit)
	}
	return sim.Output{Exit: 0, Unknown: out.Unknown}
}

func (x *execution) hold(h *detached) {
	if c, err := x.t.state.container(x.id); err == nil {
		c.held = h
		x.t.state = x.t.state.with(c)
	}
}

// catchUp lets every held process go on as far as the time has come.
func (t *transition) catchUp() {
	for c := range t.state.containers.running.Values() {
		if c.held != nil && !c.held.wake.IsZero() && c.held.lost.Empty() && !c.held.wake.After(t.now) {
			t.goOn(*c, t.now)
		}
	}
}

// goOn runs the held process of c as far as until.
func (t *transition) goOn(c container, until time.Time) {
	h := *c.held
	h.timed = true
	t.timed = true
	if len(fs.Diff(h.after, c.root().Upper())) > 0 {
		h.lost = sayBothChanged
		c.held = &h
		t.state = t.state.with(c)
		return
	}
	now := t.now
	t.now = c.Started
	c.mounts, c.held = h.before, nil
	t.state = t.state.with(c)
	for _, pid := range h.running {
		t.state.Machine = t.state.Machine.Exit(pid)
	}
	x := t.execution(c)
	x.resume(h.process, c.pid)
	x.goOn(context.Background(), &h, x.program(&x.p), until, c.Interactive)
	t.now = now
}

// Stop asks a container's process to end and kills it if it does not.
func (m *Model) Stop(ctx context.Context, key string, grace time.Duration) error {
	return m.beside(ctx, key, func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil || c.Status != sim.Running {
			return err
		}
		sig, _ := sim.ParseSignal(cmp.Or(c.StopSignal, c.image.Config.Config.StopSignal, "TERM"))
		t.step("signal", "/", sayAsked(sig.String(), c.Name))
		if ended, err := t.signal(c, sig); ended || err != nil {
			return err
		}
		t.step("signal", "/", sayUnheard(grace.String()))
		t.now = t.now.Add(grace)
		t.killAll(c)
		return nil
	})
}

// Kill sends a signal to a container's process.
func (m *Model) Kill(ctx context.Context, key, signal string) error {
	return m.beside(ctx, key, func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		sig, err := sim.ParseSignal(signal)
		if err != nil {
			return err
		}
		if c.Status != sim.Running {
			return sim.NotKilled(c.Container, key)
		}
		t.step("signal", "/", saySignalled(sig.String(), c.Name))
		_, err = t.signal(c, sig)
		return err
	})
}

// signal does to a container's process what a signal from its engine does, and
// says whether that ended it.
func (t *transition) signal(c container, sig kernel.Signal) (ended bool, err error) {
	action, _ := t.state.Machine.Action(c.pid, sig, kernel.HostNamespaces().PID)
	switch {
	case action == kernel.Terminate:
		t.killAll(c)
		return true, nil
	case action == kernel.Stop:
		return false, &sim.Unknown{Why: sayNoStopping}
	case c.held != nil && !c.held.lost.Empty():
		return false, &sim.Unknown{Why: c.held.lost}
	case (c.held != nil || t.runs[c.ID] != nil) && trapping(c.Path):
		return false, &sim.Unknown{Why: sayTrapped}
	}
	for _, sh := range c.shells {
		if why := sh.foreign.Or(c.astray); !why.Empty() {
			return false, &sim.Unknown{Why: why}
		}
	}
	return false, nil
}

func trapping(argv []string) bool { return strings.Contains(strings.Join(argv, " "), "trap") }

// Wait waits for a container's end.
func (m *Model) Wait(_ context.Context, key string) (exit int, err error) {
	err = m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if c = t.toEnd(c); c.Status == sim.Running {
			return &sim.Unknown{Why: sayNoEnd}
		}
		exit = c.Exit
		return nil
	})
	return exit, err
}

// toEnd lets time pass until the container has ended, and is the container
// then, which may have removed itself. Where it does not end nothing happens.
func (t *transition) toEnd(c container) container {
	before, now, state, steps := c, t.now, t.state, len(t.steps)
	for n := range waitsMost {
		if c.Status != sim.Running || c.held == nil || !c.held.lost.Empty() || c.held.wake.IsZero() {
			break
		}
		// Each time it runs from its start, so each time it runs twice as long.
		t.now = c.held.wake.Add(c.held.wake.Sub(c.Started) * time.Duration(min(n, 1)))
		t.goOn(c, t.now)
		next, err := t.state.container(c.ID)
		if err != nil {
			return t.removed
		}
		c = next
	}
	if c.Status != sim.Running {
		return c
	}
	t.now, t.state, t.steps = now, state, t.steps[:steps]
	return before
}

// waitsMost is how many times a process is looked at while it is waited for.
const waitsMost = 10

// Logs are what a container's own process printed. One that is followed is at
// its end at once: there is nobody whom time could pass for.
func (m *Model) Logs(_ context.Context, key string, follow bool) (out sim.Output, err error) {
	if !follow {
		c, err := m.State().container(key)
		return c.logs(m.printing(c.ID)), err
	}
	err = m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		c = t.toEnd(c)
		if out = c.logs(sim.Output{}); c.Status == sim.Running {
			out.Unknown = out.Unknown.Or(sayNoEnd)
		}
		return nil
	})
	return out, err
}

// logs is what a container's own process has printed, with what comes now.
func (c container) logs(now sim.Output) sim.Output {
	out := c.printed.And(now).Output()
	if c.held != nil {
		out.Unknown = c.held.lost
	}
	return out
}

// Top is what ps tells of a container's processes.
func (m *Model) Top(_ context.Context, key string) ([][]string, error) {
	st := m.State()
	c, err := st.container(key)
	if err != nil {
		return nil, err
	}
	if c.Status != sim.Running {
		return nil, sim.NotRunning(c.Container)
	}
	rows := [][]string{{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}}
	for _, p := range st.Machine.Inside(c.ns.PID) {
		rows = append(rows, []string{who(p.UID), strconv.Itoa(p.PID), "1", "0", p.Started.Format("15:04"), "?", "00:00:00", strings.Join(p.Args, " ")})
	}
	return rows, nil
}

func who(uid uint32) string {
	if uid == 0 {
		return "root"
	}
	return strconv.Itoa(int(uid))
}
