package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]Signal{
		"KILL": 9, "sigterm": 15, "9": 9, "SIG15": 15, "CLD": 17, "IOT": 6, "POLL": 29, "31": 31,
		"RTMIN": 34, "SIGRTMIN+1": 35, "RTMAX-1": 63, "rtmax": 64, "64": 64, "RTMIN+30": 64, "RTMAX-30": 34,
	} {
		sig, ok := ParseSignal(text)
		require.True(t, ok, text)
		require.Equal(t, want, sig, text)
	}
	for _, text := range []string{"", "SIG", "0", "-1", "65", "KILLS", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTM", "RTMIN+", "RTMIN+-1", "RTMIN+300", "RTMIN++1"} {
		_, ok := ParseSignal(text)
		require.False(t, ok, text)
	}
	for n := Signal(1); n <= 64; n++ {
		if n == 32 || n == 33 {
			continue // the C library's own
		}
		sig, ok := ParseSignal(n.String())
		require.True(t, ok, n.String())
		require.Equal(t, n, sig)
	}
	require.Equal(t, 137, SIGKILL.ExitStatus())
}

// TestActions is the table of signal(7).
func TestActions(t *testing.T) {
	for action, names := range map[Action][]string{
		Ignore:   {"CHLD", "URG", "WINCH"},
		Stop:     {"STOP", "TSTP", "TTIN", "TTOU"},
		Continue: {"CONT"},
		Terminate: {"HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
			"STKFLT", "XCPU", "XFSZ", "VTALRM", "PROF", "IO", "PWR", "SYS", "RTMIN", "RTMAX"},
	} {
		for _, name := range names {
			sig, ok := ParseSignal(name)
			require.True(t, ok, name)
			require.Equal(t, action, sig.Default(), name)
		}
	}
	require.Equal(t, Ignore, Signal(0).Default(), "it only asks")
}

// TestSignal: the first process of a pid namespace is spared, but for what its
// engine sends and nobody can handle; with it all end.
func TestSignal(t *testing.T) {
	m, _ := booted(t)
	m, ns := m.NewNamespaces()
	m, first := m.Start(Process{Args: []string{"sleep"}, Namespaces: ns})
	m, second := m.Start(Process{Args: []string{"sh"}, Namespaces: ns})
	outside, inside := HostNamespaces().PID, ns.PID
	const term Signal = 15
	for _, c := range []struct {
		pid  int
		sig  Signal
		from uint64
		want Action
		left int
	}{
		{first.PID, term, outside, Ignore, 2},
		{first.PID, SIGKILL, inside, Ignore, 2},
		{first.PID, SIGSTOP, inside, Ignore, 2},
		{first.PID, SIGSTOP, outside, Stop, 2},
		{first.PID, SIGKILL, outside, Terminate, 0},
		{second.PID, term, inside, Terminate, 1},
		{second.PID, term, outside, Terminate, 1},
		{second.PID, SIGSTOP, inside, Stop, 2},
		{second.PID, 0, inside, Ignore, 2},
	} {
		next, action, ok := m.Signal(c.pid, c.sig, c.from)
		require.True(t, ok)
		require.Equal(t, c.want, action, "%v to %d", c.sig, c.pid)
		require.Len(t, next.Inside(ns.PID), c.left)
	}
	_, ok := m.Action(4711, term, outside)
	require.False(t, ok, "ESRCH")
	require.Len(t, m.Inside(ns.PID), 2, "the older machine stays as it was")
	init := m.Processes()[0]
	action, _ := m.Action(init.PID, SIGKILL, outside)
	require.Equal(t, Ignore, action, "the machine's own init is the first of its namespace")
}
