package real

import (
	"os"

	"golang.org/x/sys/unix"

	"twinlayer/kernel"
)

// Facts are what this machine's kernel says of itself.
func Facts() kernel.Facts {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return kernel.Teaching("x86_64")
	}
	return kernel.Facts{
		Sysname: unix.ByteSliceToString(u.Sysname[:]), Nodename: unix.ByteSliceToString(u.Nodename[:]),
		Release: unix.ByteSliceToString(u.Release[:]), Version: unix.ByteSliceToString(u.Version[:]),
		Machine: unix.ByteSliceToString(u.Machine[:]),
		Banner:  text("/proc/version"), Cmdline: text("/proc/cmdline"), BootID: text("/proc/sys/kernel/random/boot_id"),
	}
}

func text(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}
