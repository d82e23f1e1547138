//go:build linux

package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
)

func TestHelloWorldInBothWorlds(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		all := p.Results(t, "docker run hello-world\n")
		require.Len(t, all, 1)
		suite.RequireSame(t, all)
		require.Zero(t, all[0].Real.Exit)
		require.Contains(t, all[0].Real.Stdout, "Hello from twinlayer!")
		require.Equal(t, all[0].Model.Stdout, all[0].Real.Stdout)
		require.NotEmpty(t, all[0].Steps)
		require.NotEmpty(t, all[0].Real.Layer)
	})
}

// TestAdoption: what the model cannot predict it takes over, and after that
// the worlds agree again.
func TestAdoption(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Lacking(t, "busybox-static is missing")
	}
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		suite.WriteRoot(t, busybox, filepath.Join(p.Home, "root.tar"))
		lines, err := os.ReadFile("real/testdata/sessions/foreign.txt")
		require.NoError(t, err)
		all := p.Results(t, string(lines))
		want := []sim.Class{sim.Same, sim.Limit, sim.Same, sim.Same, sim.Same, sim.Limit, sim.Limit, sim.Limit, sim.Same, sim.Same, sim.Same}
		require.Len(t, all, len(want))
		for i, r := range all {
			for _, d := range r.Differences {
				require.NotEqual(t, sim.Bug, d.Class, "%s: %s\n%s\n%s", r.Cmd, d.What, d.Model, d.Real)
			}
			if want[i] == sim.Limit {
				require.Equal(t, sim.Limit, r.Verdict, r.Cmd)
			}
		}
		var adopted int
		for _, s := range all[1].Steps {
			if s.Why.Key == "adopt.adopted" {
				adopted++
			}
		}
		require.Greater(t, adopted, 1)
	})
}

