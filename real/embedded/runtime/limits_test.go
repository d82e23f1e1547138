//go:build linux

package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
)

// Version 2 of cgroups is used for whatever controller is not bound to
// version 1: it is delegated, limited, entered and left.
func TestUnifiedLimits(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make cgroups everywhere")
	}
	c, base := unifiedController(t)
	file := filepath.Join(base, "cgroup.subtree_control")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	l, name := &Limits{}, fmt.Sprintf("test-%d", os.Getpid())
	t.Cleanup(func() {
		l.Remove()
		require.NoDirExists(t, filepath.Join(base, cgroupPrefix+name))
		if !hasWord(strings.Join(strings.Fields(string(before)), ","), c.name) {
			write(file, "-"+c.name)
		}
	})
	require.NoError(t, l.add(name, c))
	for file, value := range c.v2 {
		got, err := os.ReadFile(filepath.Join(base, cgroupPrefix+name, file))
		require.NoError(t, err)
		require.Equal(t, value, strings.TrimSpace(string(got)))
	}
	sleep := exec.Command("sleep", "1000")
	require.NoError(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	require.NoError(t, l.enter(sleep.Process.Pid))
	in, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", sleep.Process.Pid))
	require.NoError(t, err)
	require.Regexp(t, "(?m)^0::.*/"+cgroupPrefix+name+"$", string(in))
}

// unifiedController is a limit that version 2 can set here, and where.
func unifiedController(t *testing.T) (controller, string) {
	for _, c := range []controller{
		{name: "pids", v2: map[string]string{"pids.max": "7"}},
		{name: "memory", v2: map[string]string{"memory.max": "8388608"}},
		{name: "hugetlb", v2: map[string]string{"hugetlb.2MB.max": "4194304"}},
	} {
		base, unified, err := cgroupFor(c.name)
		if err != nil || !unified {
			continue
		}
		have, err := os.ReadFile(filepath.Join(base, "cgroup.controllers"))
		if err == nil && hasWord(strings.Join(strings.Fields(string(have)), ","), c.name) {
			return c, base
		}
	}
	t.Skip("this kernel has all of its controllers in version 1")
	return controller{}, ""
}
