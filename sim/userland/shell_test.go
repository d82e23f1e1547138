package userland

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func selfPath(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return self
}

// talk is a shell of the model between its lines.
type talk struct {
	t  *testing.T
	m  *machine
	sh *Shell
}

func newTalk(t *testing.T, args ...string) *talk {
	m := newMachine(t)
	return &talk{t, m, NewShell(m.process(append([]string{"sh"}, args...)...))}
}

// say runs a line and returns what it printed, its errors behind "!".
func (k *talk) say(line string) string {
	out, _, _ := k.run(line)
	return out
}

func (k *talk) run(line string) (out string, status int, ended bool) {
	k.t.Helper()
	var stdout, stderr bytes.Buffer
	p := k.m.process("sh")
	p.Stdout, p.Stderr = &stdout, &stderr
	k.sh, status, ended = k.sh.Line(context.Background(), p, line)
	out = stdout.String()
	if stderr.Len() > 0 {
		out += "!" + stderr.String()
	}
	return out, status, ended
}

func TestShellKeepsItsState(t *testing.T) {
	k := newTalk(t, "one", "two")
	k.say("x=1; export e=2; f() { echo f $1 $x; }; alias ll='echo listing'; umask 077")
	k.say("mkdir d; cd d; false")
	require.Equal(t, "1\n", k.say("echo $?"))
	require.Equal(t, "f a 1\n", k.say("f a"))
	require.Equal(t, "/workdir/d\n", k.say("pwd"))
	require.Equal(t, "/workdir/d", k.sh.Dir())
	require.Equal(t, "2\n", k.say("sh -c 'echo $e$x'"))
	require.Equal(t, "listing q\n", k.say("ll q"))
	require.Equal(t, "one two 2\n", k.say("echo $* $#"))
	require.Equal(t, "two\n", k.say("shift; echo $1"))
	require.Equal(t, "two\n", k.say("echo $@"))
	require.Equal(t, "600\n", k.say(">q; stat -c %a q"))
	require.Equal(t, "0077\n", k.say("umask"))
	require.Equal(t, "1\n", k.say("echo $$"))
	require.Contains(t, k.sh.Env(), "e=2")
}

func TestShellCanGoBack(t *testing.T) {
	k := newTalk(t)
	k.say("x=old; f() { echo old; }; alias a='echo old'; set -- p; mkdir d")
	old := k.sh
	k.say("x=new; export y=1; f() { echo new; }; alias a='echo new'; set -- q r; cd d; set -u; trap 'echo bye' EXIT; unset HOME")
	newer := k.sh
	k.sh = old
	require.Equal(t, "old old\nold\nold\np /workdir\n", k.say("echo $x $(f); f; a; echo $1 $PWD; echo $nope")[:len("old old\nold\nold\np /workdir\n")])
	require.Equal(t, "/root\n", k.say("echo $HOME"))
	k.sh = newer
	require.Equal(t, "new\nq r /workdir/d\n", k.say("f; echo $1 $2 $PWD"))
	require.Contains(t, k.say("echo $nope"), "nope: parameter not set")
	out, status, ended := k.run("exit 3")
	require.Equal(t, "bye\n", out)
	require.Equal(t, 3, status)
	require.True(t, ended)
}

func TestShellErrorsKeepItAlive(t *testing.T) {
	for line, want := range map[string]string{
		"fi":                     "!sh: syntax error: unexpected \"fi\"\n",
		"echo 'a":                "!sh: syntax error: unterminated quoted string\n",
		"eval 'echo )'":          "!sh: syntax error: unexpected \")\"\n",
		"echo ${x:?gone}; echo":  "!sh: x: gone\n",
		"echo $((1/0)); echo":    "!sh: divide by zero\n",
		"readonly r=1; r=2; pwd": "!sh: r: is read only\n",
		". /nope; pwd":           "!sh: .: can't open '/nope': No such file or directory\n",
		"nosuch":                 "!sh: nosuch: not found\n",
		"cat <(echo)":            "!sh: syntax error: process substitution is not in this shell\n",
		"a=(1 2)":                "!sh: syntax error: unexpected \"(\"\n",
		"return; echo no":        "",
	} {
		k := newTalk(t)
		out, _, ended := k.run(line)
		require.Equal(t, want, out, line)
		require.False(t, ended, line)
		require.Equal(t, "on\n", k.say("echo on"), line)
	}
}

func TestShellEnds(t *testing.T) {
	for line, want := range map[string]int{
		"exit": 0, "exit 4; echo no": 4, "false; exit": 1, "set -e; false; echo no": 1, "eval 'exit 5'": 5,
		"f() { exit 6; }; f": 6, "exec sh -c 'exit 7'": 7, "trap 'exit 8' EXIT; exit 1": 8,
	} {
		_, status, ended := newTalk(t).run(line)
		require.True(t, ended, line)
		require.Equal(t, want, status, line)
	}
}

func TestShellOptionsPersist(t *testing.T) {
	k := newTalk(t)
	k.say("set -x")
	require.Equal(t, "a\n!+ echo a\n", k.say("echo a"))
	k.say("set +x; set -f")
	require.Equal(t, "*\n", k.say("echo *"))
	k.say("exec 3>f; exec >out")
	k.say("echo to out; echo three >&3")
	require.Equal(t, "", k.say("echo more"))
	require.Contains(t, k.say("exec 1>&2; cat f out"), "three\nto out\nmore\n")
}

