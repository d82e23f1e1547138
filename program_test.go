//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// binary is this program, built once for all tests, where every user may run
// it.
var binary string

func TestMain(m *testing.M) {
	runApplet(os.Args)
	embedded.Init()
	os.Exit(withBinary(m))
}

func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "twinlayer")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "twinlayer")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "5"); err != nil { // engines are waited for more than they work
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// users are whom the program must work for: whoever runs the tests and, if
// that is root, an ordinary user too.
func users() map[string]*syscall.Credential {
	if os.Getuid() != 0 {
		return map[string]*syscall.Credential{"ordinary user": nil}
	}
	return map[string]*syscall.Credential{"root": nil, "ordinary user": {Uid: 65534, Gid: 65534}}
}

func eachUser(t *testing.T, test func(t *testing.T, p program)) {
	needLinux(t)
	for name, user := range users() {
		t.Run(name, func(t *testing.T) { test(t, program{user: user, home: homeFor(t, user)}) })
	}
}

func needLinux(t testing.TB) {
	if runtime.GOOS != "linux" {
		t.Skip("the embedded engine needs Linux")
	}
}

func homeFor(t testing.TB, user *syscall.Credential) string {
	home, err := os.MkdirTemp("", "home")
	require.NoError(t, err)
	t.Cleanup(func() { removeAll(t, home) })
	if user != nil {
		require.NoError(t, os.Chown(home, int(user.Uid), int(user.Gid)))
	}
	return home
}

// removeAll removes what engines leave, which may be closed to its owner.
func removeAll(t testing.TB, dir string) {
	exec.Command("chmod", "-R", "u+rwx", dir).Run()
	require.NoError(t, os.RemoveAll(dir))
}

// program runs twinlayer for one user.
type program struct {
	user *syscall.Credential
	home string
	env  []string
}

func (p program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = p.home
	cmd.Env = append([]string{"HOME=" + p.home, "PATH=" + os.Getenv("PATH")}, p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	return cmd
}

// run gives it lines and returns what it printed and its exit status.
func (p program) run(t testing.TB, lines string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := p.command(args...)
	cmd.Stdin = strings.NewReader(lines)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = 10 * time.Second // one that stays and holds these is a fault
	require.NoError(t, cmd.Start())
	hangs := time.AfterFunc(4*time.Minute, func() { cmd.Process.Signal(syscall.SIGQUIT) }) // it says where
	defer hangs.Stop()
	err := cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// results runs lines with --json on the embedded engine.
func (p program) results(t testing.TB, lines string) []sim.Result {
	t.Helper()
	return p.resultsOn(t, "embedded", lines)
}

func (p program) resultsOn(t testing.TB, real, lines string) []sim.Result {
	t.Helper()
	stdout, stderr, exit := p.run(t, lines, "--json", "--real", real)
	require.Contains(t, []int{exitOK, exitBug}, exit, stderr)
	require.Empty(t, stderr)
	var all []sim.Result
	for line := range strings.Lines(stdout) {
		var r sim.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		all = append(all, r)
	}
	return all
}

func requireSame(t testing.TB, all []sim.Result) {
	t.Helper()
	for _, r := range all {
		for _, d := range r.Differences {
			t.Errorf("%.100s: %s: %s\nmodel: %.1000s\nreal:  %.1000s", r.Cmd, d.What, d.Class, d.Model, d.Real)
		}
	}
}

// requireNothingLeft waits for the last process of the program to end, which
// the kernel sees to, and checks that no mount stayed.
func (p program) requireNothingLeft(t *testing.T) {
	require.Eventually(t, func() bool { return len(p.processes(t)) == 0 }, 10*time.Second, 5*time.Millisecond, "%v", p.processes(t))
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), p.home)
}

// processes are those whose environment names this home: the program, its
// helper, and what runs in its containers.
func (p program) processes(t *testing.T) []string {
	var out []string
	dirs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, dir := range dirs {
		if env, err := os.ReadFile(dir + "/environ"); err == nil && strings.Contains(string(env), p.home) {
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			out = append(out, dir+" "+string(cmdline))
		}
	}
	return out
}

// kill ends what would stay.
func (p program) kill(t *testing.T) {
	for _, each := range p.processes(t) {
		var pid int
		fmt.Sscanf(each, "/proc/%d", &pid)
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
