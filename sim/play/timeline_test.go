package play_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim/play"
)

// listed are the commands of the timeline; the one that one is in has a mark.
func listed(t *testing.T, s *screen) string {
	t.Helper()
	var all []string
	for _, c := range one[play.Timeline](t, s.do(play.Line("timeline"))).Commands {
		if c.Here {
			c.Cmd = "*" + c.Cmd
		}
		all = append(all, c.Cmd)
	}
	return strings.Join(all, "|")
}

func printed(t *testing.T, s *screen, line string) string {
	t.Helper()
	return one[play.Result](t, s.do(play.Line(line))).Model.Stdout
}

// TestTimeline: a command that is typed in the past goes on from there, and
// undo takes back that, and what was before it.
func TestTimeline(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run --name one busybox touch /one"), play.Line("docker run --name two busybox touch /two"), play.Line("docker commit two my"))
	require.Equal(t, "power on|docker run --name one busybox touch /one|docker run --name two busybox touch /two|*docker commit two my", listed(t, s))
	all := one[play.Timeline](t, s.do(play.Line("timeline")))
	next := 1
	for _, c := range all.Commands {
		require.Equal(t, next, c.First, "%v", all)
		next = c.Last + 1
	}
	require.Equal(t, all.Of, next-1)

	first := all.Commands[1]
	m := one[play.Moment](t, s.do(play.GoTo(first.First)))
	require.Equal(t, first.Cmd, m.Cmd)
	require.Equal(t, all.Of-first.First, m.Ahead)
	require.Contains(t, listed(t, s), "|*docker run --name one")
	require.Equal(t, "one\n", printed(t, s, "docker ps -a --format {{.Names}}"), "the branch begins after the whole command")
	require.Equal(t, "", printed(t, s, "docker images -q my"))
	require.Equal(t, "power on|docker run --name one busybox touch /one|docker ps -a --format {{.Names}}|*docker images -q my", listed(t, s))
	s.do(play.Line("docker rm one"), play.Line("undo"))
	require.Equal(t, "one\n", printed(t, s, "docker ps -a --format {{.Names}}"))
	for range 3 {
		s.do(play.Line("undo"))
	}
	require.Equal(t, "power on|*docker run --name one busybox touch /one", listed(t, s))
	s.do(play.Line("undo"))
	require.Equal(t, "two\none\n", printed(t, s, "docker ps -a --format {{.Names}}"), "what was left is back")
	require.NotEmpty(t, printed(t, s, "docker images -q my"))
	for range 5 {
		s.do(play.Line("undo"))
	}
	require.Equal(t, "*power on", listed(t, s))
	require.Len(t, each[play.Error](s.do(play.Line("undo"))), 1)
	require.Empty(t, printed(t, s, "docker images -q"))
}

// TestLookingBack: who walks back within the last command has not left it.
func TestLookingBack(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run --name one busybox touch /one"), play.Back{By: 3})
	require.Equal(t, "one\n", printed(t, s, "docker ps -a --format {{.Names}}"))
	s.do(play.Line("steps on"), play.Line("docker run --name two busybox touch /two"))
	require.Equal(t, "two\none\n", printed(t, s, "docker ps -a --format {{.Names}}"), "steps that wait are no past")
}

// TestUndoShell: a shell that waits is where it was.
func TestUndoShell(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run -it --name box busybox"), play.Line("cd /tmp"), play.Line("echo 1 > f"), play.Line("rm f"), play.Line(":undo"))
	require.Equal(t, "1\n", printed(t, s, "cat f"))
	s.do(play.Line(":undo"), play.Line(":undo"), play.Line(":undo"))
	p := one[play.Prompt](t, s.do(play.Line(":undo")))
	require.Empty(t, p.Shell, "before the shell")
}

// TestLog: the commands as one would type them to docker alone.
func TestLog(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("run -it --name box busybox"), play.Line("touch /f"), play.Line("exit"), play.Line("docker commit box mine"))
	require.Equal(t, "docker run -it --name box busybox\n# box: touch /f\n# box: exit\ndocker commit box mine\n", one[play.Printed](t, s.do(play.Line("log"))).Text)
}

// TestBeside: kill reaches a run that goes on.
func TestBeside(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker pull busybox"))
	ended := make(chan error)
	go func() {
		ended <- s.c.Do(t.Context(), play.Line("docker run --name box busybox sh -c 'while :; do :; done'"))
	}()
	require.Eventually(t, func() bool {
		require.NoError(t, s.c.Do(t.Context(), play.Beside("docker ps -q")))
		s.mu.Lock()
		defer s.mu.Unlock()
		r, ok := s.all[len(s.all)-1].Body.(play.Result)
		return ok && r.Model.Stdout != ""
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, s.c.Do(t.Context(), play.Beside("docker kill box")))
	require.NoError(t, <-ended)
	for _, r := range each[play.Result](s.bodies()) {
		if strings.HasPrefix(r.Cmd, "docker run") {
			require.Equal(t, 137, r.Model.Exit)
		}
	}
}

// TestPlayBySelf: the steps of the last command play by themselves.
func TestPlayBySelf(t *testing.T) {
	s := converse(t, play.Config{})
	r := one[play.Result](t, s.do(play.Line("docker run --name one busybox touch /one")))
	moments := each[play.Moment](s.do(play.Line("play 10")))
	require.Len(t, moments, len(r.Steps))
	require.Equal(t, 0, moments[len(moments)-1].Ahead)
}