func TestShellObeysItsContext(t *testing.T) {
	for _, line := range []string{
		"while :; do :; done", "yes >/dev/null", "cat /dev/zero >/dev/null", "yes | cat >/dev/null",
		"f() { f; }; f", "for i in $(yes); do :; done", "while :; do sh -c :; done", "tail -f /etc/passwd",
	} {
		m := newMachine(t)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		p := m.process("sh")
		p.Stdout, p.Stderr = io.Discard, io.Discard
		done := make(chan bool)
		go func() {
			NewShell(p).Line(ctx, p, line)
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Errorf("%s does not end", line)
		}
		cancel()
	}
}

// TestEndlessSubstitution fills no memory.
func TestEndlessSubstitution(t *testing.T) {
	out, status, ended := newTalk(t).run("trap 'echo never' EXIT; for i in $(yes); do echo never; done")
	require.Equal(t, "!sh: out of memory\n", out)
	require.Equal(t, 1, status)
	require.True(t, ended, "busybox's shell ends, at a prompt too")
}

// TestMemory: what doubles, and what is kept of what never ends, finds its
// limit, and the program that holds it says so. Exit statuses are busybox's
// under ulimit -v.
func TestMemory(t *testing.T) {
	for script, want := range map[string]string{
		"x=a; while :; do x=$x$x; done":                                   "!sh: out of memory\n1",
		"x=$(printf %0300000d); y=${x//0/$x}":                             "!sh: out of memory\n1",
		"set a; while :; do set \"$@\" \"$@\"; done":                      "!sh: out of memory\n1",
		"f() { f \"$1$1\"; }; f abcdefgh":                                 "!sh: out of memory\n1",
		"i=0; while :; do i=$((i+1)); eval v$i=$(printf %0900000d); done": "!sh: out of memory\n1",
		"(x=a; while :; do x=$x$x; done); echo $?":                        "1\n!sh: out of memory\n0",
		"yes | sort": "!sort: out of memory\n2",
		"head -c 9000000 /dev/zero | tr '\\0' a | sed 'h;G;h;G;h;G;h;G'": "!sed: out of memory\n1",
		"yes | tail -n 100000000":                    "!tail: out of memory\n1",
		"dd bs=1G count=1 if=/dev/zero of=/dev/null": "!dd: out of memory\n1",
		// What is within the limit is none of its business.
		"x=a; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do x=$x$x; done; echo ${#x}": "1048576\n0",
	} {
		t.Run(script, func(t *testing.T) {
			out, status, _ := newTalk(t).run(script)
			require.Equal(t, want, out+strconv.Itoa(status))
		})
	}
}

func TestComplete(t *testing.T) {
	for line, want := range map[string]bool{
		"": true, "echo": true, "echo 'a": false, "echo \"a": false, "if true; then": false, "fi": true,
		"echo \\": false, "echo \\\\": true, "cat <<E": false, "cat <<E\nx\nE": true, "cat <<'E'\nx": false,
		"a |": false, "a &&": false, "f() {": false, "f() { a; }": true, "$(": false, "# c \\": true, "(": false,
		"case x in": false, "echo $((1": false, "echo )": true,
	} {
		require.Equal(t, want, Complete(line), "%q", line)
	}
}

// TestDriven drives sh over pipes as the real engine does.
func TestDriven(t *testing.T) {
	bin := t.TempDir()
	for _, name := range Applets() {
		require.NoError(t, os.Symlink(selfPath(t), filepath.Join(bin, name)))
	}
	cmd := exec.Command(filepath.Join(bin, "sh"))
	cmd.Args[0], cmd.Dir, cmd.Env = "sh", t.TempDir(), []string{"PATH=" + bin}
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	errs, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	fmt.Fprintln(in, `__t() { echo "$2 $1"; echo "$2" >&2; return $1; }`)
	until := func(r io.Reader, mark string) string {
		var b strings.Builder
		for !strings.Contains(b.String(), mark) || !strings.HasSuffix(b.String(), "\n") {
			c, err := readByte(r)
			if err != nil {
				break
			}
			b.WriteByte(c)
		}
		return b.String()
	}
	n := 0
	say := func(line string) string {
		n++
		mark := fmt.Sprintf("MARK%d", n)
		fmt.Fprintf(in, "eval %s </dev/null; __t $? %s\n", quote(line), mark)
		text := strings.Replace(until(out, mark), mark, "=", 1)
		if e, _, _ := strings.Cut(until(errs, mark), mark); e != "" {
			text += "!" + e
		}
		return text
	}
	require.Equal(t, "hi\n= 0\n", say("echo hi"))
	require.Equal(t, "= 127\n!sh: nosuch: not found\n", say("nosuch"))
	require.Equal(t, "= 2\n!sh: syntax error: unexpected \"fi\"\n", say("fi"))
	require.Equal(t, "= 0\n", say("cat"))
	require.Equal(t, "= 0\n", say("x='it'\\''s'; mkdir d; cd d"))
	require.Equal(t, "it's d 0\n= 0\n", say(`echo "$x" ${PWD##*/} $?`))
	require.Equal(t, "= 1\n", say("false"))
	require.Equal(t, "1\n= 0\n", say("echo $?"))
	require.Equal(t, "doc\n= 0\n", say("cat <<E\ndoc\nE"))
	require.Equal(t, "= 2\n!sh: y: gone\n", say("echo ${y:?gone}")[:len("= 2\n!sh: y: gone\n")])
	fmt.Fprintln(in, "eval 'exit 7' </dev/null; __t $? END")
	rest, _ := io.ReadAll(out)
	require.Empty(t, string(rest))
	cmd.Wait()
	require.Equal(t, 7, cmd.ProcessState.ExitCode())
}
