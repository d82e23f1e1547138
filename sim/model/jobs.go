package model

import (
	"slices"
	"time"

	"twinlayer/sim/userland"
)

// leftJob is a command that a line of a waiting shell has left in the
// background, where it sleeps. Its processes stay in the machine.
type leftJob struct {
	userland.Job
	wake time.Time
}

// leave notes which jobs a line has left. What one of them does after its
// sleep the model does not follow.
func (t *transition) leave(jobs []userland.Job) (left []leftJob) {
	for _, j := range jobs {
		left = append(left, leftJob{j, t.now.Add(j.Rest)})
	}
	return left
}

// asleep are the jobs of a shell as they are now.
func (t *transition) asleep(sh idleShell) (jobs []userland.Job) {
	for _, j := range sh.jobs {
		j.Rest = j.wake.Sub(t.now)
		jobs = append(jobs, j.Job)
	}
	return jobs
}

// left is all that lines of the shell have left running.
func (sh idleShell) left() []leftJob { return slices.Concat(sh.jobs, sh.orphans) }

// wakeJobs ends the jobs that have slept. One that does more is beyond the
// model from then on, and with it the files of its container.
func (t *transition) wakeJobs() {
	for c := range t.state.containers.running.Values() {
		for key, sh := range c.shells {
			if !slices.ContainsFunc(sh.left(), t.due) {
				continue
			}
			for _, j := range sh.left() {
				if t.due(j) && j.More && t.alive(*c, j) {
					t.astray(c.ID)
				} else if t.due(j) {
					t.reap(*c, j.PID)
				}
			}
			sh.jobs = slices.DeleteFunc(slices.Clone(sh.jobs), t.due)
			sh.orphans = slices.DeleteFunc(slices.Clone(sh.orphans), t.due)
			t.addShell(c.ID, key, sh)
		}
	}
}

// alive says whether a job still runs.
func (t *transition) alive(c container, j leftJob) bool {
	_, there := t.state.Machine.Find(c.ns.PID, j.PID)
	return there || !j.HasPID()
}

func (t *transition) due(j leftJob) bool { return !j.wake.After(t.now) }

// reap takes a process of c, by its id inside, from the machine.
func (t *transition) reap(c container, pid int) {
	if p, there := t.state.Machine.Find(c.ns.PID, pid); there {
		t.state.Machine = t.state.Machine.Exit(p.PID)
	}
}

// astray notes that a job of the container does what the model does not
// follow.
func (t *transition) astray(id string) {
	if c, err := t.state.container(id); err == nil {
		c.astray = sayGoesOn
		t.state = t.state.with(c)
	}
}
