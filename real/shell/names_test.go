package shell_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/shell"
)

// takers are lines that take a name, an option or a descriptor which the
// session might stand on. After each the shell does what it is told, says
// nothing of the session, and its $? is its own.
var takers = []string{
	"alias echo=true", "alias command=true eval=true exit=true", "alias exec=true printf=true : =true",
	"echo() { :; }", "command() { :; }", "command() { echo mine; return 3; }", "printf() { :; }; read() { :; }",
	"unset -f __t", "unset -f command", "unset PATH", "IFS=0123456789/", "readonly s=1 n=2", "set -- a b c",
	"PS1='x> '; PS2='y> '; PS4='z '", "ENV=/dev/null; BASH_ENV=/dev/null", "trap '' INT TERM HUP", "trap : EXIT",
	"stty sane 2>/dev/null", "set -f", "set -C", "set -u", "set -a", "exec 6>&- 7>&-", "exec 6</dev/null 7</dev/null", "exec </dev/null",
	"exec 3>&1 4>&2 5>&1 8>&1 9>&2", "cd /", "umask 777", "cat <<E\nx", "f() { cat <<E\nx\nE\n}", "echo 'open", `echo "open`, "echo $(", "if", "fi", "}", ")", "{ echo",
	"echo a\\", "read x y z", "cat", "return", "return 3", "break", "continue 5", "shift 99", ". /nosuch", "echo ${x",
	"\xff", "echo \xff", "printf '\xfe\x80'", "# \xc3", "'\xc3'", "\x1b[31m", "\r", "echo a\rb", "sleep 1000 >/dev/null 2>&1 &", "sleep 1000 &",
	"(exit 3)", "! true", "set -o pipefail 2>/dev/null", "exec /nosuch/program", "exec 2>&1", "export 1=2", "LC_ALL=C; LANG=zh_CN.UTF-8",
	"set -e", "set -v", "set -x", "set -vx", "set -exv",
}

// fatal are takers that this shell dies of, as it does where nobody stands
// around it.
var fatal = map[string][]string{
	"dash": {"return", "return 3", "exec /nosuch/program"},
	"ash":  {"return", "return 3", "exec /nosuch/program"},
	"bash": {"exec /nosuch/program"},
}

func TestTakers(t *testing.T) {
	each(t, func(t *testing.T, first *started) {
		name := filepath.Base(t.Name())
		for _, taker := range takers {
			s := start(t, first.argv)
			r := s.line(taker)
			if r.Ended {
				require.Contains(t, fatal[name], taker, "%q", r.Stdout+r.Stderr)
				continue
			}
			s.unseen(taker, r)
			s.does(taker)
		}
	})
}

func (s *started) unseen(taker string, r shell.Result) {
	s.t.Helper()
	for _, ours := range []string{"twl-", "/a/", ">&6", "6>&-", `\eval`, `\command`} {
		require.NotContains(s.t, r.Stdout+r.Stderr, ours, "after %q", taker)
	}
}

// does says that a shell still does what it is told.
func (s *started) does(taker string) {
	s.t.Helper()
	at := s.line("/bin/pwd")
	s.unseen(taker, at)
	require.Contains(s.t, []string{"/\n", pwd(s.t)}, at.Stdout, "after %q", taker)
	require.Zero(s.t, at.Exit, "after %q: %s", taker, at.Stderr)
	r := s.line("/bin/sh -c 'exit 4' || (\\exit 5)")
	s.unseen(taker, r)
	require.True(s.t, r.Exit == 5 || r.Ended && strings.HasPrefix(taker, "set -e"), "after %q: %d", taker, r.Exit)
	if !r.Ended {
		s.kept(taker)
	}
}

// kept says that $?, variables and a trace are the shell's own.
func (s *started) kept(taker string) {
	s.t.Helper()
	r := s.line("/bin/echo status $?; v=kept; :")
	s.unseen(taker, r)
	require.True(s.t, strings.Contains(r.Stdout, "status 5") || strings.HasPrefix(taker, "IFS=") && strings.Contains(r.Stdout, "status"), "after %q: %q", taker, r.Stdout)
	r = s.line("/bin/echo $v")
	s.unseen(taker, r)
	require.Equal(s.t, "kept\n", r.Stdout, "after %q", taker)
}

func pwd(t *testing.T) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	return dir + "\n"
}

