package brush_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/brush"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
	"twinlayer/sim/scene"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

var update = flag.Bool("update", false, "write the pictures anew; read the diff")

// studio is a conversation on a model alone, whose images are the same however
// this test was built, and what was last to be drawn in it.
type studio struct {
	t     *testing.T
	c     *play.Conversation
	steps []play.StepAt
	scene scene.Scene
}

func open(t *testing.T) *studio {
	exe := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(exe, nil, 0o755))
	require.NoError(t, os.Truncate(exe, 4<<20))
	images := bundle.New("amd64", bundle.File(exe), userland.Applets())
	now, n := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), byte(0)
	s := &session.Session{
		Model: model.New(model.Config{Facts: kernel.Teaching("x86_64"), Registry: images, Programs: images.Programs}),
		Clock: func() time.Time { now = now.Add(time.Second); return now },
		Rand: func(b []byte) {
			for i := range b {
				n++
				b[i] = n
			}
		},
	}
	s.Host = sim.NewMemHost(s.Clock)
	out := &studio{t: t, c: play.New(play.Config{Session: s})}
	out.c.Listen(out.hear)
	return out
}

func (s *studio) hear(e play.Event) {
	switch b := e.Body.(type) {
	case play.Moment:
		s.scene = scene.OfMoment(b)
	case play.Picture:
		s.scene = scene.Of(b)
	case play.Steps:
		s.steps = b.Steps
	case play.Error:
		require.Fail(s.t, say.Text(b.Text))
	case play.Result:
		require.Nil(s.t, b.Model.Refusal, "%s %s", b.Model.Stdout, b.Model.Stderr)
	}
}

func (s *studio) do(lines ...string) *studio {
	s.t.Helper()
	for _, line := range lines {
		require.NoError(s.t, s.c.Do(s.t.Context(), play.Line(line)))
	}
	return s
}

