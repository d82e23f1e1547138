package build_test

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/report"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
	"twinlayer/sim/simtest"
)

// files are the files of a test: "Dockerfile", "src/a".
type files map[string]string

// host is a machine with the files of a build context.
func (f files) host(t *testing.T) sim.Host {
	h := sim.NewMemHost(time.Now)
	dir, err := h.TempDir()
	require.NoError(t, err)
	b := fs.NewBuilder()
	for name, text := range f {
		require.NoError(t, b.Put("/"+name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(text)), UID: 1000, GID: 1000}))
	}
	require.NoError(t, h.Put(dir.Path(), b.Tree()))
	return sim.HostIn(h, dir.Path())
}

// build builds in a model and returns what it shows.
func build(t *testing.T, s *session.Session, line string, f files) sim.View {
	t.Helper()
	s.Host = f.host(t)
	r, err := s.Run(context.Background(), line, func(string) string { return "" })
	require.NoError(t, err)
	return r.Model
}

func TestBuildPrintsAsDocker(t *testing.T) {
	v := build(t, simtest.Session(t, model.Config{}), "docker build -t foo .", files{"a.txt": "a", "Dockerfile": "FROM busybox\nRUN echo hi; touch /f\nCOPY a.txt /x/\nCMD [\"sh\"]\n"})
	require.Empty(t, v.Stderr)
	t.Log(v.Stdout)
	require.Zero(t, v.Exit)
}

func TestFailureTeaches(t *testing.T) {
	s, f := simtest.Session(t, model.Config{}), files{"Dockerfile": "FROM busybox\nRUN touch tmpfile\nRUN /bin/bash -c \"echo on\"\nRUN touch never\n"}
	v := build(t, s, "docker build .", f)
	require.Equal(t, 127, v.Exit)
	require.Equal(t, "The command '/bin/sh -c /bin/bash -c \"echo on\"' returned a non-zero code: 127\nDockerfile:3\n   2 |     RUN touch tmpfile\n   3 | >>> RUN /bin/bash -c \"echo on\"\n   4 |     RUN touch never\n", v.Stderr)
	id := regexp.MustCompile(`docker run -it ([0-9a-f]{12}) sh`).FindStringSubmatch(hints(v))
	require.Len(t, id, 2, v.Hints)
	require.Equal(t, "/tmpfile\n", simtest.Do(t, s, "docker run --rm "+id[1]+" ls /tmpfile").Model.Stdout)
	require.Len(t, v.Containers, 1)
	failed := simtest.Do(t, s, "docker commit "+v.Containers[0].Name+" trap").Model
	require.Contains(t, hints(failed), "ended with status 127")
	require.Contains(t, hints(simtest.Do(t, s, "docker history busybox").Model), "<missing>")
	again := build(t, s, "docker build .", f)
	require.Zero(t, again.Exit, "the committed container is taken for the step's result")
	require.Equal(t, 2, strings.Count(again.Stdout, " ---> Using cache\n"))
	require.Contains(t, hints(again), "Step 3 was not performed")
	simtest.Do(t, s, "docker rmi trap")
	require.Equal(t, 127, build(t, s, "docker build --no-cache .", f).Exit)
}

func TestCacheSaysWhy(t *testing.T) {
	first := files{"Dockerfile": "FROM busybox\nARG A=1\nCOPY a.txt /\nRUN echo $A > /f\n", "a.txt": "one"}
	for _, c := range []struct {
		name, line string
		change     files
		hits       int
		why        string
	}{
		{"all", "docker build .", nil, 3, ""},
		{"content", "docker build .", files{"a.txt": "two"}, 1, "the content of what it copies changed"},
		{"argument", "docker build --build-arg A=2 .", nil, 2, "the build arguments changed, from A=1 to A=2"},
		{"instruction", "docker build .", files{"Dockerfile": "FROM busybox\nARG A=1\nCOPY a.txt /\nRUN echo other > /f\n"}, 2, "the last one built on it was RUN echo $A > /f"},
		{"no cache", "docker build --no-cache .", nil, 0, "--no-cache was given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, changed := simtest.Session(t, model.Config{}), maps.Clone(first)
			build(t, s, "docker build .", first)
			maps.Copy(changed, c.change)
			v := build(t, s, c.line, changed)
			require.Zero(t, v.Exit, v.Stderr)
			require.Equal(t, c.hits, strings.Count(v.Stdout, " ---> Using cache\n"), v.Stdout)
			require.Contains(t, hints(v), c.why)
			if c.why == "" {
				require.Empty(t, v.Hints)
			}
		})
	}
}

