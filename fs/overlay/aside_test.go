//go:build linux

package overlay

import (
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAside: no thread ends with what was done aside, for the processes that it
// has started may be bound to end with it.
func TestAside(t *testing.T) {
	var bound []*exec.Cmd
	for range 20 {
		cmd := exec.Command("sleep", "60")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		bound = append(bound, cmd)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { Aside(func() error { return nil }) })
		}
		wg.Wait()
	}
	for _, cmd := range bound {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WNOHANG, nil)
		require.NoError(t, err)
		require.Zero(t, ended, "it was ended by %v", status.Signal())
	}
}
