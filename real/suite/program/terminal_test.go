//go:build linux

package program

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
)

// hostile is text that a terminal would obey, or show as something else: ESC,
// CSI, OSC, a colour of its own, BEL, BS, CR, C1 controls, and the marks that
// turn the direction of writing.
const hostile = "\x1b[2J\x1b]0;x\a\x1b[35m\b\rz\u0085\u009b2J\u009d\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"

// hostileBytes is hostile and C1 controls as single bytes, as printf(1) has it.
var hostileBytes = func() string {
	var b strings.Builder
	for _, c := range []byte(hostile + "\x80\x85\x9b\x9d\x9f") {
		fmt.Fprintf(&b, "\\%03o", c)
	}
	return b.String()
}()

// hostileSession brings such text into every place that a session shows: names,
// what programs print, labels, histories, errors of every part, stories, the
// prompt.
func hostileSession(registry string) string {
	e := hostile
	lines := []string{
		"docker run -it --name box --label 'a=" + e + "' -e 'V=" + e + "' busybox",
		"N=$(printf '" + hostileBytes + "')",
		"echo \"$N\"; echo \"$N\" >&2; echo \"$V\"",
		"touch \"/$N\" /etc/\"$N\"; rm -f /etc/passwd; ln -s \"$N\" /link",
		"mkdir \"/d$N\" && cd \"/d$N\" && pwd && ls -la /",
		"\"$N\"; cat \"$N.\"; cd \"$N\"; echo $((" + e + "))",
		"sleep 1000 & ps; kill $!",
		":steps", ":layers", ":evidence", ":why /" + e, ":audit box", ":back", ":forward", ":" + e, ":lang " + e,
		"cd /", "exit",
		"docker diff box", "docker logs box", "docker inspect box", "docker inspect -f '" + e + "{{.Config.Env}}' box", "docker start box", "docker top box",
		"docker ps -a --no-trunc --format '{{.Names}} {{.Labels}} {{.Command}}" + e + "'", "docker ps --filter 'label=" + e + "'", "docker exec box '" + e + "'",
		"docker exec -w '/" + e + "' box true", "docker exec -u '" + e + "' box true", "docker rm -f box '" + e + "'",
		"docker run --name box2 -w '/" + e + "' busybox sh -c 'echo \"" + e + "\"; exit 3' '" + e + "'",
		"docker commit -m '" + e + "' -a '" + e + "' -c \"LABEL l='" + e + "'\" -c 'CMD " + e + "' box2 img",
		"docker history img", "docker history --no-trunc img", "docker inspect img", "docker image inspect -f '{{.Config.Labels}}' img",
		"audit img", "diff busybox img", "why img '/" + e + "'", "why '" + e + "' /x", "layers img", "layers '" + e + "'", "audit '" + e + "'", "evidence '" + e + "'", "lesson '" + e + "'",
		"docker build -t built hostile", "docker history --no-trunc built", "docker build bad", "docker build '" + e + "'",
		"docker images '" + e + "'", "docker run '" + e + "'", "docker run --name '" + e + "' busybox", "docker '" + e + "'", e, "docker run --" + e, "docker tag busybox '" + e + "'",
		"docker volume create '" + e + "'", "docker run --rm -v '" + e + ":/x' busybox", "docker run --rm -v '/tmp:" + e + "' busybox", "docker cp box2:'/" + e + "' .", "docker load -i '" + e + "'", "docker import '" + e + "'",
		"docker pull " + registry + "/json", "docker pull " + registry + "/text", "docker pull " + registry + "/manifest", "docker push '" + e + "'",
		"help '" + e + "'", "lesson new-lesson", "files", "goals", "next", "end",
	}
	return strings.Join(lines, "\n") + "\n"
}

// writeHostile writes what the session finds in its directory.
func writeHostile(t *testing.T, home string) {
	for name, text := range map[string]string{
		"hostile/Dockerfile":      "FROM busybox\n# " + hostile + "\nLABEL a=\"" + hostile + "\"\nRUN echo '" + hostile + "' # '\nCOPY h* /\n",
		"hostile/h" + hostile[:4]: hostile,
		"bad/Dockerfile":          "FROM busybox\n" + strings.ReplaceAll(hostile, "\r", "") + " x\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(home, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte(text), 0o644))
	}
	p := suite.Program{Home: home}
	_, stderr, exit := p.Run(t, "", "lesson", "new", "new-lesson")
	require.Zero(t, exit, stderr)
	for _, file := range []string{"new-lesson/en.md", "new-lesson/zh.md"} {
		text, err := os.ReadFile(filepath.Join(home, file))
		require.NoError(t, err)
		bad := regexp.MustCompile(`(?m)^([^#\n].*|# .*)$`).ReplaceAllString(string(text), "${1}"+strings.ReplaceAll(strings.ReplaceAll(hostile, "\r", ""), "\u0085", ""))
		require.NoError(t, os.WriteFile(filepath.Join(home, file), []byte(bad), 0o644))
	}
}

