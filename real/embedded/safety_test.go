//go:build linux

package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// What a container must not be able to do, tried from inside.
func TestAttacks(t *testing.T) {
	attacks := map[string]string{
		"mount":                    "mount -t tmpfs none /tmp",
		"unmount a mask":           "umount /proc/keys",
		"change a kernel setting":  "echo 1 > /proc/sys/kernel/panic",
		"press SysRq":              "echo h > /proc/sysrq-trigger",
		"change the host's device": "chmod 600 /dev/null",
		"make a device":            "mknod /tmp/mem c 1 1",
		"set the hostname":         "hostname evil",
		"configure a network":      "ifconfig lo down",
		"signal the engine":        "kill -0 2",
		"remount":                  "mount -o remount,rw /proc/sys",
		"leave the root":           "ls /proc/1/root/work || ls /proc/2/root",
		"read the kernel's memory": "head -c 1 /proc/kcore | grep . ",
		"trace the engine":         "cat /proc/2/maps",
		"write to sysfs":           "echo 1 > /sys/kernel/uevent_seqnum",
	}
	each(t, func(t *testing.T, e *embedded.Engine) {
		for name, script := range attacks {
			out, err := run(t, e, spec("sh", "-c", script))
			require.NoError(t, err)
			require.NotZero(t, out.Exit, "%s: %q", name, out)
		}
	})
}

func TestInheritsNothing(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		for want, args := range map[string][]string{
			"0\n1\n2\n3\n": {"ls", "/proc/self/fd"}, // 3 is ls's own
			"CapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\n": {
				"grep", "-E", "NoNewPrivs|CapEff|CapBnd|CapInh", "/proc/self/status"},
		} {
			out, err := run(t, e, spec(args...))
			require.NoError(t, err)
			require.Equal(t, want, out.Stdout)
			out, err = e.Exec(timeout(t), s.ID, sim.Process{Args: args})
			require.NoError(t, err)
			require.Equal(t, want, out.Stdout)
		}
		// Of the host's environment nothing is seen.
		require.NotContains(t, sh(t, e, "env; cat /proc/1/environ"), "TWINLAYER")
	})
}

// Every namespace is the container's own, and the host's mounts are not seen.
func TestNamespaces(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		script := "for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done"
		inside := strings.Fields(sh(t, e, script))
		require.Len(t, inside, 7)
		for i, name := range strings.Fields("cgroup ipc mnt net pid user uts") {
			own, err := os.Readlink("/proc/self/ns/" + name)
			require.NoError(t, err)
			require.NotEqual(t, own, inside[i])
		}
		mounts := sh(t, e, "cat /proc/self/mounts")
		require.NotContains(t, mounts, " /work")
		require.Equal(t, 1, strings.Count(mounts, " / "))
	})
}

// A container cannot write to the engine's own program, which it sees for a
// moment when a process is executed in it (CVE-2019-5736).
func TestOwnProgram(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := detached(t, e, spec("sh", "-c", "while :; do for p in /proc/[0-9]*; do echo evil 2>/dev/null > $p/exe && touch /written; done; done"))
		for range 20 {
			_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"true"}})
			require.NoError(t, err)
		}
		_, err := e.CopyOut(timeout(t), s.ID, "/written")
		require.Error(t, err)
		// The file is on a read-only mount, or a sealed one in memory; both hold
		// when the program has ended, as "text file busy" does not.
		outer, err := e.Top(timeout(t), s.ID)
		require.NoError(t, err)
		exe := "/proc/" + outer[1][2] + "/exe" // of its first process's parent
		if file, _ := os.Readlink(exe); strings.HasPrefix(file, "/memfd:twinlayer") {
			f, err := os.Open(exe)
			require.NoError(t, err)
			defer f.Close()
			seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
			require.NoError(t, err)
			require.NotZero(t, seals&unix.F_SEAL_WRITE)
			return
		}
		var fs unix.Statfs_t
		require.NoError(t, unix.Statfs(exe, &fs))
		require.NotZero(t, fs.Flags&unix.ST_RDONLY)
	})
}

// Limits hold, for processes that are executed later too.
func TestLimits(t *testing.T) {
	e := engine(t)
	s := spec("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100 & done; wait")
	s.PIDs = 6
	out, err := run(t, e, s)
	if err != nil && os.Geteuid() != 0 { // an ordinary user may write to none, and is told so
		var refusal *sim.Refusal
		require.ErrorAs(t, err, &refusal)
		return
	}
	if err != nil {
		testenv.Lacking(t, "a cgroup that can be written to is missing")
	}
	require.Contains(t, out.Stderr, "can't fork")
	s = spec("sleep", "1000")
	s.Memory = 8 << 20
	detached(t, e, s)
	out, err = e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "head -c 100000000 /dev/zero | sort | wc -c"}})
	require.NoError(t, err)
	require.NotContains(t, out.Stdout, "100000000")
	require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{Force: true}))
	for _, c := range []string{"memory", "pids"} {
		left, err := filepath.Glob("/sys/fs/cgroup/" + c + "/twinlayer-*")
		require.NoError(t, err)
		require.Empty(t, left)
	}
}
