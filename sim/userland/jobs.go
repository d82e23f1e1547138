package userland

import (
	"context"
	"sync"
)

// jobTable are the background commands of one shell.
type jobTable struct{ list []*job }

// job is one background command.
type job struct {
	started, done chan struct{}
	once          sync.Once
	pid, status   int
}

func (t *jobTable) add() *job {
	j := &job{started: make(chan struct{}), done: make(chan struct{})}
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
