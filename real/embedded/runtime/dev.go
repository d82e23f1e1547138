//go:build linux

package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// links are the symlinks of /dev; not every kernel has /proc/kcore.
func links() error {
	all := [][2]string{
		{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	}
	if _, err := os.Lstat("/proc/kcore"); err == nil {
		all = append(all, [2]string{"/proc/kcore", "/dev/core"})
	}
	for _, l := range all {
		if err := os.Symlink(l[0], l[1]); err != nil {
			return fmt.Errorf("filling /dev: %w", err)
		}
	}
	return nil
}

// What of /proc and /sys a container does not see, or not change (moby,
// oci/defaults.go), as patterns (path.Match).
var (
	masked = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/virtual/powercap", "/sys/firmware", "/sys/devices/system/cpu/cpu*/thermal_throttle",
	}
	frozen = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// existing are the names below dir that the patterns match: the kernel has
// the same ones for every container.
func existing(dir string, patterns []string) (all []string) {
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, dir) {
			names, _ := filepath.Glob(pattern) // no pattern is malformed
			all = append(all, names...)
		}
	}
	return all
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// maskSys hides parts of /sys. Those that the kernel does not have are passed
// over.
func maskSys() error {
	for _, name := range existing("/sys/", masked) {
		m, err := hidden(name)
		if err != nil {
			return err
		}
		if err := m.attach(); err != nil {
			return err
		}
	}
	return nil
}

// hidden is an empty directory that nobody can write to, or an empty file.
func hidden(name string) (mount, error) {
	if isDir(name) {
		return fresh(name, "tmpfs", quiet|readOnly, "size=0k")
	}
	return bind("/dev/null", name)
}