// What set -x and set -v show is the line, and what it does.
func TestShown(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.line("set -x")
		require.Equal(t, "+ echo a\n+ echo b\n", once(s.line("echo a\necho b").Stderr))
		require.Equal(t, "+ false\n", once(s.line("false").Stderr))
		require.Equal(t, "+ echo 1\n", once(s.line("echo $?").Stderr))
		s.line("set +x")
		s.line("set -v")
		require.Equal(t, "echo a\necho b\n", s.line("echo a\necho b").Stderr)
		require.Equal(t, "false\n", s.line("false").Stderr)
		require.Equal(t, "printf err >&2\nerr", s.line("printf err >&2").Stderr)
	})
}

// once is a trace without the depth that bash shows of eval.
func once(trace string) string { return strings.ReplaceAll(trace, "++", "+") }

// A shell names nothing of ours.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.line("true")
		for _, line := range []string{"set", "alias", "trap", "export -p", "type __t", "set -x; set; alias; trap; set +x"} {
			s.unseen(line, s.line(line))
		}
		own, err := exec.Command("ls", "/proc/self/fd").Output()
		require.NoError(t, err)
		require.Equal(t, string(own), s.line("ls /proc/self/fd").Stdout, "a program gets no descriptor of ours")
	})
}

// A line may send the shell's outputs elsewhere for good. What it prints goes
// there, and nothing of ours.
func TestOutputsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		out, errs := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "err")
		s.prints("exec >"+out, "", 0)
		s.prints("echo one; (exit 3)", "", 3)
		s.prints("exec 2>"+errs, "", 0)
		s.prints("echo two $?; echo err >&2; set -v; set -x", "", 0)
		s.prints("set +x; set +v", "", 0)
		s.prints("exec >&- 2>&-", "", 0)
		s.prints("(exit 4)", "", 4)
		text, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, "one\ntwo 0\n", string(text))
		text, err = os.ReadFile(errs)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "err\n"), "%s", text)
	})
}

// A shell whose words are not its own any more is handed lines in its grammar.
func TestBadLinesWithoutNames(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		s.line("command() { :; }")
		s.prints("x=1; cd /; # whole", "", 0)
		s.prints("", "", 0)
		s.prints("echo $x $PWD", "1 /\n", 0)
		require.NotZero(t, s.line("echo 'open").Exit)
		require.NotZero(t, s.line("}").Exit)
		s.prints("read v; echo $?", "1\n", 0)
		s.prints("(exit 6)", "", 6)
		s.prints("echo $?", "6\n", 0)
	})
}

// A job that was left behind prints when it likes.
func TestJobsOutput(t *testing.T) {
	each(t, func(t *testing.T, s *started) {
		var all string
		all += s.line("(sleep 0.2; echo late) &").Stdout
		for range 20 {
			all += s.line("sleep 0.05").Stdout
		}
		require.Equal(t, "late\n", all)
	})
}

// Logs have what was printed without the signs, however the text is cut.
func TestClean(t *testing.T) {
	each(t, func(t *testing.T, first *started) {
		var out, errs bytes.Buffer
		s := recorded(t, first.argv, &out, &errs)
		s.line("printf a; printf b >&2")
		s.line("echo c; echo d >&2; (exit 3)")
		s.line("printf e")
		for size := 1; size < 40; size += 7 {
			require.Equal(t, "ac\ne", cleaned(t, out.Bytes(), size))
			require.Equal(t, "bd\n", cleaned(t, errs.Bytes(), size))
		}
	})
}

func cleaned(t *testing.T, text []byte, size int) string {
	var kept bytes.Buffer
	w := shell.Clean(&kept)
	for part := text; len(part) > 0; part = part[min(size, len(part)):] {
		_, err := w.Write(part[:min(size, len(part))])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return kept.String()
}

// recorded is a shell of which all that comes is written down too.
func recorded(t *testing.T, argv []string, out, errs io.Writer) *started {
	s := &started{t: t, argv: argv, cmd: command(t, argv)}
	stdin, _ := s.cmd.StdinPipe()
	stdout, _ := s.cmd.StdoutPipe()
	stderr, _ := s.cmd.StderrPipe()
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	s.Session = shell.New(stdin, io.TeeReader(stdout, out), io.TeeReader(stderr, errs))
	return s
}
