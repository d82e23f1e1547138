//go:build linux

package box

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"

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

// restrict gives up, for the calling thread and all it starts, every
// capability that a container does not have, and the chance to gain any
// through a suid program. The bounding set limits what the next execve
// leaves (capabilities(7)).
func (p *Power) restrict() error {
	for c := uintptr(0); c <= 63; c++ {
		if p.Caps&(1<<c) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // beyond the last one that the kernel knows
		}
		if err != nil {
			return fmt.Errorf("dropping capability %d: %w", c, err)
		}
	}
	if err := clearInheritable(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	return p.filter()
}

func clearInheritable() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		return fmt.Errorf("clearing the inheritable capabilities: %w", err)
	}
	return nil
}

// filter sets the seccomp filter for the calling thread and all it starts
// (seccomp(2)).
func (p *Power) filter() error {
	if len(p.Filter) == 0 {
		return errNoFilter
	}
	program := unix.SockFprog{Len: uint16(len(p.Filter)), Filter: &p.Filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("setting the seccomp filter: %w", errno)
	}
	return nil
}

// setgroupsDenied says whether the user namespace's owner may not change
// groups (user_namespaces(7), /proc/pid/setgroups). The first call must come
// before /proc is a container's.
var setgroupsDenied = sync.OnceValue(func() bool {
	text, _ := os.ReadFile("/proc/self/setgroups")
	return strings.TrimSpace(string(text)) == "deny"
})
