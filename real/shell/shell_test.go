package shell_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/shell"
	"twinlayer/sim"
	"twinlayer/sim/userland"
)

// TestMain lets the test binary stand in for a shell made of mvdan.cc/sh.
func TestMain(m *testing.M) {
	if os.Getenv("SHELL_TEST_OWN") != "" {
		os.Exit(userland.Main([]string{"sh"}, userland.Run))
	}
	os.Exit(m.Run())
}

// each runs a test on every shell that is installed.
func each(t *testing.T, test func(t *testing.T, s *started)) {
	for _, argv := range [][]string{{"dash"}, {"bash"}, {"busybox", "ash"}, {"own"}} {
		t.Run(argv[len(argv)-1], func(t *testing.T) { test(t, start(t, argv)) })
	}
}

type started struct {
	*shell.Session
	t    *testing.T
	argv []string
	cmd  *exec.Cmd
}

func start(t *testing.T, argv []string) *started {
	return recorded(t, argv, io.Discard, io.Discard)
}

func command(t *testing.T, argv []string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	if argv[0] == "own" {
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SHELL_TEST_OWN=1")
	} else if _, err := exec.LookPath(argv[0]); err != nil {
		testenv.Lacking(t, "%s is not installed", argv[0])
	}
	return cmd
}

func (s *started) line(text string) shell.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := s.Line(ctx, text, func() { s.t.Errorf("no answer to %.60q", text); s.cmd.Process.Kill() })
	require.NoError(s.t, err)
	return r
}

func (s *started) prints(text, stdout string, exit int) {
	s.t.Helper()
	r := s.line(text)
	require.Equal(s.t, stdout, r.Stdout)
	require.Equal(s.t, exit, r.Exit)
	require.False(s.t, r.Ended)
}

func TestLines(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.prints("echo hi", "hi\n", 0)
		s.prints("printf no-newline", "no-newline", 0)
		s.prints("x='a b'; cd /", "", 0)
		s.prints(`echo "$x" $PWD`, "a b /\n", 0)
		s.prints("(exit 3)", "", 3)
		s.prints("echo $?", "3\n", 0)
		s.prints("for i in 1 2\ndo echo $i\ndone", "1\n2\n", 0)
		s.prints("read v; echo $?", "1\n", 0)
		s.prints("echo it\\'s 'a \"quote\"'", "it's a \"quote\"\n", 0)
		s.prints("", "", 0)
		s.prints("# nothing", "", 0)
		s.prints("f() { echo f; }", "", 0)
		s.prints("f", "f\n", 0)
		s.prints("echo a\x00b", "ab\n", 0)
	})
}

func TestStderr(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		r := s.line("echo out; printf err >&2; false")
		require.Equal(t, shell.Result{Stdout: "out\n", Stderr: "err", Exit: 1, PID: s.cmd.Process.Pid}, r)
		r = s.line("PATH=/bin nosuchcommand")
		require.Equal(t, 127, r.Exit)
		require.Contains(t, r.Stderr, "not found")
	})
}

func TestSyntaxErrorLeavesTheShell(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		r := s.line("if")
		require.NotEmpty(t, r.Stderr)
		require.NotZero(t, r.Exit)
		require.False(t, r.Ended)
		s.line("echo 'open")
		s.prints("echo still here", "still here\n", 0)
	})
}

func TestExit(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		r := s.line("echo bye; exit 4")
		require.Equal(t, "bye\n", r.Stdout)
		require.True(t, r.Ended)
		if !strings.HasSuffix(t.Name(), "mvdan") {
			require.Equal(t, 4, wait(s.cmd))
		}
		require.True(t, s.line("echo again").Ended)
	})
}

func wait(cmd *exec.Cmd) int {
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

func TestHangup(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.prints("(exit 3)", "", 3)
		r, err := s.Hangup(context.Background(), func() {})
		require.NoError(t, err)
		require.Equal(t, shell.Result{Ended: true}, r)
		require.Equal(t, 3, wait(s.cmd))
	})
}

func TestLongLine(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		long := strings.Repeat("x", sim.PrintedMax-1)
		s.prints("echo "+long, long+"\n", 0)
	})
}

func TestTrace(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.line("set -x")
		r := s.line("echo traced")
		require.Equal(t, "traced\n", r.Stdout)
		require.Contains(t, r.Stderr, "+ echo traced\n")
		require.NotContains(t, r.Stderr, "twl-")
	})
}

// A mark is found wherever it falls in the reader's buffer.
func TestBoundaries(t *testing.T) {
	s := start(t, []string{"dash"})
	s.line("a=1234567890123456789012345678901234567890")
	s.line("e() { i=0; while [ $i -lt 1636 ]; do printf %s $a; i=$((i+1)); done; }")
	for pad := range 120 {
		want := 1636*40 + pad
		r := s.line("e; printf '" + strings.Repeat("y", pad) + "'; (exit 123)")
		require.Len(t, r.Stdout, want)
		require.Equal(t, 123, r.Exit)
	}
}

func TestCutOutput(t *testing.T) {
	r, w := io.Pipe()
	s := shell.New(discard{}, r, bytes.NewReader(nil))
	go func() {
		block := make([]byte, 1<<20)
		for range 200 {
			w.Write(block)
		}
		w.Close()
	}()
	res, err := s.Hangup(context.Background(), func() {})
	require.NoError(t, err)
	require.Less(t, len(res.Stdout), sim.PrintedMax+100)
	require.Contains(t, res.Stdout, "[twinlayer: 208666624 more bytes were not kept]")
}

type discard struct{ io.Writer }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// A line that never ends is stopped by whoever owns the processes.
func TestInterrupt(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.prints("true", "", 0)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		r, err := s.Line(ctx, "echo begun; while :; do :; done", func() { s.cmd.Process.Kill() })
		require.NoError(t, err)
		require.Equal(t, "begun\n", r.Stdout)
		require.True(t, r.Ended)
	})
}

func TestQuote(t *testing.T) {
	out, err := exec.Command("sh", "-c", "printf %s "+shell.Quote("it's\n$x `y` \\ \"z\"")).Output()
	require.NoError(t, err)
	require.Equal(t, "it's\n$x `y` \\ \"z\"", string(out))
}
