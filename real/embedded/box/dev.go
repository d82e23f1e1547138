//go:build linux

package box

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// devices are the host's devices that every container sees (runtime-spec,
// config-linux.md, "Default Devices"). A user namespace cannot make devices,
// so the host's are bound, read-only: under root's own map of ids a container
// could change their permissions otherwise.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// devpts are terminals of the container's own; group 5 is tty, where the user
// namespace has it.
func devpts() (mount, error) {
	options := []string{"newinstance", "ptmxmode=0666", "mode=0620"}
	m, err := fresh("/dev/pts", "devpts", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC, append(options, "gid=5")...)
	if err != nil {
		return fresh("/dev/pts", "devpts", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC, options...)
	}
	return m, nil
}

// links are the symlinks of /dev.
func links() error {
	for _, l := range [][2]string{
		{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"}, {"/proc/kcore", "/dev/core"},
	} {
		if err := os.Symlink(l[0], l[1]); err != nil {
			return fmt.Errorf("filling /dev: %w", err)
		}
	}
	return nil
}

// What of /proc and /sys a container does not see, or not change (moby,
// oci/defaults.go).
var (
	maskedFiles = []string{"/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug"}
	maskedDirs  = []string{"/proc/asound", "/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"}
	frozen      = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// mask hides and freezes these paths. Those that the kernel does not have are
// passed over.
func mask() error {
	for _, name := range maskedFiles {
		if err := over(name, func() (mount, error) { return bind("/dev/null", name) }); err != nil {
			return err
		}
	}
	for _, name := range maskedDirs {
		if err := over(name, func() (mount, error) { return fresh(name, "tmpfs", quiet|readOnly, "size=0k") }); err != nil {
			return err
		}
	}
	for _, name := range frozen {
		if err := over(name, func() (mount, error) { return bindReadOnly(name, name, 0) }); err != nil {
			return err
		}
	}
	return nil
}

func over(name string, cover func() (mount, error)) error {
	if unix.Access(name, unix.F_OK) != nil {
		return nil
	}
	m, err := cover()
	if err != nil {
		return err
	}
	return m.attach()
}
