package model

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim/userland"
)

// kernelView is what a process asks of the modelled kernel.
type kernelView struct{ x *execution }

func (k kernelView) container() (container, kernel.Machine) {
	k.x.t.mu.Lock()
	defer k.x.t.mu.Unlock()
	c, _ := k.x.t.state.container(k.x.id)
	return c, k.x.t.state.Machine
}

// Uname has the host's kernel and the container's own name.
func (k kernelView) Uname() userland.Uname {
	c, m := k.container()
	return userland.Uname{Sysname: m.Sysname, Nodename: c.Host(), Release: m.Release, Version: m.Version, Machine: m.Facts.Machine}
}

// Processes are those of the container's pid namespace.
func (k kernelView) Processes() []userland.ProcessInfo {
	c, m := k.container()
	var out []userland.ProcessInfo
	for _, p := range m.Inside(c.ns.PID) {
		out = append(out, userland.ProcessInfo{PID: p.InnerPID, UID: int(p.UID), Args: p.Args})
	}
	return out
}

// Mounts are the container's.
func (k kernelView) Mounts() []userland.Mount {
	var out []userland.Mount
	for _, m := range k.x.sys.Mounts.List() {
		out = append(out, userland.Mount{Source: m.Source, Target: m.Target, Type: m.Type, Options: m.Options})
	}
	return out
}

// Statfs cannot be modelled: it tells of a disk of no size, and that the model
// cannot know.
func (k kernelView) Statfs(string) (userland.Statfs, error) {
	k.x.beyond(sayDiskFull)
	return userland.Statfs{BlockSize: 4096, FundamentalBlock: 4096, NameLen: 255, Type: "overlayfs"}, nil
}

// SetHostname needs a capability that containers do not get.
func (k kernelView) SetHostname(string) error { return fs.EPERM }

// Kill sends a signal. In the model it ends what this line has started; every
// other process waits for a line, and ignores what does not kill it.
func (k kernelView) Kill(pid, signal int) error {
	c, m := k.container()
	p, _ := m.Find(c.ns.PID, pid)
	action, there := m.Action(p.PID, kernel.Signal(signal), c.ns.PID)
	switch kill := k.x.t.killer(pid); {
	case !there:
		return fs.ESRCH
	case action != kernel.Terminate:
	case kill != nil:
		kill(signal)
	default:
		k.killLeft(pid)
	}
	return nil
}

// killLeft ends what a line has left running.
func (k kernelView) killLeft(pid int) {
	k.x.t.mu.Lock()
	defer k.x.t.mu.Unlock()
	c, _ := k.x.t.state.container(k.x.id)
	for _, sh := range c.shells {
		if slices.ContainsFunc(sh.left(), func(j leftJob) bool { return j.PID == pid }) {
			k.x.t.reap(c, pid)
		}
	}
}

// killer ends a process that runs now; nil: it does not.
func (t *transition) killer(pid int) func(signal int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.killers[pid]
}

// killers marks the contexts of processes that Kill can end. The value is the
// context that ends them all.
type killers struct{}

// errEnded is why a process's context ends with the process, which ends none
// of those that it has started.
var errEnded = errors.New("it has ended")

// killable is ctx for a process that Kill can end; killedBy ends that, and is
// the signal that it was ended with, or 0.
func (t *transition) killable(ctx context.Context, pid int) (killable context.Context, killedBy func() int) {
	if ctx.Value(killers{}) == nil {
		ctx = context.WithValue(ctx, killers{}, ctx)
	}
	killable, cancel := context.WithCancelCause(ctx)
	var with atomic.Int32
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.killers == nil {
		t.killers = map[int]func(int){}
	}
	t.killers[pid] = func(signal int) {
		with.CompareAndSwap(0, int32(signal))
		cancel(errEnded)
	}
	return killable, func() int {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.killers, pid)
		cancel(errEnded)
		return int(with.Load())
	}
}
