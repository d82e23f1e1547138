package sim

import (
	"slices"
	"strings"
)

// AllCapabilities are the capabilities by their numbers (capabilities(7)).
var AllCapabilities = strings.Fields(`
CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID
CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW
CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT
CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD
CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG
CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE`)

// defaultCapabilities are docker's (moby, daemon/pkg/oci/caps/defaults.go).
var defaultCapabilities = strings.Fields(`
CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETFCAP
CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE`)

// Capabilities are those that a container has, by their numbers: docker's
// default ones with what the user adds and drops, where "ALL" counts for all
// that is not named on the other side (moby, caps.TweakCapabilities).
func Capabilities(add, drop []string) ([]string, error) {
	add, err := capabilityNames("CapAdd", add)
	if err != nil {
		return nil, err
	}
	if drop, err = capabilityNames("CapDrop", drop); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(AllCapabilities), func(c string) bool {
		switch {
		case slices.Contains(add, "ALL"):
			return slices.Contains(drop, c)
		case slices.Contains(add, c):
			return false
		}
		return slices.Contains(drop, "ALL") || slices.Contains(drop, c) || !slices.Contains(defaultCapabilities, c)
	}), nil
}

// capabilityNames spells names as they are in the list.
func capabilityNames(field string, names []string) (out []string, err error) {
	for _, name := range names {
		name = strings.ToUpper(name)
		if name != "ALL" && !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		if name != "ALL" && !slices.Contains(AllCapabilities, name) {
			return nil, Refuse("invalid %s: unknown capability: %q", field, name)
		}
		out = append(out, name)
	}
	return out, nil
}
