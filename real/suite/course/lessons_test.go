//go:build linux

package course

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/lessons"
	"twinlayer/real/suite"
	"twinlayer/sim"
)

// TestLessons plays every lesson on every engine of the conformance suite, in
// all ways, as a teacher does who checks one: at the start no goal is met, the
// solution meets all, and no wrong attempt does, nor goes unrecognised.
func TestLessons(t *testing.T) {
	suite.NeedLinux(t)
	all, err := lessons.All()
	require.NoError(t, err)
	require.Len(t, all, 22)
	for _, c := range suite.Contestants(t) {
		c.Run(t, func(t *testing.T, p suite.Program) {
			for i, l := range all {
				t.Run(l.ID, func(t *testing.T) {
					sampleLessons(t, c, i, len(all))
					checkLesson(t, p, c, l.ID)
				})
			}
		})
	}
}

// sampleLessons leaves some lessons to be checked on a real engine.
func sampleLessons(t *testing.T, c suite.Contestant, place, all int) {
	switch {
	case c.Daemon():
		testenv.Sample(t, place, all, 2)
	case c.Real == sim.Embedded:
		testenv.Sample(t, place, all, 6)
	}
}

// checkLesson checks a lesson on one engine. A daemon under load may fail or
// answer late on its own; then it is asked once more, and that is told.
func checkLesson(t *testing.T, p suite.Program, c suite.Contestant, id string) {
	passed, output := suite.LessonsPassed(t, p, c, id)
	if len(passed) == 0 && c.Daemon() {
		t.Logf("%s is asked once more:\n%s", c.Real, output)
		passed, output = suite.LessonsPassed(t, p, c, id)
	}
	require.Equal(t, []string{id}, passed, output)
}

// TestLessonCommands uses lessons from the command line, as each user.
func TestLessonCommands(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		stdout, stderr, exit := p.Run(t, "", "lesson", "list", "--lang", "zh")
		require.Zero(t, exit, stderr)
		require.Equal(t, 22, strings.Count(stdout, "\n"))
		require.Contains(t, stdout, "hello-world，最小的镜像")
		stdout, stderr, exit = p.Run(t, "", "lesson", "format")
		require.Zero(t, exit, stderr)
		require.Contains(t, stdout, "A goal is a state of a world")
		_, stderr, exit = p.Run(t, "", "lesson", "new", "my-lesson")
		require.Zero(t, exit, stderr)
		stdout, stderr, exit = p.Run(t, "", "lesson", "check", "my-lesson", "--real", "embedded")
		require.Zero(t, exit, stdout+stderr)
		require.Contains(t, stdout, "my-lesson")
		require.NoError(t, os.WriteFile(filepath.Join(p.Home, "my-lesson/lesson.yaml"), []byte("format_version: 1\nid: x\n"), 0o666))
		_, stderr, exit = p.Run(t, "", "lesson", "check", "my-lesson")
		require.Equal(t, suite.StatusBroken, exit)
		require.Contains(t, stderr, "my-lesson/lesson.yaml:2:5: id must be my-lesson, the directory's name")
		for _, args := range [][]string{{"lesson"}, {"lesson", "frob"}, {"lesson", "play"}, {"lesson", "new"}, {"--auto"}} {
			_, _, exit = p.Run(t, "", args...)
			require.Equal(t, suite.StatusUsage, exit, args)
		}
		_, stderr, exit = p.Run(t, "", "lesson", "play", "99")
		require.Equal(t, suite.StatusBroken, exit)
		require.Contains(t, stderr, "lesson 99")
	})
}

// TestLessonKilled ends the program at many moments of lessons. The next
// session has what was there before them, under the names that it had, and
// nothing of theirs.
func TestLessonKilled(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		tmp := filepath.Join(p.Home, "tmp")
		require.NoError(t, os.Mkdir(tmp, 0o777))
		require.NoError(t, os.Chmod(tmp, 0o777))
		p.Env = append(p.Env, "TMPDIR="+tmp)
		suite.RequireSame(t, p.Results(t, `docker run --name mine busybox touch /mine
docker commit mine lesson-base:1
docker commit mine lesson-saved:1
docker volume create kept
`))
		before := inventory(p, t)
		require.Contains(t, before, "lesson-base:1")
		for i := range testenv.Count(0, 2, 12) {
			lesson := []string{"build-cache", "volumes", "debugging"}[i%3]
			killInLesson(p, t, lesson, 1+i/2)
			require.Equal(t, before, inventory(p, t), "after %s was killed at its command %d", lesson, 1+i/2)
		}
		stdout, stderr, exit := p.Run(t, "", "lesson", "check", "build-cache", "volumes", "--real", "embedded")
		require.Zero(t, exit, stdout+stderr)
		require.Equal(t, before, inventory(p, t))
		left, err := os.ReadDir(tmp)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// inventory is what a new session lists, the same in both worlds.
func inventory(p suite.Program, t *testing.T) string {
	all := p.Results(t, "docker images -a --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}'\ndocker volume ls -q\n")
	suite.RequireSame(t, all)
	return all[0].Real.Stdout + all[1].Real.Stdout
}

// killInLesson plays a lesson and kills the program, with all of its process
// group, when it begins its nth command.
func killInLesson(p suite.Program, t *testing.T, lesson string, n int) {
	cmd := p.Command("lesson", "play", lesson, "--auto", "--plain", "--real", "embedded")
	cmd.SysProcAttr.Setpgid = true
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); n > 0 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "$ ") {
			n--
		}
	}
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	require.Error(t, cmd.Wait(), "the lesson was over")
	p.RequireNothingLeft(t)
}

// TestCourse plays the whole course in both worlds without a learner, as an
// ordinary user. How long that takes is for BenchmarkCourse.
func TestCourse(t *testing.T) {
	suite.NeedLinux(t)
	user := suite.Users()["ordinary user"]
	p := suite.Program{User: user, Home: suite.HomeFor(t, user)}
	stdout, stderr, exit := p.Run(t, "", "lesson", "play", "--auto", "--real", "embedded")
	require.Zero(t, exit, stderr)
	require.NotContains(t, stdout, "(bug)")
}

// BenchmarkCourse is that, timed; it is to stay below a minute.
func BenchmarkCourse(b *testing.B) {
	p := suite.Program{Home: b.TempDir()}
	for b.Loop() {
		_, stderr, exit := p.Run(b, "", "lesson", "play", "--auto", "--real", "embedded")
		require.Zero(b, exit, stderr)
	}
}
