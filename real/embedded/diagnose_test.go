//go:build linux

package embedded

import (
	"flag"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestClosedKnob(t *testing.T) {
	for file, value := range map[string]string{"user/max_user_namespaces": "0", "kernel/unprivileged_userns_clone": "0", "kernel/apparmor_restrict_unprivileged_userns": "1"} {
		setting := func(f string) string {
			if f == file {
				return value
			}
			return ""
		}
		no := closedKnob(false, setting)
		require.NotNil(t, no)
		require.Contains(t, no.Error(), "sysctl -w")
		require.Equal(t, file == "user/max_user_namespaces", closedKnob(true, setting) != nil)
	}
	require.Nil(t, closedKnob(false, func(string) string { return "" }))
}

func TestRefusedOverlay(t *testing.T) {
	require.Contains(t, refusedOverlay("/proc", unix.ENODEV).Error(), "modprobe overlay")
	require.Contains(t, refusedOverlay("/proc", unix.EPERM).Error(), "5.11")
	require.Contains(t, refusedOverlay("/proc", unix.EOPNOTSUPP).Error(), "ext4")
	require.Contains(t, refusedOverlay("/proc", unix.EINVAL).Error(), "/proc")
}

// TestForbidden starts an engine where no user namespace can be made: in a
// namespace whose own limit is 0.
func TestForbidden(t *testing.T) {
	if flag.Lookup("part").Value.String() == "forbidden" {
		require.NoError(t, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
		_, err := Start(Config{DataDir: t.TempDir()})
		var no *Unavailable
		require.ErrorAs(t, err, &no)
		require.Contains(t, no.Reason, "user.max_user_namespaces is 0")
		return
	}
	again := exec.Command("/proc/self/exe", "-test.run=TestForbidden", "-part=forbidden")
	id := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: id(os.Geteuid()), GidMappings: id(os.Getegid())}
	out, err := again.CombinedOutput()
	require.NoError(t, err, string(out))
}
