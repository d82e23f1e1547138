//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// View is the file system of a container, as it is without its processes:
// its root with the mounts in it, but without /proc, /sys, /dev and what else
// an engine mounts.
type View struct {
	Root     Root // of a container that does not run
	Mounts   []Mount
	ReadOnly bool // the root
}

// ErrEnded is the error of a container that was running and has ended.
var ErrEnded = errors.New("the container has ended meanwhile: try again")

// Within calls f on a thread whose root directory is the container's: all
// paths are the container's own, and none leads out of it. What is opened
// before keeps its place. f must start no goroutine.
func (v View) Within(f func() error) error {
	return aside(func() error {
		if err := ownMounts(); err != nil {
			return err
		}
		mounts, err := v.mounts()
		if err != nil {
			return err
		}
		if err := v.Root.mount(); err != nil {
			return err
		}
		err = within(v.Root.Merged, func() error {
			err := attachAll(mounts)
			if err == nil {
				err = freeze(v.ReadOnly)
			}
			if err == nil {
				err = f()
			}
			return err
		})
		// Not left to the thread's end, after which it takes a while.
		return errors.Join(err, unix.Unmount(v.Root.Merged, unix.MNT_DETACH))
	})
}

// Within is [View.Within] for a container that runs, whose first process p is.
func (p *Proc) Within(v View, f func() error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return ErrEnded
	}
	return aside(func() error {
		mounts, err := v.mounts()
		if err != nil {
			return err
		}
		if err := p.enterRootAlone(); err != nil {
			return fmt.Errorf("entering the running container's root: %w", err)
		}
		if err := attachAll(mounts); err != nil {
			return err
		}
		return f()
	})
}

// enterRootAlone makes the container's root, without the mounts in it, the
// root of the calling thread, in a mount namespace of its own.
func (p *Proc) enterRootAlone() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	switch err := unix.Setns(p.pidfd, unix.CLONE_NEWNS); {
	case errors.Is(err, unix.ESRCH):
		return ErrEnded
	case err != nil:
		return err
	}
	if err := ownMounts(); err != nil {
		return err
	}
	root, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	return errors.Join(
		unix.MoveMount(root, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH),
		unix.Fchdir(root), unix.Chroot("."))
}

// aside calls f on a thread that ends with it.
func aside(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock
		result <- f()
	}()
	return <-result
}

// ownMounts gives the calling thread a mount namespace of its own.
func ownMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	unix.Umask(0)
	return nil
}

func (v View) mounts() ([]mount, error) {
	var l list
	for _, m := range v.Mounts {
		if m.Source != "" {
			l.add(m.make())
		}
	}
	return l.mounts, l.err
}
