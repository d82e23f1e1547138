package real

import (
	"os"
	"strconv"
	"strings"
	"twinlayer/fs/platform"
	"twinlayer/fs/vfs"
	"twinlayer/kernel"

	"golang.org/x/sys/unix"
)

// Facts are what this machine's kernel says of itself.
func Facts() kernel.Facts {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return kernel.Teaching(platform.Machine(platform.Host()))
	}
	return kernel.Facts{
		Sysname: unix.ByteSliceToString(u.Sysname[:]), Nodename: unix.ByteSliceToString(u.Nodename[:]),
		Release: unix.ByteSliceToString(u.Release[:]), Version: unix.ByteSliceToString(u.Version[:]),
		Machine: unix.ByteSliceToString(u.Machine[:]), Arch: platform.Host(),
		Banner: text("/proc/version"), Cmdline: text("/proc/cmdline"), BootID: text("/proc/sys/kernel/random/boot_id"),
		Protected: vfs.Protected{
			Hardlinks: protected("hardlinks"), Symlinks: protected("symlinks"),
			Fifos: protected("fifos"), Regular: protected("regular"),
		},
		Kcore: exists("/proc/kcore"),
	}
}

// protected is one of the sysctls fs.protected_*.
func protected(what string) int {
	level, _ := strconv.Atoi(strings.TrimSpace(text("/proc/sys/fs/protected_" + what)))
	return level
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func text(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}
