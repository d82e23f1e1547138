package kernel

import (
	"slices"
	"strings"
	"twinlayer/fs/vfs"
)

// Capabilities are the capabilities by their numbers (capabilities(7)).
var Capabilities = strings.Fields(`
CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID
CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW
CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT
CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD
CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG
CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE`)

// defaults are what a container's root has where nothing else is asked for
// (moby, daemon/pkg/oci/caps/defaults.go).
var defaults, _ = ParseCapabilities(strings.Fields(`
CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETFCAP
CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE`))

// AllCapabilities are all that the kernel knows.
func AllCapabilities() vfs.Capabilities { return 1<<len(Capabilities) - 1 }

// CapabilityNames are the names of a set, by number.
func CapabilityNames(set vfs.Capabilities) (names []string) {
	for number, name := range Capabilities {
		if set&(1<<number) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// CapabilityList is what somebody adds or drops: capabilities by name, or "ALL"
// that are not named on the other side.
type CapabilityList struct {
	Set vfs.Capabilities
	All bool
}

// ParseCapabilities reads names, in capitals or not, with "CAP_" before them or
// without. unknown is the first that is none; "": all are known.
func ParseCapabilities(names []string) (list CapabilityList, unknown string) {
	for _, name := range names {
		name = strings.ToUpper(name)
		if name == "ALL" {
			list.All = true
			continue
		}
		if !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		number := slices.Index(Capabilities, name)
		if number < 0 {
			return list, name
		}
		list.Set |= 1 << number
	}
	return list, ""
}

// Granted are the capabilities of a container's root: the default ones with
// what is added and dropped (moby, caps.TweakCapabilities).
func Granted(add, drop CapabilityList) vfs.Capabilities {
	switch {
	case add.All:
		return AllCapabilities() &^ drop.Set
	case drop.All:
		return add.Set
	}
	return defaults.Set&^drop.Set | add.Set
}
