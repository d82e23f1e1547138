//go:build linux

package helper

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	_ "twinlayer/fs/testenv" // its flags are every package's
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