func (s *studio) file(name, content string) *studio {
	err := s.c.Session.Host.Create(name, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
	require.NoError(s.t, err)
	return s
}

// at goes to the step of the last command that does something to a path, or
// does it for the n-th time.
func (s *studio) at(op, path string) *studio {
	s.do("steps")
	last := 0
	for _, st := range s.steps {
		if st.Op == op && (st.Path == path || path == "") {
			last = st.Index
		}
	}
	require.NotZero(s.t, last, "%s %s in %v", op, path, s.steps)
	if last == len(s.steps) {
		require.NoError(s.t, s.c.Do(s.t.Context(), play.Back{}))
		require.NoError(s.t, s.c.Do(s.t.Context(), play.Next{}))
	}
	for range len(s.steps) - last {
		require.NoError(s.t, s.c.Do(s.t.Context(), play.Back{}))
	}
	return s
}

// cases are what there is a picture of.
var cases = []struct {
	name string
	draw func(s *studio)
}{
	{"union-before-copy-up", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box sh -c 'echo edited >> /etc/motd'").at("copy-up", "/etc")
	}},
	{"union-copy-up", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box sh -c 'echo edited >> /etc/motd'").at("copy-up", "/etc/motd")
	}},
	{"union-changed", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box sh -c 'echo edited >> /etc/motd'").at("write", "/etc/motd")
	}},
	{"union-whiteout", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box rm /etc/passwd").at("whiteout", "/etc/passwd")
	}},
	{"union-opaque", func(s *studio) {
		s.do("docker run -d --name box debian sleep 1000", "docker exec box sh -c 'rm -r /etc/apt; mkdir /etc/apt; echo new > /etc/apt/file'", "picture /etc/apt /etc/apt/sources.list")
	}},
	{"union-present", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box sh -c 'echo edited >> /etc/motd; rm /etc/passwd; mkdir /new; echo 1 > /new/file'", "picture union box")
	}},
	{"union-image", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .", "picture union many /etc/motd /etc/passwd /data")
	}},
	{"union-many-layers", func(s *studio) {
		s.file("Dockerfile", "FROM busybox\n"+strings.Repeat("RUN echo line >> /log\n", 20)).do("docker build -t many .", "picture many /log")
	}},
	{"tower-executing", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .").at("whiteout", "/etc/passwd").do("picture tower")
	}},
	{"tower-committed", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .").at("remove", "").do("picture tower")
	}},
	{"tower-cached", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .").file("Dockerfile", dockerfile+"RUN echo 3 > /data/one\n").do("docker build -t more .", "picture tower")
	}},
	{"tower-commit", func(s *studio) {
		s.do("docker run -d --name box busybox sleep 1000", "docker exec box sh -c 'echo 1 > /new'", "docker commit box saved", "picture tower")
	}},
	{"tower-image", func(s *studio) { s.file("Dockerfile", dockerfile).do("docker build -t many .", "picture tower many") }},
	{"tree", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .").file("Dockerfile", "FROM busybox\nRUN echo hello > /etc/motd\nRUN echo other > /other\n").do("docker build -t other .")
		s.do("docker pull hello-world", "docker pull debian", "docker run -d --name box many sleep 1000", "docker run -d --name second many sleep 1000", "docker create --name third debian", "picture tree")
	}},
	{"host", func(s *studio) {
		s.do("docker run -d --name box -v data:/data busybox sleep 1000", "docker run -d --name second debian sleep 1000", "docker create --name third busybox", "picture host")
	}},
	{"boot-early", func(s *studio) { s.do("goto 2") }},
	{"boot-unmount", func(s *studio) { s.do("back") }},
	{"boot", func(s *studio) { s.do("picture boot") }},
	{"bytes", func(s *studio) {
		s.file("Dockerfile", "FROM debian\nRUN echo hello > /etc/motd\nRUN rm -r /usr/share/doc\n").do("docker build -t small .", "docker run -d --name box small sleep 1000", "docker run -d --name second debian sleep 1000", "docker pull busybox", "picture bytes")
	}},
	{"sides-images", func(s *studio) {
		s.file("Dockerfile", dockerfile).do("docker build -t many .").file("Dockerfile", "FROM busybox\nRUN echo hello > /etc/motd\nRUN echo other > /other\n").do("docker build -t other .", "picture sides many other /etc/motd /etc/passwd /other")
	}},
}

const dockerfile = "FROM busybox\nRUN echo hello > /etc/motd\nRUN rm /etc/passwd && mkdir /data && echo 1 > /data/one\nLABEL a=b\nRUN echo 2 > /data/one\n"

// sizes are the screens that pictures are drawn for; what is around a picture
// on a screen takes five lines.
var sizes = []struct {
	name string
	is   brush.Brush
}{
	{"80", brush.Brush{Columns: 80, Rows: 18}},
	{"200", brush.Brush{Columns: 200, Rows: 45}},
	{"plain", brush.Brush{Columns: 80, Rows: 18, Plain: true}},
}

// TestPictures draws each case for each screen and in each language, and
// compares it with the file of its name.
func TestPictures(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the pictures have the digests of the images for amd64")
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.draw(s)
			require.NotEmpty(t, s.scene.Kind)
			for _, lang := range say.Languages() {
				var out strings.Builder
				for _, size := range sizes {
					fmt.Fprintf(&out, "-- %s\n%s", size.name, drawn(t, size.is, lang, s.scene))
				}
				golden(t, "testdata/"+c.name+"."+lang+".txt", out.String())
			}
		})
	}
}

// drawn is a scene as text, which must fit.
func drawn(t *testing.T, b brush.Brush, lang string, s scene.Scene) string {
	b.Lang = lang
	var out bytes.Buffer
	pen := ink.NewPen(&out)
	lines := b.Draw(s)
	for _, line := range lines {
		pen.Line(line...)
	}
	require.LessOrEqual(t, len(lines), b.Rows)
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, runewidth.StringWidth(strings.TrimSuffix(line, "\n")), b.Columns, line)
	}
	return out.String()
}

func golden(t *testing.T, file, got string) {
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test -update writes it")
	require.Equal(t, string(want), got)
}
