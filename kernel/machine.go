package kernel

import (
	"slices"
	"twinlayer/fs"
	"twinlayer/fs/persist"
	"twinlayer/fs/vfs"
)

// Facts are what the model takes from the real machine, so that both worlds
// print the same.
type Facts struct {
	Sysname  string // "Linux"
	Nodename string // the host's name
	Release  string // as uname -r
	Version  string // as uname -v
	Machine  string // as uname -m
	Arch     string // what programs are made for it, as GOARCH has it
	Banner   string // /proc/version
	Cmdline  string // /proc/cmdline
	BootID   string // /proc/sys/kernel/random/boot_id
	// Protected is /proc/sys/fs/protected_*.
	Protected vfs.Protected
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

// Mounted is a mount of the host.
type Mounted struct{ Source, Target, Type string }

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
			m, _ = m.Start(Process{Args: []string{"init"}, Namespaces: HostNamespaces()})
			return m
		}},
}

func (m Machine) mount(list ...Mounted) Machine {
	m.Mounts = append(slices.Clip(m.Mounts), list...)
	return m
}
