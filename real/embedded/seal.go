//go:build linux

package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// seal executes the program again, as name, from where nobody can write to it.
// A container sees it for a moment as /proc/PID/exe, and with enough patience
// would write to the file on disk that way (CVE-2019-5736). It returns only an
// error.
func seal(name string) error {
	fd, err := readOnlyMount()
	if err != nil {
		if fd, err = sealedCopy(); err != nil {
			return fmt.Errorf("protecting the program from its containers: %w", err)
		}
	}
	return unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), []string{name}, os.Environ())
}

// readOnlyMount is the program's file on a mount of its own.
func readOnlyMount() (int, error) {
	file, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return -1, err
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, file, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, err
	}
	var there, own unix.Stat_t
	err = errors.Join(unix.Fstat(fd, &there), unix.Stat("/proc/self/exe", &own),
		unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
	if err == nil && (there.Dev != own.Dev || there.Ino != own.Ino) {
		err = errors.New("the program's file was replaced")
	}
	return fd, err
}

// sealedCopy is the program in memory (memfd_create(2)).
func sealedCopy() (int, error) {
	fd, err := unix.MemfdCreate("twinlayer", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, err
	}
	own, err := os.Open("/proc/self/exe")
	if err != nil {
		return -1, err
	}
	defer own.Close()
	if _, err := io.Copy(os.NewFile(uintptr(fd), "twinlayer"), own); err != nil {
		return -1, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	return fd, err
}
