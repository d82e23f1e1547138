//go:build linux

package box

import (
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// Power is what the processes of a container may do.
type Power struct {
	Caps   uint64            // the capabilities, a bit each
	Filter []unix.SockFilter // the seccomp filter; see [Filter]
}

// NewPower is the power of a container with these capabilities.
func NewPower(capabilities []string) (Power, error) {
	p := Power{}
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