// TestReproducible: with a time given, the same files make the same image.
func TestReproducible(t *testing.T) {
	f := files{"Dockerfile": "FROM busybox\nRUN mkdir /d && date > /dev/null && touch /d/f\nCOPY a.txt /x/\n", "a.txt": "a"}
	a := build(t, simtest.Session(t, model.Config{}), "docker build -q --timestamp 1700000000 .", f)
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker images")
	b := build(t, s, "docker build -q --timestamp 1700000000 .", f)
	require.Regexp(t, `^sha256:[0-9a-f]{64}\n$`, a.Stdout)
	require.Equal(t, a.Stdout, b.Stdout)
	c := build(t, s, "docker build -q --no-cache --timestamp 1700000000 .", f)
	require.Equal(t, a.Stdout, c.Stdout)
	require.Contains(t, build(t, s, "docker build --timestamp soon .", f).Stderr, `invalid timestamp "soon"`)
}

func TestCommitChanges(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, "docker run --name box busybox touch /f")
	v := simtest.Do(t, s, `docker commit -m msg -a me -c 'ENV A=1' -c 'CMD ["x"]' box mine`).Model
	require.Zero(t, v.Exit, v.Stderr)
	img, err := s.Model.Image(context.Background(), "mine")
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, img.Config.Config.Cmd)
	require.Contains(t, img.Config.Config.Env, "A=1")
	last := img.Config.History[len(img.Config.History)-1]
	require.Equal(t, "me msg touch /f", last.Author+" "+last.Comment+" "+last.CreatedBy)
	require.Equal(t, "Error response from daemon: run is not a valid change command\n", simtest.Do(t, s, "docker commit -c 'RUN x' box").Model.Stderr)
}

// FuzzBuild: no Dockerfile makes the model panic or hang.
func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"FROM busybox\nRUN echo hi > /x\nCOPY a.txt /y/\n", "FROM scratch\nADD . /\nONBUILD RUN x\nVOLUME /v\n",
		"FROM busybox AS a\nWORKDIR x\nUSER 1\nFROM a\nCOPY --from=a /x /y\nCOPY <<E /z\nq\nE\n", "FROM busybox\nRUN --mount=type=cache,target=/c true\nSHELL [\"a\"]\nRUN b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s := simtest.Session(t, model.Config{})
		s.Host = files{"Dockerfile": text, "a.txt": "a", "d/b.txt": "b"}.host(t)
		_, err := s.Run(ctx, "docker build .", func(string) string { return "" })
		require.NoError(t, err)
	})
}

func TestStories(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	build(t, s, "docker build -t it .", files{"Dockerfile": "FROM busybox\nRUN echo 123456789 > /big\nRUN echo new > /big; touch /f\nRUN rm /f\n"})
	tell := func(story report.Query) string {
		told, err := s.Report(context.Background(), story)
		require.NoError(t, err)
		var b strings.Builder
		for _, row := range told.Rows {
			b.WriteString(say.Text(row.Text) + "\n")
			for _, note := range row.Notes {
				b.WriteString("  " + say.Text(note) + "\n")
			}
		}
		return b.String()
	}
	require.Equal(t, "/big is there in it:latest: layer 3 provides it\nlayer 3  RUN echo new > /big; touch /f\n  provides it: a file of 4B, mode 644\nlayer 2  RUN echo 123456789 > /big\n  a file of 10B, mode 644: an older version, hidden by layer 3\n", tell(report.Why("it", "/big")))
	require.Equal(t, "/f is not there in it:latest: it was deleted, which freed nothing\nlayer 4  RUN rm /f\n  deleted here: a whiteout hides what is below\nlayer 3  RUN echo new > /big; touch /f\n  a file of 0B, mode 644: still there, and not seen since layer 4 deleted it\n", tell(report.Why("it", "/f")))
	require.Contains(t, tell(report.Audit("it")), "layer 4  RUN rm /f\n  deleted 1: /f, 0B\n")
	require.Contains(t, tell(report.Layers("it")), "10B of it are deleted or replaced by later layers")
	require.Contains(t, tell(report.Diff("busybox", "it")), "only it:latest 1: /big")
}

// hints are what a view tells beside what docker prints, in English.
func hints(v sim.View) string {
	var b strings.Builder
	for _, hint := range v.Hints {
		b.WriteString(say.Text(hint) + "\n")
	}
	return b.String()
}
