package kernel

import (
	"slices"
	"time"

	"twinlayer/fs"
	"twinlayer/fs/persist"
)

// Facts are what the model takes from the real machine, so that both worlds
// print the same.
type Facts struct {
	Sysname  string // "Linux"
	Nodename string // the host's name
	Release  string // as uname -r
	Version  string // as uname -v
	Machine  string // as uname -m
	Banner   string // /proc/version
	Cmdline  string // /proc/cmdline
	BootID   string // /proc/sys/kernel/random/boot_id
	// Protected is /proc/sys/fs/protected_*.
	Protected fs.Protected
	Kcore     bool // there is /proc/kcore, to which engines then make the link /dev/core
	Modelled  bool // there is no Linux kernel to take them from: these are made up
}

// Phase is how far the machine has come up.
type Phase string

// The phases of a boot, in order. Linux is kernel space and user space: the
// bootfs (boot loader, kernel, initramfs) brings up the first and is then
// unmounted; the rootfs holds the second.
const (
	Off       Phase = "off"
	PoweredOn Phase = "powered on"
	Bootfs    Phase = "bootfs loaded"
	Rootfs    Phase = "rootfs mounted"
	Booted    Phase = "bootfs unmounted"
	Up        Phase = "up"
)

// Machine is one computer with one kernel. It is an immutable value.
type Machine struct {
	*Facts    // never changed
	Phase     Phase
	Mounts    []Mounted                         // of the host
	processes persist.Map[int, *Process]        // by PID
	inside    persist.Map[uint64, pidNamespace] // by inode number
	lastPID   int
	lastNS    uint64
}

// pidNamespace is what numbers the processes in it.
type pidNamespace struct {
	last int   // the inner PID that was given last
	pids []int // of its processes, on the host, ascending
}

// Mounted is a mount of the host.
type Mounted struct{ Source, Target, Type string }

// Process is a process as the host's kernel knows it.
type Process struct {
	PID        int // in the host's pid namespace
	InnerPID   int // in its own
	UID        uint32
	Args       []string
	Text       fs.Text // the program that it runs
	Namespaces Namespaces
	Container  string // the id of the container it belongs to; "": the host
	Started    time.Time
}

// Namespaces are what a process sees as its own, by inode number, as
// /proc/PID/ns shows them (namespaces(7)).
type Namespaces struct{ User, Mnt, PID, UTS, IPC, Net uint64 }

// firstNS is where Linux begins to number namespaces that are made after boot.
const firstNS = 4026532000

var hostNS = Namespaces{User: 4026531837, Mnt: 4026531841, PID: 4026531836, UTS: 4026531838, IPC: 4026531839, Net: 4026531840}

// New is a machine that is switched off.
func New(f Facts) Machine { return Machine{Facts: &f, Phase: Off, lastNS: firstNS} }

// Boot takes the machine one phase further; ok is false when it is up.
func (m Machine) Boot() (next Machine, event fs.Event, ok bool) {
	for i, step := range bootSteps {
		if m.Phase == step.from {
			next = step.do(m)
			next.Phase = bootSteps[i].to
			return next, step.event, true
		}
	}
	return m, fs.Event{}, false
}

var bootSteps = []struct {
	from, to Phase
	event    fs.Event
	do       func(Machine) Machine
}{
	{Off, PoweredOn, fs.Event{Op: "power-on", Path: "/", Why: sayFirmwareStarts},
		func(m Machine) Machine { return m }},
	{PoweredOn, Bootfs, fs.Event{Op: "load", Path: "/boot", Why: sayBootfsComes},
		func(m Machine) Machine { return m.mount(Mounted{"bootfs", "/", "ramfs"}) }},
	{Bootfs, Rootfs, fs.Event{Op: "mount", Path: "/", Why: sayRootfsMounted},
		func(m Machine) Machine {
			return m.mount(Mounted{"rootfs", "/", "ext4"}, Mounted{"proc", "/proc", "proc"}, Mounted{"devtmpfs", "/dev", "devtmpfs"})
		}},
	{Rootfs, Booted, fs.Event{Op: "unmount", Path: "/boot", Why: sayBootfsGone},
		func(m Machine) Machine {
			m.Mounts = slices.DeleteFunc(slices.Clone(m.Mounts), func(x Mounted) bool { return x.Source == "bootfs" })
			return m
		}},
	{Booted, Up, fs.Event{Op: "exec", Path: "/sbin/init", Why: sayInitStarts},
		func(m Machine) Machine {
			m, _ = m.Start(Process{Args: []string{"init"}, Namespaces: hostNS})
			return m
		}},
}

func (m Machine) mount(list ...Mounted) Machine {
	m.Mounts = append(slices.Clip(m.Mounts), list...)
	return m
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
func (m Machine) Exec(pid int, args []string, text fs.Text) (next Machine, inner int) {
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