// TestBadLines: no engine breaks on a line that makes no sense, and all say the
// same of it.
func TestBadLines(t *testing.T) {
	suite.NeedLinux(t)
	bad := []struct{ line, text string }{
		{"docker frob", "unknown command: docker frob"},
		{"frob", "unknown command: docker frob"},
		{"docker run --frob busybox", "unknown flag: --frob"},
		{"docker run -Z busybox", "unknown shorthand flag: 'Z' in -Z"},
		{"docker run", "'docker run' requires at least 1 argument"},
		{"docker run nosuch", "pull access denied for nosuch"},
		{"docker pull busybox:9", "manifest for busybox:9 not found"},
		{"docker run UPPER", "invalid reference format"},
		{"docker rm nosuch", "No such container: nosuch"},
		{"docker inspect nosuch", "No such object: nosuch"},
		{"docker run " + strings.Repeat("x", 1<<20), "must not be more than 255 characters"},
		{"docker run busy\x00box", "NUL"},
		{"docker run 'busybox", "cannot be read"},
		{"docker run --rm busybox nosuch", "executable file not found in $PATH"},
	}
	var lines strings.Builder
	for _, c := range bad {
		lines.WriteString(c.line + "\n")
	}
	for _, c := range suite.SomeContestants(t)[1:] {
		c.Run(t, func(t *testing.T, p suite.Program) {
			all := p.ResultsOn(t, c.Real, lines.String())
			require.Len(t, all, len(bad), "the prompt comes back")
			suite.RequireSame(t, all)
			for i, r := range all {
				require.NotZero(t, r.Real.Exit, r.Cmd)
				require.Contains(t, r.Real.Stderr, bad[i].text)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	p := suite.Program{Home: suite.HomeFor(t, nil)}
	for name, c := range map[string]struct {
		args []string
		exit int
	}{
		"fine":            {[]string{"--real", "none"}, suite.StatusOK},
		"help":            {[]string{"--help"}, suite.StatusOK},
		"unknown flag":    {[]string{"--frob"}, suite.StatusUsage},
		"unknown engine":  {[]string{"--real", "frob"}, suite.StatusUsage},
		"an argument":     {[]string{"frob"}, suite.StatusUsage},
		"no such script":  {[]string{"--real", "none", "--script", "/nosuch"}, suite.StatusBroken},
		"no place for it": {[]string{"--real", "embedded", "--data-dir", "/proc/nosuch"}, suite.StatusBroken},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, exit := p.Run(t, "", c.args...)
			require.Equal(t, c.exit, exit, stderr)
		})
	}
}

func TestModelAlone(t *testing.T) {
	p := suite.Program{Home: suite.HomeFor(t, nil)}
	stdout, _, exit := p.Run(t, "docker run hello-world\n", "--real", "none", "--json")
	require.Zero(t, exit)
	all := suite.ResultsIn(t, stdout)
	require.Len(t, all, 1)
	r := all[0]
	require.Nil(t, r.Real)
	require.Equal(t, sim.Limit, r.Verdict)
	require.Contains(t, r.Model.Stdout, "Hello from twinlayer!")
}

// TestTerminal types at a real terminal: a prompt, completion, Ctrl-C, the end.
func TestTerminal(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		cmd := p.Command()
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
		terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 80})
		require.NoError(t, err)
		defer terminal.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
		var seen strings.Builder
		step := func(keys, want string) {
			t.Helper()
			io.WriteString(terminal, keys)
			seen.WriteString(waitFor(t, ctx, terminal, want))
		}
		step("", "twinlayer> ")
		step("dock\trun -it --name box1 busyb\t\r", "box1:/ # ")
		step("cat /etc/mot\t\r", "Welcome to")
		step("sleep 1000\r", "sleep 1000")
		time.Sleep(300 * time.Millisecond)
		step("\x03", "[exit status 137]")
		step("echo back again\r", "\nback again")
		step(":back\r", "later than this picture")
		step("\x04", "twinlayer> ")
		step("docker run -d --name bg busybox sh -c 'while :; do echo $((6*7)); sleep 1; done'\r", "twinlayer> ")
		for _, waits := range []string{"docker logs -f bg", "docker wait bg"} {
			step(waits+"\r", waits)
			time.Sleep(600 * time.Millisecond)
			step("\x03", "twinlayer> ")
		}
		require.Equal(t, 2, strings.Count(seen.String(), "[exit status 130]"), "once for both worlds: %s", &seen)
		require.Contains(t, seen.String(), "\n42\r\n", "a followed log is shown as it comes")
		step("docker rm -f bg\r", "the same in both worlds")
		step("quit\r", "quit")
		require.NoError(t, cmd.Wait(), &seen)
		p.RequireNothingLeft(t)
	})
}

// TestKilled ends the program in the middle of things and looks for what it
// left.
func TestKilled(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		for i := range 12 {
			cmd := p.Command("--json")
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			fmt.Fprintf(in, "docker run -it -e MARK=%s busybox\nwhile true; do echo x >> /tmp/f; done\n", p.Home)
			time.Sleep(time.Duration(i*i*5) * time.Millisecond)
			signal := []os.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM}[i%3]
			require.NoError(t, cmd.Process.Signal(signal))
			in.Close()
			cmd.Wait()
			p.RequireNothingLeft(t)
		}
		suite.RequireSame(t, p.Results(t, "docker run hello-world\n"))
		left, err := filepath.Glob(filepath.Join(p.Home, ".local/share/twinlayer/sessions/*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// TestPodmanEnds: the Podman that twinlayer starts for an ordinary user, who
// has no service running, ends with it; podman's own keeper of the user
// namespace stays, as after every rootless podman command.
func TestPodmanEnds(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		testenv.Lacking(t, "podman is missing")
	}
	suite.NeedLinux(t)
	user := suite.Users()["ordinary user"]
	p := suite.Program{User: user, Home: suite.HomeFor(t, user)}
	stdout, stderr, exit := p.Run(t, "", "engines")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "podman    Podman ")
	t.Cleanup(func() { p.Kill(t) })
	service := func() (still []string) {
		for _, each := range p.Processes(t) {
			if strings.Contains(each, "system") {
				still = append(still, each)
			}
		}
		return still
	}
	require.Eventually(t, func() bool { return len(service()) == 0 }, 20*time.Second, 10*time.Millisecond, "a Podman stayed")
}
