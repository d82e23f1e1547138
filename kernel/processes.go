package kernel

import (
	"slices"
	"time"
	"twinlayer/fs/vfs"
)

// Process is a process as the host's kernel knows it.
type Process struct {
	PID        int // in the host's pid namespace
	InnerPID   int // in its own
	Args       []string
	Text       vfs.Text // the program that it runs
	Namespaces Namespaces
	Container  string // the id of the container it belongs to; "": the host
	Started    time.Time
	Credentials
}

// pidNamespace is what numbers the processes in it.
type pidNamespace struct {
	last int   // the inner PID that was given last
	pids []int // of its processes, on the host, ascending
}

// Namespaces are what a process sees as its own, by inode number, as
// /proc/PID/ns shows them (namespaces(7)).
type Namespaces struct{ User, Mnt, PID, UTS, IPC, Net uint64 }

// firstNS is where Linux begins to number namespaces that are made after boot.
const firstNS = 4026532000

// HostNamespaces are those of the machine's first process, and of engines.
func HostNamespaces() Namespaces {
	return Namespaces{User: 4026531837, Mnt: 4026531841, PID: 4026531836, UTS: 4026531838, IPC: 4026531839, Net: 4026531840}
}

// NewNamespaces makes the namespaces that a container gets. The user
// namespace is the engine's and is shared.
func (m Machine) NewNamespaces() (Machine, Namespaces) {
	n := m.lastNS
	m.lastNS += 5
	return m, Namespaces{User: firstNS, Mnt: n + 1, UTS: n + 2, IPC: n + 3, PID: n + 4, Net: n + 5}
}

// Start adds a process. Its host PID is the next free one, its inner PID the
// next in its pid namespace.
func (m Machine) Start(p Process) (Machine, Process) {
	ns, _ := m.inside.Get(p.Namespaces.PID)
	m.lastPID++
	ns.last++
	p.PID, p.InnerPID = m.lastPID, ns.last
	ns.pids = append(slices.Clip(ns.pids), p.PID)
	m.inside = m.inside.With(p.Namespaces.PID, ns)
	m.processes = m.processes.With(p.PID, &p)
	return m, p
}

// Exec lets a process go on as another program (execve(2)), and returns its
// inner PID, which stays as it is.
func (m Machine) Exec(pid int, args []string, text vfs.Text) (next Machine, inner int) {
	old, ok := m.processes.Get(pid)
	if !ok {
		return m, 0
	}
	p := *old
	p.Args, p.Text = args, text
	m.processes = m.processes.With(pid, &p)
	return m, p.InnerPID
}

// Exit removes a process, and with the first of a pid namespace all in it.
func (m Machine) Exit(pid int) Machine {
	gone, ok := m.processes.Get(pid)
	if !ok {
		return m
	}
	ns, _ := m.inside.Get(gone.Namespaces.PID)
	if gone.InnerPID == 1 {
		for _, pid := range ns.pids {
			m.processes = m.processes.Without(pid)
		}
		m.inside = m.inside.Without(gone.Namespaces.PID)
		return m
	}
	m.processes = m.processes.Without(pid)
	ns.pids = slices.DeleteFunc(slices.Clone(ns.pids), func(other int) bool { return other == pid })
	m.inside = m.inside.With(gone.Namespaces.PID, ns)
	return m
}

// Processes are all processes, ascending by PID.
func (m Machine) Processes() (all []Process) {
	for p := range m.processes.Values() {
		all = append(all, *p)
	}
	return all
}

// Inside are the processes of one pid namespace.
func (m Machine) Inside(ns uint64) []Process {
	var out []Process
	in, _ := m.inside.Get(ns)
	for _, pid := range in.pids {
		p, _ := m.processes.Get(pid)
		out = append(out, *p)
	}
	return out
}

// Find is the process of an inner PID in a pid namespace.
func (m Machine) Find(ns uint64, inner int) (p Process, ok bool) {
	in, _ := m.inside.Get(ns)
	for _, pid := range in.pids {
		if p, _ := m.processes.Get(pid); p.InnerPID == inner {
			return *p, true
		}
	}
	return Process{}, false
}

// Gone are the processes of a pid namespace, by their PIDs on the host, that
// are there no more in a later machine.
func (m Machine) Gone(ns uint64, later Machine) (pids []int) {
	in, _ := m.inside.Get(ns)
	for _, pid := range in.pids {
		if _, there := later.processes.Get(pid); !there {
			pids = append(pids, pid)
		}
	}
	return pids
}
