//go:build linux

package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/lessons"
)

// TestLessons plays every lesson on every engine of the conformance suite, in
// all ways, as a teacher does who checks one: at the start no goal is met, the
// solution meets all, and no wrong attempt does, nor goes unrecognised.
func TestLessons(t *testing.T) {
	needLinux(t)
	all, err := lessons.All()
	require.NoError(t, err)
	require.Len(t, all, 22)
	var ids []string
	for _, l := range all {
		ids = append(ids, l.ID)
	}
	for _, c := range contestants(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // daemons are waited for more than they work
			p := program{user: c.user, home: homeFor(t, c.user), env: c.env}
			checkLessons(t, p, c, ids)
		})
	}
}

// checkLessons checks the lessons on one engine. A daemon under load may fail
// or answer late on its own; what failed there is checked once more, and that
// is told.
func checkLessons(t *testing.T, p program, c contestant, ids []string) {
	began := time.Now()
	passed, output := lessonsPassed(t, p, c, ids...)
	if missing := failed(ids, passed); len(missing) > 0 && (c.real == "docker" || c.real == "podman") {
		t.Logf("%s is asked once more:\n%s", c.real, output)
		again, text := lessonsPassed(t, p, c, missing...)
		passed, output = append(passed, again...), text
	}
	require.Empty(t, failed(ids, passed), output)
	t.Logf("%d lessons on %s in %s", len(ids), c.name, time.Since(began).Round(time.Second))
}

// lessonsPassed are the ids of the lessons that pass lesson check.
func lessonsPassed(t *testing.T, p program, c contestant, ids ...string) (passed []string, output string) {
	stdout, stderr, exit := p.run(t, "", append([]string{"lesson", "check", "--real", c.real}, ids...)...)
	for line := range strings.Lines(stdout) {
		if id, ok := strings.CutPrefix(line, "ok "); ok {
			passed = append(passed, strings.TrimSpace(id))
		}
	}
	require.Contains(t, []int{exitOK, exitBroken}, exit, stderr)
	return passed, stdout + stderr
}

// failed are those ids that are not among those passed.
func failed(ids, passed []string) (out []string) {
	for _, id := range ids {
		if !contains(passed, id) {
			out = append(out, id)
		}
	}
	return out
}

// TestLessonCommands uses lessons from the command line, as each user.
func TestLessonCommands(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		stdout, stderr, exit := p.run(t, "", "lesson", "list", "--lang", "zh")
		require.Zero(t, exit, stderr)
		require.Equal(t, 22, strings.Count(stdout, "\n"))
		require.Contains(t, stdout, "hello-world，最小的镜像")
		stdout, stderr, exit = p.run(t, "", "lesson", "format")
		require.Zero(t, exit, stderr)
		require.Contains(t, stdout, "A goal is a state of a world")
		_, stderr, exit = p.run(t, "", "lesson", "new", "my-lesson")
		require.Zero(t, exit, stderr)
		stdout, stderr, exit = p.run(t, "", "lesson", "check", "my-lesson", "--real", "embedded")
		require.Zero(t, exit, stdout+stderr)
		require.Contains(t, stdout, "my-lesson")
		require.NoError(t, os.WriteFile(filepath.Join(p.home, "my-lesson/lesson.yaml"), []byte("format_version: 1\nid: x\n"), 0o666))
		_, stderr, exit = p.run(t, "", "lesson", "check", "my-lesson")
		require.Equal(t, exitBroken, exit)
		require.Contains(t, stderr, "my-lesson/lesson.yaml:2:5: id must be my-lesson, the directory's name")
		for _, args := range [][]string{{"lesson"}, {"lesson", "frob"}, {"lesson", "play"}, {"lesson", "new"}, {"--auto"}} {
			_, _, exit = p.run(t, "", args...)
			require.Equal(t, exitUsage, exit, args)
		}
		_, stderr, exit = p.run(t, "", "lesson", "play", "99")
		require.Equal(t, exitBroken, exit)
		require.Contains(t, stderr, "lesson 99")
	})
}

// TestLessonKilled ends the program at many moments of lessons. The next
// session has what was there before them, under the names that it had, and
// nothing of theirs.
func TestLessonKilled(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		tmp := filepath.Join(p.home, "tmp")
		require.NoError(t, os.Mkdir(tmp, 0o777))
		require.NoError(t, os.Chmod(tmp, 0o777))
		p.env = append(p.env, "TMPDIR="+tmp)
		requireSame(t, p.results(t, `docker run --name mine busybox touch /mine
docker commit mine lesson-base:1
docker commit mine lesson-saved:1
docker volume create kept
`))
		before := p.stock(t)
		require.Contains(t, before, "lesson-base:1")
		for i := range 12 {
			lesson := []string{"build-cache", "volumes", "debugging"}[i%3]
			p.killInLesson(t, lesson, 1+i/2)
			require.Equal(t, before, p.stock(t), "after %s was killed at its command %d", lesson, 1+i/2)
		}
		stdout, stderr, exit := p.run(t, "", "lesson", "check", "build-cache", "volumes", "--real", "embedded")
		require.Zero(t, exit, stdout+stderr)
		require.Equal(t, before, p.stock(t))
		left, err := os.ReadDir(tmp)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// stock is what a new session lists, the same in both worlds.
func (p program) stock(t *testing.T) string {
	all := p.results(t, "docker images -a --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}'\ndocker volume ls -q\n")
	requireSame(t, all)
	return all[0].Real.Stdout + all[1].Real.Stdout
}

// killInLesson plays a lesson and kills the program, with all of its process
// group, when it begins its nth command.
func (p program) killInLesson(t *testing.T, lesson string, n int) {
	cmd := p.command("lesson", "play", lesson, "--auto", "--plain", "--real", "embedded")
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
	p.requireNothingLeft(t)
}

// TestCourse plays the whole course in both worlds without a learner, as an
// ordinary user. How long that takes is for BenchmarkCourse.
func TestCourse(t *testing.T) {
	needLinux(t)
	user := users()["ordinary user"]
	p := program{user: user, home: homeFor(t, user)}
	stdout, stderr, exit := p.run(t, "", "lesson", "play", "--auto", "--real", "embedded")
	require.Zero(t, exit, stderr)
	require.NotContains(t, stdout, "(bug)")
}

// BenchmarkCourse is that, timed; it is to stay below a minute.
func BenchmarkCourse(b *testing.B) {
	p := program{home: b.TempDir()}
	for b.Loop() {
		_, stderr, exit := p.run(b, "", "lesson", "play", "--auto", "--real", "embedded")
		require.Zero(b, exit, stderr)
	}
}
