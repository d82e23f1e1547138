package model

import (
	"context"
	"path"
	"sync/atomic"
	"time"

	"twinlayer/sim/userland"
)

// outliving runs a child whose parent may end before it: the child goes on
// then, an orphan, until all ends.
func (x *execution) outliving(parent, all context.Context, own *execution, child *userland.Process) int {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	follow := func(other context.Context) { cancel(context.Cause(other)) }
	stop := context.AfterFunc(parent, func() {
		if context.Cause(parent) != errEnded {
			follow(parent)
			return
		}
		context.AfterFunc(all, func() { follow(all) })
	})
	slept := napping(child)
	ended := make(chan outcome, 1)
	x.t.jobs.Go(func() {
		ended <- caught(func() int { return x.live(ctx, own, child) })
		if context.Cause(ctx) == errLeft && context.Cause(parent) == errEnded {
			x.orphan(child, slept())
		}
		stop()
	})
	select {
	case o := <-ended:
		return o.status()
	case <-parent.Done():
	}
	if context.Cause(parent) == errEnded {
		return exitKilled
	}
	return (<-ended).status()
}

// orphan notes a process that goes on, and how long it still sleeps.
func (x *execution) orphan(p *userland.Process, rest time.Duration) {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.orphans = append(x.orphans, userland.Job{PID: p.PID, Rest: rest, More: path.Base(p.Args[0]) != "sleep"})
}

// napping has the process note how long it, or what it has started, sleeps.
func napping(p *userland.Process) (rest func() time.Duration) {
	var last atomic.Int64
	sleep := p.Sleep
	p.Sleep = func(ctx context.Context, d time.Duration) error {
		last.Store(int64(d))
		return sleep(ctx, d)
	}
	return func() time.Duration { return time.Duration(last.Load()) }
}

// outcome is how a process has ended: with a status, or with a fault of the
// model's.
type outcome struct {
	exit  int
	fault any
}

func caught(f func() int) (o outcome) {
	defer func() { o.fault = recover() }()
	o.exit = f()
	return o
}

// status is the exit status. A fault is the caller's.
func (o outcome) status() int {
	if o.fault != nil {
		panic(o.fault)
	}
	return o.exit
}
