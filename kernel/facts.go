package kernel

import (
	"twinlayer/fs/platform"
	"twinlayer/fs/vfs"
)

// Teaching are the facts of a made-up kernel, for machines that have no Linux
// kernel to take them from.
func Teaching(machine string) Facts {
	return Facts{
		Sysname: "Linux", Nodename: "twinlayer", Release: "6.1.0-modelled", Version: "#1 SMP modelled", Machine: machine,
		Arch:      platform.Arch(machine),
		Banner:    "Linux version 6.1.0-modelled (a kernel that exists only in the model)\n",
		Cmdline:   "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro\n",
		BootID:    "00000000-0000-4000-8000-000000000000\n",
		Protected: vfs.Protected{Hardlinks: 1, Symlinks: 1, Fifos: 1, Regular: 2}, // as systemd sets them
		Kcore:     true,
		Modelled:  true,
	}
}
