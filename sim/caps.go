package sim

import (
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/kernel"
)

// AllCapabilities are the capabilities by their numbers.
var AllCapabilities = kernel.Capabilities

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

// Dropped are the capabilities that root lacks in a container that was asked
// for with these.
func Dropped(add, drop []string) (lacks fs.Capabilities) {
	has, err := Capabilities(add, drop)
	for number, name := range kernel.Capabilities {
		if err == nil && !slices.Contains(has, name) {
			lacks |= 1 << number
		}
	}
	return lacks
}
