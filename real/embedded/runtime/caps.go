//go:build linux

package runtime

import (
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// Privileges are what the processes of a container may do.
type Privileges struct {
	Caps   uint64            // the capabilities, a bit each
	Filter []unix.SockFilter // the seccomp filter; see [Filter]
}

// NewPrivileges are those of a container with these capabilities.
func NewPrivileges(capabilities []string) (Privileges, error) {
	p := Privileges{}
	for bit, name := range sim.AllCapabilities {
		for _, c := range capabilities {
			if c == name {
				p.Caps |= 1 << bit
			}
		}
	}
	var err error
	p.Filter, err = filterFor(capabilities)
	return p, err
}

// setgroupsDenied says whether the user namespace's owner may not change
// groups (user_namespaces(7), /proc/pid/setgroups). The first call must come
// before /proc is a container's.
var setgroupsDenied = sync.OnceValue(func() bool {
	text, _ := os.ReadFile("/proc/self/setgroups")
	return strings.TrimSpace(string(text)) == "deny"
})
