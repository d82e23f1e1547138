//go:build linux

package suite

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
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

// The program's exit statuses.
const (
	StatusOK     = 0
	StatusBroken = 1
	StatusUsage  = 2
	StatusBug    = 3
)

// Binary is this program, built once for all tests, where every user may run
// it.
var Binary string

// hearSignals has what the tests start begin with no signal ignored, as from a
// terminal: a shell has those ignored in what it leaves in the background. The
// tests themselves go on ignoring them.
func hearSignals() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// Main runs the tests of a package with the program built, in the
// module's directory, and tells their exit status.
func Main(m *testing.M) int {
	embedded.Init() // some tests start an engine themselves
	hearSignals()
	if err := toModule(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "twinlayer")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Binary = filepath.Join(dir, "twinlayer")
	if out, err := exec.Command("go", "build", "-o", Binary, "twinlayer").CombinedOutput(); err != nil {
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

// toModule makes the module's directory the working directory.
func toModule() error {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	return os.Chdir(filepath.Dir(strings.TrimSpace(string(file))))
}

// Users are whom the program must work for: whoever runs the tests and, if
// that is root, an ordinary user too.
func Users() map[string]*syscall.Credential {
	if os.Getuid() != 0 {
		return map[string]*syscall.Credential{"ordinary user": nil}
	}
	return map[string]*syscall.Credential{"root": nil, "ordinary user": {Uid: 65534, Gid: 65534}}
}

// EachUser runs a test for each of [Users], each with a home of its own.
func EachUser(t *testing.T, test func(t *testing.T, p Program)) {
	NeedLinux(t)
	for name, user := range Users() {
		t.Run(name, func(t *testing.T) { test(t, Program{User: user, Home: HomeFor(t, user)}) })
	}
}

// NeedLinux skips a test where the embedded engine cannot run.
func NeedLinux(t testing.TB) {
	if runtime.GOOS != "linux" {
		t.Skip("the embedded engine needs Linux")
	}
}

// HomeFor is a new home for a user, which goes with the test.
func HomeFor(t testing.TB, user *syscall.Credential) string {
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

// Program runs twinlayer for one user, whose home is a directory of the test's.
type Program struct {
	User *syscall.Credential
	Home string
	Env  []string
}

// Command is the program with these arguments.
func (p Program) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(Binary, args...)
	cmd.Dir = p.Home
	cmd.Env = append([]string{"HOME=" + p.Home, "PATH=" + os.Getenv("PATH")}, p.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.User}
	return cmd
}

// Run gives it lines and returns what it printed and its exit status.
func (p Program) Run(t testing.TB, lines string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := p.Command(args...)
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

// Results runs lines with --json on the embedded engine.
func (p Program) Results(t testing.TB, lines string) []sim.Result {
	t.Helper()
	return p.ResultsOn(t, sim.Embedded, lines)
}

// ResultsOn is [Program.Results] on another engine, as --real names it.
func (p Program) ResultsOn(t testing.TB, real, lines string) []sim.Result {
	t.Helper()
	stdout, stderr, exit := p.Run(t, lines, "--json", "--real", real)
	require.Contains(t, []int{StatusOK, StatusBug}, exit, stderr)
	require.Empty(t, stderr)
	return ResultsIn(t, stdout)
}

// RequireSame asserts that no result has a difference.
func RequireSame(t testing.TB, all []sim.Result) {
	t.Helper()
	for _, r := range all {
		for _, d := range r.Differences {
			t.Errorf("%.100s: %s: %s\nmodel: %.1000s\nreal:  %.1000s", r.Cmd, d.What, d.Class, d.Model, d.Real)
		}
	}
}

// RequireNothingLeft waits for the last process of the program to end, which
// the kernel sees to, and checks that no mount stayed.
func (p Program) RequireNothingLeft(t *testing.T) {
	require.Eventually(t, func() bool { return len(p.Processes(t)) == 0 }, 10*time.Second, 5*time.Millisecond, "%v", p.Processes(t))
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), p.Home)
}

// Processes are those whose environment names this home: the program, its
// helper, and what runs in its containers.
func (p Program) Processes(t *testing.T) []string {
	var out []string
	dirs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, dir := range dirs {
		if env, err := os.ReadFile(dir + "/environ"); err == nil && strings.Contains(string(env), p.Home) {
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			out = append(out, dir+" "+string(cmdline))
		}
	}
	return out
}

// Kill ends what would stay.
func (p Program) Kill(t *testing.T) {
	for _, each := range p.Processes(t) {
		var pid int
		fmt.Sscanf(each, "/proc/%d", &pid)
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
