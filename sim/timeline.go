package sim

import (
	"slices"
)

// Timeline is the model's steps of a session with a cursor in them. Going
// back and forward moves the cursor and nothing else, because every step
// keeps the whole state after it. Of a long session the oldest commands are
// let go; [StepsKept] steps and the last command are always there. The zero
// value is empty.
type Timeline struct {
	moments []Moment
	at      int // moments shown: the cursor is behind the at-th
	gone    int // so many older ones were let go
}

// StepsKept is how many steps of earlier commands one can at least go back.
const StepsKept = 5000

// Moment is a step and where it stands.
type Moment struct {
	Step
	Cmd   string // the command that it is of
	Index int    // its place among that command's steps, from 1
	Of    int    // how many these are
}

// Add puts the steps of a command at the end and the cursor behind them, or
// in front of them if held.
func (t *Timeline) Add(cmd string, steps []Step, held bool) {
	t.forget()
	t.at = len(t.moments)
	for i, s := range steps {
		t.moments = append(t.moments, Moment{s, cmd, i + 1, len(steps)})
	}
	if !held {
		t.End()
	}
}

// forget lets the oldest commands go where more than twice as many steps are
// kept as have to be.
func (t *Timeline) forget() {
	from := len(t.moments) - StepsKept
	if from <= StepsKept {
		return
	}
	from -= t.moments[from].Index - 1 // the beginning of its command
	if from > 0 {
		t.moments, t.gone = slices.Clone(t.moments[from:]), t.gone+from
	}
}

// Cut says whether there were steps before the first that one can go back to.
func (t *Timeline) Cut() bool { return t.gone > 0 }

// Forward moves behind the next step and returns it; ok is false at the end.
func (t *Timeline) Forward() (m Moment, ok bool) {
	if t.Ahead() == 0 {
		return m, false
	}
	t.at++
	return t.moments[t.at-1], true
}

// Back moves behind the step before and returns it; ok is false at the start.
func (t *Timeline) Back() (m Moment, ok bool) {
	if t.at <= 1 {
		return m, false
	}
	t.at--
	return t.moments[t.at-1], true
}

// GoTo moves behind the n-th step and returns it; ok is false where there is
// none.
func (t *Timeline) GoTo(n int) (m Moment, ok bool) {
	if n < 1 || n > len(t.moments) {
		return m, false
	}
	t.at = n
	return t.moments[n-1], true
}

// Steps are the numbers of the steps of a command, as GoTo has them, by the
// steps taken before it and after it in the whole session; ok is false where
// it took none, or they are not kept.
func (t *Timeline) Steps(before, after int) (first, last int, ok bool) {
	first, last = max(before-t.gone, 0)+1, after-t.gone
	return first, last, first <= last
}

// Taken is how many steps were taken in the whole session.
func (t *Timeline) Taken() int { return t.gone + len(t.moments) }

// Shown is how many of all steps are behind the cursor.
func (t *Timeline) Shown() int { return t.gone + t.at }

// Until is the timeline up to where so many steps were taken, with the cursor
// at its end.
func (t Timeline) Until(taken int) Timeline {
	n := max(taken-t.gone, 0)
	t.moments = t.moments[:n:n]
	t.End()
	return t
}

// Now is the step that the cursor is behind; ok is false where there is none.
func (t *Timeline) Now() (m Moment, ok bool) {
	if t.at == 0 {
		return m, false
	}
	return t.moments[t.at-1], true
}

// Peek is the step in front of the cursor; ok is false at the end.
func (t *Timeline) Peek() (m Moment, ok bool) {
	if t.Ahead() == 0 {
		return m, false
	}
	return t.moments[t.at], true
}

// Len is how many steps one can go to.
func (t *Timeline) Len() int { return len(t.moments) }

// At is the number of the step that the cursor is behind.
func (t *Timeline) At() int { return t.at }

// Ahead is how many steps are in front of the cursor.
func (t *Timeline) Ahead() int { return len(t.moments) - t.at }

// End moves the cursor behind the last step.
func (t *Timeline) End() { t.at = len(t.moments) }

// Rewind moves in front of the last command's steps.
func (t *Timeline) Rewind() { t.at = len(t.moments) - len(t.Last()) }

// Command are the steps of the command that the cursor is in.
func (t *Timeline) Command() []Moment {
	m, ok := t.Now()
	if !ok {
		return nil
	}
	from := t.at - m.Index
	return t.moments[from : from+m.Of]
}

// Last are the steps of the last command.
func (t *Timeline) Last() []Moment {
	if len(t.moments) == 0 {
		return nil
	}
	return t.moments[len(t.moments)-t.moments[len(t.moments)-1].Of:]
}
