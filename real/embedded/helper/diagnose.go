//go:build linux

package helper

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// knob is a setting of the kernel that forbids user namespaces.
type knob struct {
	file, forbids  string
	reason, remedy string
}

var knobs = []knob{
	{"user/max_user_namespaces", "0", "the kernel allows no user namespaces (user.max_user_namespaces is 0)", "have root run: sysctl -w user.max_user_namespaces=15000"},
	{"kernel/unprivileged_userns_clone", "0", "the kernel allows only root to make user namespaces (kernel.unprivileged_userns_clone is 0)", "have root run: sysctl -w kernel.unprivileged_userns_clone=1"},
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor takes all power from user namespaces of ordinary users (kernel.apparmor_restrict_unprivileged_userns is 1, as on Ubuntu 24.04)", "have root run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
}

// closedKnob is the setting that is to blame, if one is. Only the first one
// binds root.
func closedKnob(root bool, setting func(string) string) *Unavailable {
	for i, k := range knobs {
		if (i == 0 || !root) && setting(k.file) == k.forbids {
			return &Unavailable{k.reason, k.remedy}
		}
	}
	return nil
}

func sysctl(file string) string {
	text, _ := os.ReadFile("/proc/sys/" + file)
	return strings.TrimSpace(string(text))
}

// refusedClone explains why the helper could not be started.
func RefusedClone(err error) *Unavailable {
	if u := closedKnob(os.Geteuid() == 0, sysctl); u != nil {
		return u
	}
	if forbidden(err) {
		return confined("making a user namespace", err)
	}
	return &Unavailable{err.Error(), "see whether user namespaces work here: unshare --user --map-root-user true"}
}

// refusedStart explains why a container could not be started.
func refusedStart(err error) *Unavailable {
	if u := closedKnob(false, sysctl); u != nil && errors.Is(err, unix.EACCES) {
		return u
	}
	if forbidden(err) {
		return confined("what every container needs", err)
	}
	return &Unavailable{fmt.Sprintf("a container cannot be started (%v)", err), "see whether one can be started here: unshare --user --map-root-user --mount --uts --net --pid --fork hostname probe"}
}

func forbidden(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) }

// confined says what a container that twinlayer itself runs in forbids. Its
// seccomp filter forbids namespaces, or mounts, or the hostname; and as long
// as parts of its /proc or /sys are masked, the kernel lets nobody mount a
// whole one (mount_too_revealing, fs/namespace.c).
func confined(what string, err error) *Unavailable {
	return &Unavailable{
		fmt.Sprintf("%s is forbidden (%v), as it is inside most containers", what, err),
		"run twinlayer outside of a container, or start that container with --security-opt seccomp=unconfined and, " +
			"in Docker, --security-opt systempaths=unconfined, or, in Podman, --security-opt unmask=ALL",
	}
}

// Magic numbers of file systems that cannot carry an upper layer (statfs(2)).
var poorFileSystems = map[int64]string{
	unix.OVERLAYFS_SUPER_MAGIC: "overlayfs, as inside a container", unix.NFS_SUPER_MAGIC: "NFS",
	unix.MSDOS_SUPER_MAGIC: "FAT", unix.EXFAT_SUPER_MAGIC: "exFAT", unix.V9FS_MAGIC: "9p, as Windows' disks are in WSL",
	unix.FUSE_SUPER_MAGIC: "FUSE", unix.ECRYPTFS_SUPER_MAGIC: "eCryptfs", unix.CIFS_SUPER_MAGIC: "CIFS",
}

// refusedOverlay explains why the probe of an overlay failed.
func refusedOverlay(dir string, err error) *Unavailable {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) == nil {
		if name, poor := poorFileSystems[int64(st.Type)]; poor {
			return &Unavailable{
				fmt.Sprintf("the data directory %s lies on %s, which cannot hold an overlay's upper layer (%v)", dir, name, err),
				"choose a data directory on ext4, xfs or btrfs",
			}
		}
	}
	switch {
	case errors.Is(err, unix.ENODEV):
		return &Unavailable{"the kernel has no overlayfs", "have root run: modprobe overlay"}
	case errors.Is(err, unix.EOPNOTSUPP):
		return &Unavailable{fmt.Sprintf("the data directory %s lies on a file system without user.* attributes (%v)", dir, err), "choose a data directory on ext4, xfs or btrfs"}
	case errors.Is(err, unix.EPERM):
		return &Unavailable{fmt.Sprintf("this kernel (%s) does not mount overlayfs in a user namespace (%v)", release(), err), "use Linux 5.11 or newer"}
	}
	return &Unavailable{fmt.Sprintf("overlayfs does not work in the data directory %s (%v)", dir, err), "choose a data directory on ext4, xfs or btrfs"}
}

func release() string {
	var u unix.Utsname
	unix.Uname(&u)
	return unix.ByteSliceToString(u.Release[:])
}
