//go:build linux

package embedded_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
)

// TestForbidden starts an engine where no user namespace can be made: in a
// namespace whose own limit is 0.
func TestForbidden(t *testing.T) {
	if *part == "forbidden" {
		require.NoError(t, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
		_, err := embedded.Start(embedded.Config{DataDir: t.TempDir()})
		var no *embedded.Unavailable
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
