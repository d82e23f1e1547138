//go:build linux

package real_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/sim"
)

// lines are typed in a shell of both worlds, which agree on each.
func lines(t *testing.T, all ...string) (last sim.Result) {
	s := both(t)
	for _, line := range append([]string{"docker run -it busybox"}, all...) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		r, err := s.Run(ctx, line, os.Getenv)
		require.NoError(t, err)
		require.NoError(t, s.Broken())
		require.NoError(t, ctx.Err(), "%q hangs", line)
		require.Equal(t, sim.Same, r.Verdict, "%q: %+v\n%+v", line, r.Differences, r.Real)
		cancel()
		last = r
	}
	return last
}

func TestLinesOfBytes(t *testing.T) {
	r := lines(t, "\xff", "echo \xff | od -c", "x='a\xfe'; echo \"$x\" ${x#a} ${x%?} ${#x}", "cat <<E\n\xff$x\nE", "echo 'open \xff", "touch /\xff; ls /", "case \xff in ?) echo one;; esac",
		"alias \xff='echo hi'; \xff", "f() { echo \"\xff$1\"; }; f \xfe", "echo \U0010ffff | od -t x1", "echo \u4e2d\u6587")
	require.Equal(t, "\u4e2d\u6587\n", r.Model.Stdout)
}

func TestLinesOfTakenNames(t *testing.T) {
	lines(t, "alias echo=true", "echo a; \\echo b", "unalias echo; unset -f __t", "echo() { :; }", "echo c", "unset -f echo; command() { :; }", "echo d; false",
		"unset -f command; set -x", "echo $?; (exit 3)", "echo $?\necho e", "set +x; set -v", "echo f >&2", "echo g\necho h", "set +v", "type __t; alias; trap", "echo $-",
		"exec 6>&- 7>&-; echo i", "exec >/out", "echo hidden; echo j >&2", "exec 2>&1", "echo k >&2; nosuch", "exit 4")
}

func TestLinesLeaveJobs(t *testing.T) {
	r := lines(t, "sleep 1000 &", "echo still here; jobs", "(sleep 1000; echo late) & echo $?", "ps | grep -c 'sleep 1000$'", "sleep 900 &", "kill $!; sleep 0.1", "ps | grep -c 'sleep 900$'", "exit 5")
	require.Equal(t, 5, r.Real.Exit)
}

// A variable that doubles is the shell's end, not the machine's.
func TestLinesHaveAMemory(t *testing.T) {
	lines(t, "trap 'echo bye' EXIT", "(x=a; while :; do x=$x$x; done); echo $?", "x=a; while :; do x=$x$x; done")
	for _, line := range []string{"set a; while :; do set \"$@\" \"$@\"; done", "x=$(yes)", "yes | sort"} {
		s := both(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		r, err := s.Run(ctx, "docker run busybox sh -c '"+strings.ReplaceAll(line, "'", `'"'"'`)+"'", os.Getenv)
		require.NoError(t, err)
		require.NoError(t, ctx.Err(), "%q hangs", line)
		require.Equal(t, sim.Same, r.Verdict, "%q: %+v\n%+v\n%+v", line, r.Differences, r.Model, r.Real)
		require.Contains(t, r.Real.Stderr, "out of memory", line)
		cancel()
	}
}

func TestCopyOfEverything(t *testing.T) {
	testenv.Long(t)
	s := both(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := s.Run(ctx, "docker run busybox cp -r / /copy", os.Getenv)
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	require.NotEqual(t, sim.Bug, r.Verdict)
	for _, w := range []sim.View{r.Model, *r.Real} {
		require.Equal(t, 1, w.Exit)
		require.Contains(t, w.Stderr, "cp: recursion detected, omitting directory '/copy'\n")
	}
}
