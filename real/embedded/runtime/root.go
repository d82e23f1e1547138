//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// mount mounts the overlay on Merged.
//
// userxattr: a user namespace may not use trusted.* attributes, so overlayfs
// keeps its marks in user.*. volatile: without it the kernel writes the whole
// file system out whenever a container ends; what a container wrote need not
// outlive a power cut.
func (r Root) mount() error {
	if err := os.Chdir(r.Dir); err != nil {
		return err
	}
	options := []string{"upperdir=" + r.Upper, "workdir=" + r.Work, "userxattr", "volatile"}
	all := options
	for _, dir := range r.Lower {
		all = append(all, "lowerdir+="+dir)
	}
	m, err := fresh(r.Merged, "overlay", 0, all...)
	if errors.Is(err, unix.EINVAL) {
		return r.mountOld(options)
	}
	if err != nil {
		return err
	}
	return m.attach()
}

// mountOld mounts with the old system call, for kernels before 6.8. All
// options together must fit into a page, so each layer is named by an open
// file: that leaves room for about 200.
func (r Root) mountOld(options []string) error {
	var lower []string
	for _, dir := range r.Lower {
		f, err := os.OpenFile(dir, unix.O_PATH, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		lower = append(lower, fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	}
	options = append(options, "lowerdir="+strings.Join(lower, ":"))
	err := unix.Mount("overlay", r.Merged, "overlay", 0, strings.Join(options, ","))
	if err != nil {
		return fmt.Errorf("mounting an overlay of %d layers on %s: %w", len(lower), r.Merged, err)
	}
	return nil
}

// mounts are docker's default mounts, but for /proc, and the container's own
// ones, in the order in which they are attached.
func (s *Spec) mounts() ([]mount, error) {
	var l list
	if s.HostNetwork {
		l.hostSys()
	} else {
		l.fresh("/sys", "sysfs", quiet|readOnly)
	}
	l.fresh("/dev", "tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_STRICTATIME, "mode=755", "size=65536k")
	l.add(devpts())
	l.fresh("/dev/shm", "tmpfs", quiet, "mode=1777", "size=65536k")
	l.fresh("/dev/mqueue", "mqueue", quiet)
	for _, name := range devices {
		l.device("/dev/" + name)
	}
	for _, m := range s.Mounts {
		if problem := sim.ProcProblem(m.Target); problem != "" {
			return nil, runtimeFailure("%s", problem)
		}
		l.add(m.make())
	}
	return l.mounts, l.err
}

// make makes the mount, to be attached later.
func (m Mount) make() (mount, error) {
	switch {
	case m.Source == "":
		return fresh(m.Target, "tmpfs", quiet)
	case m.ReadOnly:
		return bindReadOnly(m.Source, m.Target, 0)
	}
	return bind(m.Source, m.Target)
}

// list gathers mounts up to the first error.
type list struct {
	mounts []mount
	err    error
}

func (l *list) add(m mount, err error) {
	if l.err == nil {
		l.mounts, l.err = append(l.mounts, m), err
	}
}

func (l *list) fresh(target, fstype string, attrs int, options ...string) {
	if l.err == nil {
		l.add(fresh(target, fstype, attrs, options...))
	}
}

// hostSys is the machine's own /sys, since a sysfs can only be made for a
// network of one's own. What is mounted in it, as cgroups and the kernel's
// debugging, cannot be taken away: it is covered, and a container sees empty
// directories there as in a sysfs of its own.
func (l *list) hostSys() {
	l.add(bindReadOnly("/sys", "/sys", quiet))
	inside, err := mountsBelow("/sys")
	if err != nil {
		l.add(mount{}, err)
	}
	for _, target := range inside {
		l.fresh(target, "tmpfs", quiet|readOnly, "mode=755", "size=0k")
	}
}

func (l *list) device(name string) {
	if l.err == nil {
		l.add(bindReadOnly(name, name, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC))
	}
}
