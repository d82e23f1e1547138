//go:build linux

package embedded_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// What docker's default profile lets through and what not, for the first
// process and for one executed later.
func TestSystemCalls(t *testing.T) {
	builtImage(t, "attack")
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "attack")
		require.NoError(t, err)
		s := spec()
		s.Image = "attack"
		first, err := run(t, e, s)
		require.NoError(t, err)
		checkCalls(t, first.Stdout, map[string]string{"ptrace of the first process": "EPERM"})
		s = spec("sleep", "1000")
		s.Image = "attack"
		detached(t, e, s)
		later, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"/attack"}})
		require.NoError(t, err)
		checkCalls(t, later.Stdout, map[string]string{"ptrace of the first process": "ok"})
		s = spec()
		s.Image, s.CapAdd = "attack", []string{"SYS_ADMIN"}
		mighty, err := run(t, e, s)
		require.NoError(t, err)
		require.NotContains(t, mighty.Stdout, "mount: EPERM", "CAP_SYS_ADMIN opens mount(2)")
		require.Contains(t, mighty.Stdout, "keyctl: EPERM")
	})
}

func checkCalls(t testing.TB, printed string, also map[string]string) {
	t.Helper()
	want := map[string]string{"the terminal": "ENXIO", "typing into stream 0": "ENOTTY", "typing into stream 1": "ENOTTY", "typing into stream 2": "ENOTTY",
		"clone3": "ENOSYS", "a call of the future": "ENOSYS", "personality, asked": "ok", "socket AF_INET": "ok", "getpid": "ok"}
	for name, answer := range also {
		want[name] = answer
	}
	rows := strings.Split(strings.TrimSpace(printed), "\n")
	require.Greater(t, len(rows), 30)
	for _, row := range rows {
		name, got, _ := strings.Cut(row, ": ")
		expected, ok := want[name]
		if !ok {
			expected = "EPERM"
		}
		require.Equal(t, expected, got, name)
	}
}

// The filter knows the 32-bit forms of system calls by their own numbers.
func TestCompatibleCalls(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the attack is written for amd64")
	}
	builtImage(t, "attack")
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "attack")
		require.NoError(t, err)
		s := spec("/attack", "32")
		s.Image = "attack"
		out, err := run(t, e, s)
		require.NoError(t, err)
		rows := strings.Split(strings.TrimSpace(out.Stdout), "\n")
		if out.Exit != 0 && len(rows) < 3 {
			t.Skip("this kernel takes no 32-bit system calls (ia32_emulation=off)")
		}
		require.Len(t, rows, 14)
		for _, row := range rows {
			name, got, _ := strings.Cut(row, ": ")
			switch name {
			case "i386 getpid":
				require.Equal(t, "ok", got)
			case "x32 getpid":
				require.Contains(t, []string{"ok", "ENOSYS"}, got, "few kernels have x32 at all")
			default:
				require.Equal(t, "EPERM", got, name)
			}
		}
	})
}

// terminalFor is what the process of TestTerminal does.
func terminalFor(dir, registry string) {
	e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: registry})
	if err != nil {
		panic(err)
	}
	defer e.Close()
	c := context.Background()
	e.Pull(c, "attack")
	for _, interactive := range []bool{false, true} {
		s := spec()
		s.Image, s.TTY, s.Interactive = "attack", interactive, interactive
		e.Create(c, s)
		out, err := e.Start(c, s.ID, false)
		fmt.Printf("%s%v\n", out.Stdout, err)
	}
}

// A container cannot type into the terminal on which twinlayer runs.
func TestTerminal(t *testing.T) {
	builtImage(t, "attack")
	victim := as("terminal", scratch(t))
	screen, err := pty.Start(victim)
	require.NoError(t, err)
	defer screen.Close()
	text, _ := io.ReadAll(screen) // it ends with EIO
	require.NoError(t, victim.Wait(), string(text))
	said := strings.ReplaceAll(string(text), "\r\n", "\n")
	parts := strings.Split(said, "<nil>\n")
	require.Len(t, parts, 3, said)
	for _, part := range parts[:2] {
		checkCalls(t, part, map[string]string{"ptrace of the first process": "EPERM"})
	}
}
