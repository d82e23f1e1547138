//go:build linux

package overlay

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// reach calls f with a name for what is at path, which may be longer than the
// kernel takes (PATH_MAX): the store's own part is in front of what a layer
// has. It is for what nobody else changes meanwhile; see [folder].
func reach(path string, f func(name string) error) error {
	if len(path) < unix.PathMax {
		return f(path)
	}
	fd := unix.AT_FDCWD
	for len(path) >= unix.PathMax/2 {
		cut := strings.LastIndexByte(path[:unix.PathMax/2], '/')
		next, err := unix.Openat(fd, path[:cut], unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if fd != unix.AT_FDCWD {
			unix.Close(fd)
		}
		if err != nil {
			return err
		}
		fd, path = next, path[cut+1:]
	}
	defer unix.Close(fd)
	return f(fmt.Sprintf("/proc/self/fd/%d/%s", fd, path))
}

// reach2 is reach with two paths.
func reach2(a, b string, f func(a, b string) error) error {
	return reach(a, func(a string) error { return reach(b, func(b string) error { return f(a, b) }) })
}

// OpenFile opens a file of a layer, whose path may be longer than PATH_MAX.
func OpenFile(path string) (f *os.File, err error) {
	err = reach(path, func(name string) (err error) {
		f, err = os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		return err
	})
	return f, err
}

func Link(from, to string) error { return reach2(from, to, os.Link) }
