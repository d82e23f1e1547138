package model

import (
	"twinlayer/kernel"
	"twinlayer/sim/userland"
)

// resting is a process that waits, for a line or for the clock: what it is, and
// nothing that leads to the machine on which it runs.
type resting struct {
	userland.Process
	chance kernel.Chance
}

// rest is the process as it waits.
func (x *execution) rest() resting {
	p := x.p
	return resting{userland.Process{
		Args: p.Args, Path: p.Path, Env: p.Env, Dir: p.Dir, Terminal: p.Terminal,
		UID: p.UID, GID: p.GID, Groups: p.Groups, PID: p.PID, PPID: p.PPID, Umask: p.Umask,
	}, x.chance}
}

// resume lets a process that has waited go on.
func (x *execution) resume(r resting, pid int) {
	x.p, x.chance, x.pid = r.Process, r.chance, pid
	x.bind(x.lacks)
}

// draw is a number by chance.
func (x *execution) draw() uint64 {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	return x.chance.Draw()
}
