//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// mount is a mount that is attached nowhere yet: a file descriptor of the new
// mount API (fsopen(2), open_tree(2)). It is made while the host's files can
// still be seen, and attached when the container's root is in place, so that
// no path of the image is ever resolved outside of it.
type mount struct {
	fd     int
	target string
}

const (
	quiet    = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	readOnly = unix.MOUNT_ATTR_RDONLY
)

// fresh makes a file system of a type, with options "key=value" or "flag".
func fresh(target, fstype string, attrs int, options ...string) (mount, error) {
	fd, err := configured(fstype, options)
	if err != nil {
		return mount{}, fmt.Errorf("mounting %s for %s: %w", fstype, target, err)
	}
	defer unix.Close(fd)
	m, err := unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, attrs)
	if err != nil {
		return mount{}, fmt.Errorf("mounting %s for %s: %w", fstype, target, err)
	}
	return mount{m, target}, nil
}

func configured(fstype string, options []string) (int, error) {
	fd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for _, option := range append([]string{"source=" + fstype}, options...) {
		if err := configure(fd, option); err != nil {
			defer unix.Close(fd)
			return -1, fmt.Errorf("option %s: %w%s", option, err, kernelSays(fd))
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		defer unix.Close(fd)
		return -1, fmt.Errorf("%w%s", err, kernelSays(fd))
	}
	return fd, nil
}

func configure(fd int, option string) error {
	key, value, ok := strings.Cut(option, "=")
	if !ok {
		return unix.FsconfigSetFlag(fd, key)
	}
	return unix.FsconfigSetString(fd, key, value)
}

// kernelSays is the message that the kernel left with a file system that it
// could not make (fsopen(2)).
func kernelSays(fd int) string {
	var buf [512]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil || n < 3 {
		return ""
	}
	return " (" + strings.TrimSpace(string(buf[2:n])) + ")"
}

// bind makes a mount of a file or directory that is there already, and of
// what is mounted below it.
func bind(source, target string) (mount, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return mount{}, fmt.Errorf("binding %s for %s: %w", source, target, err)
	}
	return mount{fd, target}, nil
}

// bindReadOnly is a bind that nobody can write through; a device's driver
// still takes what is written to it.
func bindReadOnly(source, target string, attrs uint64) (mount, error) {
	m, err := bind(source, target)
	if err != nil {
		return m, err
	}
	err = unix.MountSetattr(m.fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: readOnly | attrs})
	if err != nil {
		unix.Close(m.fd)
		return m, fmt.Errorf("making %s read-only: %w", source, err)
	}
	return m, nil
}

// attach puts the mount at its target, below the container's root. A symlink
// is followed; what it leads to is made if it is missing.
func (m mount) attach() error {
	defer unix.Close(m.fd)
	err := m.move()
	if errors.Is(err, unix.ENOENT) {
		var st unix.Stat_t
		if err = unix.Fstat(m.fd, &st); err == nil {
			err = makeTarget(m.target, st.Mode&unix.S_IFMT == unix.S_IFDIR)
		}
		if err == nil {
			err = m.move()
		}
	}
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTDIR):
		return runtimeFailure("%s", sim.MountProblem(m.target))
	case err != nil:
		return runtimeFailure("error mounting to rootfs at %q: %v", m.target, err)
	}
	return nil
}

func (m mount) move() error {
	return unix.MoveMount(m.fd, "", unix.AT_FDCWD, m.target, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
}

// makeTarget makes a mount point, at the end of a symlink if one dangles there.
func makeTarget(target string, dir bool) error {
	if link, err := os.Readlink(target); err == nil {
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(target), link)
		}
		target = link
	}
	if err := os.MkdirAll(path.Dir(target), 0o755); err != nil {
		return err
	}
	if dir {
		return os.Mkdir(target, 0o755)
	}
	// What a container that runs has put there meanwhile is not opened: it may
	// be a fifo.
	fd, err := unix.Open(target, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err == nil {
		err = unix.Close(fd)
	}
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func attachAll(mounts []mount) error {
	for _, m := range mounts {
		if err := m.attach(); err != nil {
			return err
		}
	}
	return nil
}
