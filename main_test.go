//go:build linux

package main

import (
	"context"
	"encoding/json"
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

	"twinlayer/fs"
	"twinlayer/sim"
)

func TestHelloWorldInBothWorlds(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		all := p.results(t, "docker run hello-world\n")
		require.Len(t, all, 1)
		requireSame(t, all)
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
		lacking(t, "busybox-static")
	}
	eachUser(t, func(t *testing.T, p program) {
		writeRoot(t, busybox, filepath.Join(p.home, "root.tar"))
		lines, err := os.ReadFile("real/testdata/sessions/foreign.txt")
		require.NoError(t, err)
		all := p.results(t, string(lines))
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
			if strings.HasPrefix(s.Why, "adopted: ") {
				adopted++
			}
		}
		require.Greater(t, adopted, 1)
	})
}

// lacking skips a test for what is not installed; in CI it fails.
func lacking(t testing.TB, what string) {
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
}

// writeRoot writes a root file system with a stranger's busybox in it.
func writeRoot(t *testing.T, busybox, name string) {
	exe, err := os.ReadFile(busybox)
	require.NoError(t, err)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/bin/busybox", fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf(exe)}))
	for _, applet := range []string{"sh", "rm"} {
		require.NoError(t, b.Put("/bin/"+applet, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "busybox"}))
	}
	require.NoError(t, b.Put("/etc/passwd", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("root:x:0:0:root:/:/bin/sh\n"))}))
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, b.Tree().WriteTar(f))
	require.NoError(t, f.Close())
}

// TestBadLines: no engine breaks on a line that makes no sense, and all say the
// same of it.
func TestBadLines(t *testing.T) {
	needLinux(t)
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
	for _, c := range contestants(t)[1:] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := program{user: c.user, home: homeFor(t, c.user), env: c.env}
			all := p.resultsOn(t, c.real, lines.String())
			require.Len(t, all, len(bad), "the prompt comes back")
			requireSame(t, all)
			for i, r := range all {
				require.NotZero(t, r.Real.Exit, r.Cmd)
				require.Contains(t, r.Real.Stderr, bad[i].text)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	p := program{home: homeFor(t, nil)}
	for name, c := range map[string]struct {
		args []string
		exit int
	}{
		"fine":            {[]string{"--real", "none"}, exitOK},
		"help":            {[]string{"--help"}, exitOK},
		"unknown flag":    {[]string{"--frob"}, exitUsage},
		"unknown engine":  {[]string{"--real", "frob"}, exitUsage},
		"an argument":     {[]string{"frob"}, exitUsage},
		"no such script":  {[]string{"--real", "none", "--script", "/nosuch"}, exitBroken},
		"no place for it": {[]string{"--real", "embedded", "--data-dir", "/proc/nosuch"}, exitBroken},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, exit := p.run(t, "", c.args...)
			require.Equal(t, c.exit, exit, stderr)
		})
	}
}

func TestModelAlone(t *testing.T) {
	p := program{home: homeFor(t, nil)}
	stdout, _, exit := p.run(t, "docker run hello-world\n", "--real", "none", "--json")
	require.Zero(t, exit)
	var r sim.Result
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Nil(t, r.Real)
	require.Equal(t, sim.Limit, r.Verdict)
	require.Contains(t, r.Model.Stdout, "Hello from twinlayer!")
}

// TestTerminal types at a real terminal: a prompt, completion, Ctrl-C, the end.
func TestTerminal(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		cmd := p.command()
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
		terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 80})
		require.NoError(t, err)
		defer terminal.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
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
		step("echo back again\r", "│ back again")
		step(":back\r", "cannot go back")
		step("\x04", "twinlayer> ")
		step("docker run -d --name bg busybox sh -c 'while :; do echo $((6*7)); sleep 1; done'\r", "twinlayer> ")
		for _, waits := range []string{"docker logs -f bg", "docker wait bg"} {
			step(waits+"\r", waits)
			time.Sleep(600 * time.Millisecond)
			step("\x03", "twinlayer> ")
		}
		require.Equal(t, 4, strings.Count(seen.String(), "[exit status 130]"), "of both worlds: %s", &seen)
		require.Contains(t, seen.String(), "\n42\r\n", "a followed log is shown as it comes")
		step("docker rm -f bg\r", "the worlds agree")
		step("quit\r", "quit")
		require.NoError(t, cmd.Wait(), &seen)
		p.requireNothingLeft(t)
	})
}

// TestKilled ends the program in the middle of things and looks for what it
// left.
func TestKilled(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		for i := range 12 {
			cmd := p.command("--json")
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			fmt.Fprintf(in, "docker run -it -e MARK=%s busybox\nwhile true; do echo x >> /tmp/f; done\n", p.home)
			time.Sleep(time.Duration(i*i*5) * time.Millisecond)
			signal := []os.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM}[i%3]
			require.NoError(t, cmd.Process.Signal(signal))
			in.Close()
			cmd.Wait()
			p.requireNothingLeft(t)
		}
		requireSame(t, p.results(t, "docker run hello-world\n"))
		left, err := filepath.Glob(filepath.Join(p.home, ".local/share/twinlayer/sessions/*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// TestPodmanEnds: the Podman that twinlayer starts for an ordinary user, who
// has no service running, ends with it; podman's own keeper of the user
// namespace stays, as after every rootless podman command.
func TestPodmanEnds(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		lacking(t, "podman")
	}
	needLinux(t)
	user := users()["ordinary user"]
	p := program{user: user, home: homeFor(t, user)}
	stdout, stderr, exit := p.run(t, "", "engines")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "podman    Podman ")
	t.Cleanup(func() { p.kill(t) })
	service := func() (still []string) {
		for _, each := range p.processes(t) {
			if strings.Contains(each, "system") {
				still = append(still, each)
			}
		}
		return still
	}
	require.Eventually(t, func() bool { return len(service()) == 0 }, 20*time.Second, 10*time.Millisecond, "a Podman stayed")
}