// hostileRegistry answers with such text.
func hostileRegistry(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
		case strings.HasPrefix(r.URL.Path, "/v2/json/"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":%s,"detail":%s}]}`, quoteJSON(hostile), quoteJSON(hostile))
		case strings.HasPrefix(r.URL.Path, "/v2/text/"):
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, hostile)
		default:
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			io.WriteString(w, hostile)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func quoteJSON(s string) string {
	return strings.NewReplacer(`\a`, `\u0007`, `\x1b`, `\u001b`).Replace(strconv.QuoteToASCII(s))
}

// ownColours are the sequences that the program itself writes.
var ownColours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestHostileText: whatever a world shows, what comes to the terminal is text
// and the program's own colours; off one, and with --plain, it is text.
func TestHostileText(t *testing.T) {
	suite.NeedLinux(t)
	for _, c := range suite.SomeContestants(t) {
		c.Run(t, func(t *testing.T, p suite.Program) {
			writeHostile(t, p.Home)
			script := filepath.Join(p.Home, "script")
			require.NoError(t, os.WriteFile(script, []byte(hostileSession(hostileRegistry(t))), 0o644))
			coloured := onTerminal(p, t, "--real", c.Real, "--script", script)
			requireText(t, ownColours.ReplaceAllString(coloured, ""))
			require.Regexp(t, ownColours, coloured)
			require.NotContains(t, coloured, "\x1b[35m")
			requireShown(t, coloured)
			if c.Daemon() && !testenv.Full() {
				return // the rest is the same program's
			}
			requireText(t, onTerminal(p, t, "--real", c.Real, "--plain", "--script", script))
			stdout, stderr, _ := p.Run(t, "", "--real", c.Real, "--script", script)
			requireText(t, stdout)
			requireText(t, stderr)
			requireShown(t, stdout)
		})
	}
}

// onTerminal runs a script on a terminal and returns all that came there.
func onTerminal(p suite.Program, t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.Command(args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
	require.NoError(t, err)
	defer terminal.Close()
	hangs := time.AfterFunc(4*time.Minute, func() { cmd.Process.Kill() })
	defer hangs.Stop()
	out, _ := io.ReadAll(terminal) // it ends with an error (pty(7))
	cmd.Wait()
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

// requireText fails where a terminal would do something else than show a
// character.
func requireText(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		bad := strings.IndexFunc(line, func(r rune) bool {
			return unicode.In(r, unicode.Cc, unicode.Cf)
		})
		require.True(t, utf8.ValidString(line), "%q", line)
		require.Negative(t, bad, "%q", line)
	}
}

// requireShown fails where the session has shown little of the hostile text.
func requireShown(t *testing.T, out string) {
	t.Helper()
	require.Greater(t, strings.Count(out, `\x1b[2J`), 60)
	require.Greater(t, strings.Count(out, `\u202e`), 40)
	require.Greater(t, strings.Count(out, `\x9b`), 5)
}

// TestHostileJSON: JSON has no such character either, and loses none.
func TestHostileJSON(t *testing.T) {
	p := suite.Program{Home: suite.HomeFor(t, nil)}
	line := "docker run --rm busybox printf '" + hostileBytes + "'\n"
	stdout, _, _ := p.Run(t, line, "--json")
	require.False(t, strings.ContainsFunc(strings.ReplaceAll(stdout, "\n", ""), func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }))
	require.Equal(t, 2, strings.Count(stdout, `"stdout":"\u001b[2J`), "both worlds: %s", stdout)
	require.Contains(t, stdout, `\u202e`)
	require.Contains(t, stdout, `\u200f\udc80\udc85\udc9b\udc9d\udc9f"`)
}

// TestLongArguments: both worlds have the kernel's limits (execve(2)).
func TestLongArguments(t *testing.T) {
	suite.NeedLinux(t)
	x := func(n int) string { return strings.Repeat("x", n) }
	const most = 32*4096 - 1
	lines := []string{
		"docker run -it --name box busybox",
		"/bin/true " + x(most) + "; echo $?", "/bin/true " + x(most+1) + "; echo $?",
		"A=" + x(most-2) + " /bin/true; echo $?", "A=" + x(most-1) + " /bin/true; echo $?",
		"find /bin -name " + x(most+1), "echo " + x(most+1) + " | wc -c", "env A=" + x(most) + " true; echo $?",
		"a=" + x(100_000), "/bin/true $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a; echo $?",
		"/bin/true $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a; echo $?",
		"exec /bin/true " + x(most+1), "exit",
		"docker run --rm busybox true " + x(most), "docker run --rm busybox true " + x(most+1), "docker run --rm -e A=" + x(most) + " busybox true",
		"docker run -d --name web busybox sleep 1000", "docker exec web true " + x(most), "docker exec web true " + x(most+1), "docker rm -f web",
	}
	for _, c := range suite.SomeContestants(t)[1:] {
		c.Run(t, func(t *testing.T, p suite.Program) {
			refused := 0
			for _, r := range p.ResultsOn(t, c.Real, strings.Join(lines, "\n")+"\n") {
				require.NotNil(t, r.Real)
				require.NotEqual(t, sim.Bug, r.Verdict, "%.60s (%d bytes): %.200q %.200q", r.Cmd, len(r.Cmd), r.Model.Stderr, r.Real.Stderr)
				if strings.Contains(strings.ToLower(r.Model.Stderr), "argument list too long") {
					refused++
				}
			}
			require.Equal(t, 9, refused)
		})
	}
}

// TestOutputAsItComes: on a terminal, what a program prints is seen before it
// ends, and it is text.
func TestOutputAsItComes(t *testing.T) {
	suite.NeedLinux(t)
	for _, c := range suite.SomeContestants(t) {
		c.Run(t, func(t *testing.T, p suite.Program) {
			cmd := p.Command("--real", c.Real)
			cmd.Env = append(cmd.Env, "TERM=xterm")
			terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
			require.NoError(t, err)
			defer terminal.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			step := func(keys, want string) {
				t.Helper()
				io.WriteString(terminal, keys)
				waitFor(t, ctx, terminal, want)
			}
			prints := `for i in 1 2 3; do printf "so\033]0;x\007%d\n" $((i*14)); done; sleep 1000`
			step("", "twinlayer> ")
			step("docker run --name box busybox sh -c '"+prints+"'\r", "\nso\\x1b]0;x\\a42\r\n")
			step("\x03", "twinlayer> ")
			step("docker run -d --name box2 busybox sleep 1000\r", "twinlayer> ")
			step("docker exec box2 sh -c '"+strings.Replace(prints, "1000", "3", 1)+"'\r", "\nso\\x1b]0;x\\a42\r\n")
			step("\x03", "twinlayer> ")
			step("docker run -it --name box3 busybox\r", "box3:/ # ")
			step(prints+"\r", "\nso\\x1b]0;x\\a42\r\n")
			step("\x03", "[exit status") // a slow engine's shell may have ended with its line
			io.WriteString(terminal, "\x04\x04")
			rest, _ := io.ReadAll(terminal)
			require.NoError(t, cmd.Wait(), "%s", rest)
		})
	}
}

// TestLongWord: a word of 1 MB at the prompt, in a shell, a table, a story and
// an error costs no more than it must, and is not all shown.
func TestLongWord(t *testing.T) {
	w := strings.Repeat("x", testenv.Count(0, 1<<18, 1<<20))
	lines := []string{
		"docker run -it --name box --label a=" + w + " busybox",
		"echo " + w, "echo 'A   B   C'; echo '" + w + "   b   c'", "echo '" + strings.Repeat("A   ", len(w)/4) + "'", w, ":" + w, "exit",
		"docker ps -a --format 'table {{.Names}}\t{{.Labels}}'", "docker inspect box", w, "docker run " + w, "why " + w + " " + w, "help " + w,
		"docker commit -m " + w + " box img", "docker history --no-trunc img", "audit img", "docker tag busybox the-end", "docker images the-end",
	}
	p := suite.Program{Home: suite.HomeFor(t, nil)}
	script := filepath.Join(p.Home, "script")
	require.NoError(t, os.WriteFile(script, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	out := onTerminal(p, t, "--real", "none", "--lang", "zh", "--script", script)
	require.Regexp(t, `the-end +latest`, out)
	require.Greater(t, strings.Count(out, "more bytes")+strings.Count(out, " 字节"), 5)
	require.Less(t, len(out), 1<<20)
}
