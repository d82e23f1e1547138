//go:build linux

package embedded_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// shell starts a container with a shell that waits for lines.
func interactive(t testing.TB, e sim.Engine) sim.Spec {
	t.Helper()
	s := spec("sh")
	s.Interactive, s.TTY = true, true
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Shell: s.ID}, out)
	return s
}

func line(t testing.TB, e sim.Engine, shell, text string) sim.Output {
	t.Helper()
	out, err := e.Line(timeout(t), shell, text)
	require.NoError(t, err)
	return out
}

func TestLines(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		require.Equal(t, sim.Output{Stdout: "hi\n", Shell: s.ID}, line(t, e, s.ID, "x=hi; cd /etc; echo $x"))
		require.Equal(t, sim.Output{Stdout: "hi /etc\n", Shell: s.ID}, line(t, e, s.ID, "echo $x $PWD"))
		require.Equal(t, sim.Output{Exit: 1, Shell: s.ID}, line(t, e, s.ID, "false"))
		bad := line(t, e, s.ID, "if")
		require.NotZero(t, bad.Exit)
		require.NotEmpty(t, bad.Stderr)
		require.Equal(t, s.ID, bad.Shell)
		require.Equal(t, "a\n", line(t, e, s.ID, "echo a\x00").Stdout)
		long := strings.Repeat("y", 1<<20-1)
		require.Len(t, line(t, e, s.ID, "echo "+long).Stdout, 1<<20)
		require.Equal(t, sim.Output{Stdout: "bye\n", Exit: 5}, line(t, e, s.ID, "echo bye; exit 5"))
		all, err := e.Containers(timeout(t))
		require.NoError(t, err)
		require.Equal(t, sim.Exited, all[0].Status)
		require.Equal(t, 5, all[0].Exit)
		_, err = e.Line(timeout(t), s.ID, "echo again")
		require.ErrorContains(t, err, "has ended")
	})
}

func TestHangup(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	line(t, e, s.ID, "false")
	out, err := e.Hangup(timeout(t), s.ID)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Exit: 1}, out)
}

func TestEndlessLine(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		out, err := e.Line(cancelledAt(t, e, s.ID, "/begun"), s.ID, "echo begun; (touch /begun; sleep 1000)")
		require.NoError(t, err)
		require.Equal(t, "begun\n", out.Stdout)
		require.Equal(t, 137, out.Exit)
		require.Equal(t, s.ID, out.Shell, "the shell itself must live on")
		require.Equal(t, "here\n", line(t, e, s.ID, "echo here").Stdout)

		out, err = e.Line(cancelledAt(t, e, s.ID, "/again"), s.ID, ": > /again; while :; do :; done")
		require.NoError(t, err)
		require.Equal(t, sim.Output{Exit: 137}, out)
	})
}

// A shell whose output goes elsewhere for good is still there.
func TestShellWithoutOutput(t *testing.T) {
	e := engine(t)
	for text, out := range map[string]sim.Output{
		"exec >/dev/null": {Stderr: "e\n"}, "exec 2>/dev/null": {Stdout: "o\n"}, "exec >&- 2>&-": {}, "exec >/out 2>&1": {},
	} {
		s := interactive(t, e)
		require.Equal(t, sim.Output{Shell: s.ID}, line(t, e, s.ID, text))
		out.Shell, out.Exit = s.ID, 3
		require.Equal(t, out, line(t, e, s.ID, "echo o; echo e >&2; (exit 3)"))
		require.Equal(t, sim.Output{Exit: 4}, line(t, e, s.ID, "exit 4"))
	}
}

// Nothing that a learner calls by a name stands in the session's way.
func TestTakenNames(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		for _, text := range []string{
			"alias echo=true", "unset -f __t", "echo() { :; }", "command() { :; }", "exec 6>&- 7>&-", "\xff", "echo '\xff", "sleep 1000 &", "set -x",
		} {
			require.Equal(t, s.ID, line(t, e, s.ID, text).Shell, text)
		}
		out := line(t, e, s.ID, "printf 'a\xff'; set +x; type __t; alias; set")
		require.True(t, strings.HasPrefix(out.Stdout, "a\xff"), "%q", out.Stdout)
		require.NotContains(t, out.Stdout+out.Stderr, "twl-")
		require.True(t, strings.HasPrefix(out.Stderr, "+ printf 'a\xff'\n+ set +x\n"), "%q", out.Stderr)
	})
}

