package userland

import (
	"context"
	"slices"
	"sync"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// Job is a command that a line of a [Shell] has left in the background.
type Job struct {
	PID  int           // above all process ids where it is none of its own
	Rest time.Duration // how long it still sleeps
	More bool          // it goes on then
}

// HasPID says whether the job is a process of its own.
func (j Job) HasPID() bool { return j.PID < noPID }

// jobTable are the background commands of one shell.
type jobTable struct{ list []*job }

// job is one background command.
type job struct {
	started, done chan struct{}
	once          sync.Once
	pid, status   int

	more  bool // it does more than sleep
	mu    sync.Mutex
	naps  int           // programs of it that sleep
	rest  time.Duration // how long the last of them does
	doing chan struct{} // told when that changes
}

func (t *jobTable) add() *job {
	j := &job{started: make(chan struct{}), done: make(chan struct{}), doing: make(chan struct{}, 1)}
	t.list = append(t.list, j)
	return j
}

// begin tells the process id; the first one counts.
func (j *job) begin(pid int) {
	j.once.Do(func() {
		j.pid = pid
		close(j.started)
	})
}

func (j *job) end(status int) {
	j.status = status
	close(j.done)
}

// id waits until the job has a process id, and is 0 if it never gets one.
func (j *job) id() int {
	select {
	case <-j.started:
		return j.pid
	case <-j.done:
	}
	j.begin(0)
	return j.pid
}

func (j *job) wait(ctx context.Context) int {
	select {
	case <-j.done:
		return j.status
	case <-ctx.Done():
		return exitKilled
	}
}

// wait waits for all of them.
func (t *jobTable) wait(ctx context.Context) {
	for _, j := range t.list {
		j.wait(ctx)
	}
	t.list = nil
}

func (t *jobTable) find(pid int) *job {
	for _, j := range t.list {
		if j.id() == pid {
			return j
		}
	}
	return nil
}

func (j *job) running() bool {
	select {
	case <-j.done:
		return false
	default:
		return true
	}
}

// sleeper is how a program of the job sleeps, which p has started.
func (j *job) sleeper(p *Process) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		j.nap(1, d)
		defer j.nap(-1, d)
		return p.sleep(ctx, d)
	}
}

func (j *job) nap(n int, d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.naps, j.rest = j.naps+n, d
	select {
	case j.doing <- struct{}{}:
	default:
	}
}

func (j *job) asleep() (time.Duration, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rest, j.naps > 0
}

// patience is how long a job may run on behind a line without a sleep.
const patience = 3 * time.Second

// leave waits until each job has ended or sleeps, and tells of those that have
// not ended.
func (t *jobTable) leave(ctx context.Context) (left []Job) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, j := range t.list {
		rest, asleep := j.asleep()
		for ; !asleep && j.running() && ctx.Err() == nil; rest, asleep = j.asleep() {
			select {
			case <-j.doing:
			case <-j.done:
			case <-ctx.Done():
			}
		}
		switch {
		case !j.running():
		case asleep:
			left = append(left, Job{PID: j.id(), Rest: rest, More: j.more})
		default:
			left = append(left, Job{PID: j.id(), More: true})
		}
	}
	return left
}

// resume takes over the jobs that earlier lines have left.
func (in *interp) resume(left []Job) {
	for _, l := range left {
		j := in.jobs.add()
		j.more, j.naps, j.rest = l.More, 1, l.Rest
		j.begin(l.PID)
		in.p.beside(func() { in.sleepOn(j, l) })
	}
}

// glance is how often it is looked whether a job is still there.
const glance = 20 * time.Millisecond

// sleepOn ends a job that was left when it has slept, or was killed.
func (in *interp) sleepOn(j *job, l Job) {
	for left := l.Rest; ; left -= glance {
		switch {
		case left <= 0 && !l.More:
			j.end(0)
			return
		case l.HasPID() && !in.alive(l.PID):
			j.end(128 + signalNumber("TERM"))
			return
		case in.p.sleep(in.ctx, min(max(left, time.Millisecond), glance)) != nil:
			return
		}
	}
}

func (in *interp) alive(pid int) bool {
	return slices.ContainsFunc(in.p.Kernel.Processes(), func(p ProcessInfo) bool { return p.PID == pid })
}

// sleeps says whether cmd is sleep, and no more.
func (in *interp) sleeps(cmd syntax.Command) bool {
	call, ok := cmd.(*syntax.CallExpr)
	return ok && in.isProgram(cmd) && baseOf(call.Args[0].Lit()) == "sleep"
}
