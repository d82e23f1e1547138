package repl

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/kernel"
	"twinlayer/real"
	"twinlayer/real/registry"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

var update = flag.Bool("update", false, "write the transcripts anew; read the diff")

// typed is somebody who types the given lines; what is prompted goes to out.
type typed struct {
	lines []string
	out   io.Writer
}

func (t *typed) Line(prompt string) (string, error) {
	if len(t.lines) == 0 {
		return "", io.EOF
	}
	line := t.lines[0]
	t.lines = t.lines[1:]
	fmt.Fprintln(t.out, prompt+line)
	return line, nil
}

func (t *typed) Talks() bool { return true }

// modelOnly is a session on a model, with a clock, a chance and a program in
// its images of its own, so that every run prints the same however this test
// was built.
func modelOnly(t testing.TB) *session.Session {
	exe := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(exe, nil, 0o755))
	require.NoError(t, os.Truncate(exe, 4<<20))
	images := bundle.New(platform.Host(), bundle.File(exe), userland.Applets())
	now, n := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), byte(0)
	return &session.Session{
		Model: model.New(model.Config{LocalRegistry: registry.Name, Facts: kernel.Teaching("x86_64"), Registry: images, Programs: images.Programs, Sleep: userland.SleepFor}),
		Host:  real.Host{},
		Clock: func() time.Time { now = now.Add(time.Second); return now },
		Rand: func(b []byte) {
			for i := range b {
				n++
				b[i] = n
			}
		},
	}
}

// run has a conversation on a model alone, in lines, to its end.
func run(t *testing.T, in Lines, out io.Writer, c play.Config) *play.Conversation {
	t.Helper()
	r := over(t, in, out, c, Config{Plain: true})
	require.NoError(t, r.Run(context.Background()))
	return r.Play
}

// over is a REPL over a conversation on a model alone.
func over(t *testing.T, in Lines, out io.Writer, c play.Config, screen Config) *REPL {
	if c.Session == nil {
		c.Session = modelOnly(t)
	}
	c.Person = in.Talks()
	screen.Play, screen.Lines, screen.Out = play.New(c), in, out
	return New(screen)
}

// TestTranscripts types each testdata file's lines and compares what is seen
// with the file beside it.
func TestTranscripts(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the transcripts have the digests of the images for amd64")
	}
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			lines, err := os.ReadFile(file)
			require.NoError(t, err)
			var out strings.Builder
			in := &typed{strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n"), &out}
			run(t, in, &out, play.Config{Missing: "this is a test"})
			compareGolden(t, strings.TrimSuffix(file, ".txt")+".out", normal(out.String()))
		})
	}
}

// ofBuild is what depends on how this program was built: digests of the
// busybox image and sizes of its executable.
var ofBuild = regexp.MustCompile(`(?m)sha256:[0-9a-f]{64}|[0-9a-f]{12}: Pull|read-only  \d+ paths, \d+ bytes|layer [0-9a-f]{12}|image [0-9a-f]{12}|busybox      latest .*`)

// madeUpon are the ids and sizes of images that were built on such an image.
var madeUpon = regexp.MustCompile(`\b[0-9a-f]{12}\b|\b\d\d(\.\d)?MB`)

func normal(s string) string {
	if strings.Contains(s, "docker build") {
		s = madeUpon.ReplaceAllString(s, "…")
	}
	return ofBuild.ReplaceAllStringFunc(s, func(m string) string {
		return regexp.MustCompile(`[0-9a-f]{12,}|\d+ paths, \d+ bytes|latest .*`).ReplaceAllString(m, "…")
	})
}

func compareGolden(t *testing.T, file, got string) {
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test -update writes it")
	require.Equal(t, string(want), got)
}

// TestJSONIsNothingElse: a program that reads gets the events, one per line,
// whatever was typed.
func TestJSONIsNothingElse(t *testing.T) {
	var out strings.Builder
	script := "help\nlesson 1\nnext\nsteps\ndocker run -it --name box1 busybox\n:layers\n:nosuch\n:detach\nback\nfrob\ndocker ps"
	r := over(t, NewScript(strings.NewReader(script)), &out, play.Config{}, Config{JSON: true})
	require.NoError(t, r.Run(context.Background()))
	var cmds []string
	for line := range strings.Lines(out.String()) {
		var e struct{ Event, Cmd string }
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		if e.Event == "result" {
			cmds = append(cmds, e.Cmd)
		}
	}
	require.Equal(t, []string{"docker pull hello-world", "docker run -it --name box1 busybox", "frob", "docker ps"}, cmds)
}

func TestCompletion(t *testing.T) {
	s := modelOnly(t)
	r := over(t, NewScript(strings.NewReader("")), io.Discard, play.Config{Session: s, Pullable: []string{"busybox", "hello-world"}}, Config{})
	complete := func(line string) []string {
		head, candidates, _ := r.Complete(line, len([]rune(line)))
		for i := range candidates {
			candidates[i] = head + candidates[i]
		}
		return candidates
	}
	require.Equal(t, []string{"docker "}, complete("doc"))
	require.Equal(t, []string{"docker rm", "docker rmi"}, complete("docker rm"))
	require.Equal(t, []string{"docker run busybox"}, complete("docker run bu"))
	do := func(line string) {
		_, err := s.Run(context.Background(), line, func(string) string { return "" })
		require.NoError(t, err)
	}
	do("docker run -it --name box1 busybox")
	require.Equal(t, []string{"cat /etc/motd"}, complete("cat /etc/mo"))
	require.Equal(t, []string{"ls /etc/"}, complete("ls /et"))
	require.Equal(t, []string{"unam"}[0]+"e", complete("unam")[0])
	require.Equal(t, []string{":detach"}, complete(":det"))
	do("cd /etc")
	require.Equal(t, []string{"cat motd"}, complete("cat mo"))
	s.Detach()
	require.Equal(t, []string{"docker diff box1"}, complete("docker diff "))
	require.Equal(t, []string{"docker rmi busybox:latest"}, complete("docker rmi b"))
}

func TestPlainOutputIsSafe(t *testing.T) {
	require.Equal(t, []string{"你好", "吗"}, fold("你好吗", 5))
	for _, width := range []int{1, 2, 40} {
		fold(strings.Repeat("界", 100), width)
	}
}