func TestBackgroundJob(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	require.Equal(t, "", line(t, e, s.ID, "sleep 1000 &").Stdout)
	require.Equal(t, sim.Output{Stdout: "x\n"}, line(t, e, s.ID, "echo x; exit"))
}

func TestExec(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		line(t, e, s.ID, "echo data > /file; export HIDDEN=1; sleep 1000 &")
		out, err := e.Exec(timeout(t), s.Name, sim.Process{Args: []string{"sh", "-c", "cat /file; echo $HIDDEN$NEW; pwd; grep -c . /proc/1/cmdline; grep Cap /proc/self/status; hostname; exit 4"}, Env: []string{"NEW=n"}, Dir: "/tmp"})
		require.NoError(t, err)
		require.Equal(t, 4, out.Exit)
		require.True(t, strings.HasPrefix(out.Stdout, "data\nn\n/tmp\n1\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\n"), out.Stdout)
		require.Contains(t, out.Stdout, s.ID[:12])
	})
}

func TestExecFails(t *testing.T) {
	const prefix = "OCI runtime exec failed: exec failed: unable to start container process: "
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		do := func(p sim.Process) error {
			_, err := e.Exec(timeout(t), s.ID, p)
			return err
		}
		refused(t, do(sim.Process{Args: []string{"nosuch"}}), prefix+`exec: "nosuch": executable file not found in $PATH: unknown`, 127)
		refused(t, do(sim.Process{Args: []string{"/etc/motd"}}), prefix+`exec: "/etc/motd": permission denied: unknown`, 126)
		refused(t, do(sim.Process{Args: []string{"ls"}, Dir: "/nosuch"}), prefix+`chdir to cwd ("/nosuch") set in config.json failed: no such file or directory: unknown`, 127)
		if info, _ := e.Info(timeout(t)); info.IDs == 1 {
			refused(t, do(sim.Process{Args: []string{"ls"}, User: "7"}), sim.TooFewIDs(7, 0).Text, 1)
		}
		refused(t, do(sim.Process{Args: []string{"ls"}, User: "nosuch"}), "unable to find user nosuch: no matching entries in passwd file", 1)
		line(t, e, s.ID, "exit")
		refused(t, do(sim.Process{Args: []string{"ls"}}), "container "+s.ID+" is not running", 1)
	})
}

func TestExecShell(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		out, err := e.Exec(timeout(t), s.ID, sim.Process{ID: "second", Args: []string{"/bin/sh"}, Interactive: true})
		require.NoError(t, err)
		require.Equal(t, "second", out.Shell)
		require.Equal(t, "two\n", line(t, e, "second", "echo two > /x; cat /x").Stdout)
		require.Equal(t, "two\n", line(t, e, s.ID, "cat /x").Stdout)
		// A job that holds the pipes does not keep the shell's end from us.
		require.Equal(t, sim.Output{Stdout: "bye\n", Exit: 2}, line(t, e, "second", "sleep 1000 & echo bye; exit 2"))
		require.Equal(t, s.ID, line(t, e, s.ID, "true").Shell)
	})
}

// The container's end ends the shells in it.
func TestExecShellEndsWithContainer(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	_, err := e.Exec(timeout(t), s.ID, sim.Process{ID: "second", Args: []string{"sh"}, Interactive: true})
	require.NoError(t, err)
	line(t, e, s.ID, "exit")
	require.Equal(t, sim.Output{Exit: 137}, line(t, e, "second", "echo still"))
}

func TestExecLeavesJobs(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	begun := time.Now()
	out, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "sleep 1000 & echo done"}})
	require.NoError(t, err)
	require.Equal(t, "done\n", out.Stdout)
	require.Less(t, time.Since(begun), 5*time.Second)
}

func process(args ...string) sim.Process { return sim.Process{Args: args} }

// What a shell prints last is not lost with its container.
func TestAutoRemovedShell(t *testing.T) {
	e := engine(t)
	for range 20 {
		s := spec("sh")
		s.Interactive, s.AutoRemove = true, true
		_, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "bye\n", Exit: 3}, line(t, e, s.ID, "echo bye; exit 3"))
		left, err := e.Containers(timeout(t))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestRemovedShell(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{Force: true}))
	_, err := e.Line(timeout(t), s.ID, "true")
	require.ErrorContains(t, err, "has ended")
}
