package kernel

import (
	"testing"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
)

func TestProcesses(t *testing.T) {
	old, _ := booted(t)
	m, ns := old.NewNamespaces()
	other, otherNS := m.NewNamespaces()
	require.NotEqual(t, ns.PID, otherNS.PID)
	require.Equal(t, ns.User, otherNS.User, "the user namespace is the engine's")

	m, first := other.Start(Process{Args: []string{"sh"}, Namespaces: ns})
	m, second := m.Start(Process{Args: []string{"ls"}, Namespaces: ns})
	require.Equal(t, []int{1, 2}, []int{first.InnerPID, second.InnerPID})
	require.Equal(t, first.PID+1, second.PID)
	require.Len(t, m.Inside(ns.PID), 2)

	m = m.Exit(second.PID)
	m, third := m.Start(Process{Args: []string{"ps"}, Namespaces: ns})
	require.Equal(t, 3, third.InnerPID, "numbers are not used again")

	require.Empty(t, m.Exit(first.PID).Inside(ns.PID), "with process 1 all end")
	require.Len(t, m.Inside(ns.PID), 2, "the older machine stays as it was")
	require.Len(t, old.Processes(), 1)

	found, ok := m.Find(ns.PID, 3)
	require.True(t, ok)
	require.Equal(t, third, found)
	_, ok = m.Find(ns.PID, 2)
	require.False(t, ok, "it has ended")
	_, ok = m.Find(otherNS.PID, 1)
	require.False(t, ok, "there it is another's number")
	require.Equal(t, []int{third.PID}, m.Gone(ns.PID, m.Exit(third.PID)))
	require.Equal(t, []int{first.PID, third.PID}, m.Gone(ns.PID, m.Exit(first.PID)))
	require.Empty(t, m.Gone(ns.PID, m))

	after, inner := m.Exec(third.PID, []string{"top"}, vfs.Text{})
	require.Equal(t, 3, inner)
	found, _ = after.Find(ns.PID, 3)
	require.Equal(t, []string{"top"}, found.Args)
	found, _ = m.Find(ns.PID, 3)
	require.Equal(t, []string{"ps"}, found.Args)
}
