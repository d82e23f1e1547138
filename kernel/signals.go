package kernel

import (
	"slices"
	"strconv"
	"strings"
)

// Signal is a signal by its number (signal(7)). 0 is none: it only asks
// whether there is such a process.
type Signal int

// The signals that no process can handle.
const (
	SIGKILL Signal = 9
	SIGSTOP Signal = 19
)

// rtMin and rtMax are the first and the last real-time signal that a program
// is given.
const rtMin, rtMax = 34, 64

// signalNames are Linux's by number, up to the real-time signals.
var signalNames = []string{
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

// secondNames are what some signals are called too.
var secondNames = map[string]Signal{"IOT": 6, "CLD": 17, "POLL": 29, "RTMIN": rtMin, "RTMAX": rtMax}

// ParseSignal is the signal that a number or a name, with "SIG" before it or
// without, means.
func ParseSignal(s string) (sig Signal, ok bool) {
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n, err := strconv.Atoi(name); err == nil {
		return Signal(n), n >= 1 && n <= rtMax
	}
	if sig, ok = secondNames[name]; ok {
		return sig, true
	}
	if n := slices.Index(signalNames, name); n > 0 {
		return Signal(n), true
	}
	return realTime(name)
}

// realTime is the signal of a name such as RTMIN+1 or RTMAX-1.
func realTime(name string) (sig Signal, ok bool) {
	up, fromMin := strings.CutPrefix(name, "RTMIN+")
	down, fromMax := strings.CutPrefix(name, "RTMAX-")
	if fromMin {
		n, err := strconv.ParseUint(up, 10, 8)
		return rtMin + Signal(n), err == nil && n <= rtMax-rtMin
	}
	n, err := strconv.ParseUint(down, 10, 8)
	return rtMax - Signal(n), fromMax && err == nil && n <= rtMax-rtMin
}

// String is the signal's name without "SIG".
func (s Signal) String() string {
	switch {
	case s >= 0 && int(s) < len(signalNames):
		return signalNames[s]
	case s == rtMin:
		return "RTMIN"
	}
	return "RTMIN+" + strconv.Itoa(int(s)-rtMin)
}

// ExitStatus is what a shell and an engine tell of a process that the signal
// has ended.
func (s Signal) ExitStatus() int { return 128 + int(s) }

// Action is what a signal does to a process.
type Action string

// The actions (signal(7), "Signal dispositions"). One that dumps core
// terminates.
const (
	Ignore    Action = "ignore"
	Terminate Action = "terminate"
	Stop      Action = "stop"
	Continue  Action = "continue"
)

// Default is what the signal does to a process that has no handler for it.
func (s Signal) Default() Action {
	switch s.String() {
	case "", "CHLD", "URG", "WINCH":
		return Ignore
	case "STOP", "TSTP", "TTIN", "TTOU":
		return Stop
	case "CONT":
		return Continue
	}
	return Terminate
}

// Action is what a signal does to a process that handles none, if the sender
// is in the pid namespace from. The first process of a pid namespace is spared
// (pid_namespaces(7)): nothing from inside ends it, and from outside only what
// cannot be handled does anything to it.
func (m Machine) Action(pid int, s Signal, from uint64) (a Action, ok bool) {
	p, ok := m.processes.Get(pid)
	if !ok {
		return "", false
	}
	forced := from != p.Namespaces.PID && (s == SIGKILL || s == SIGSTOP)
	if p.InnerPID == 1 && !forced {
		return Ignore, true
	}
	return s.Default(), true
}

// Signal sends a signal to a process that handles none, which is gone if that
// terminates it. It does not stop one: a process is here or not.
func (m Machine) Signal(pid int, s Signal, from uint64) (next Machine, a Action, ok bool) {
	a, ok = m.Action(pid, s, from)
	if a == Terminate {
		m = m.Exit(pid)
	}
	return m, a, ok
}
