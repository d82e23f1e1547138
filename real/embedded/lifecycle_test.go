//go:build linux

package embedded_test

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// detached starts a container that goes on by itself.
func detached(t testing.TB, e sim.Engine, s sim.Spec) sim.Spec {
	t.Helper()
	_, err := e.Create(timeout(t), s)
	require.NoError(t, err)
	out, err := e.Start(timeout(t), s.ID, true)
	require.NoError(t, err)
	require.Equal(t, sim.Output{}, out)
	return s
}

func state(t testing.TB, e sim.Engine, id string) sim.Container {
	t.Helper()
	all, err := e.Containers(timeout(t))
	require.NoError(t, err)
	c, err := sim.FindContainer(all, id)
	require.NoError(t, err)
	return c
}

func TestDetached(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := detached(t, e, spec("sh", "-c", "echo out; echo err >&2; while [ ! -e /go ]; do sleep 0.01; done; exit 7"))
		require.Equal(t, sim.Running, state(t, e, s.ID).Status)
		out, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "while :; do [ -e /go2 ] && echo > /go && exit; sleep 0.01; done"}, Detach: true})
		require.NoError(t, err)
		require.Equal(t, sim.Output{}, out)
		_, err = e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"mkdir", "/go2"}})
		require.NoError(t, err)
		exit, err := e.Wait(timeout(t), s.ID)
		require.NoError(t, err)
		require.Equal(t, 7, exit)
		require.Equal(t, 7, state(t, e, s.ID).Exit)
		_, err = e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		logs, err := e.Logs(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "out\nout\n", Stderr: "err\nerr\n"}, logs)
	})
}

func TestWaitGivesUp(t *testing.T) {
	e := engine(t)
	s := detached(t, e, spec("sleep", "1000"))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := e.Wait(ctx, s.ID)
	require.Error(t, err)
	require.Equal(t, sim.Running, state(t, e, s.ID).Status)
}

func TestStop(t *testing.T) {
	e := engine(t)
	s := spec("sh", "-c", "trap 'echo bye; exit 3' TERM; trap 'exit 4' USR1; touch /ready; while :; do sleep 0.01; done")
	ready := func(s sim.Spec) {
		out, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "while ! [ -e /ready ]; do sleep 0.01; done"}})
		require.NoError(t, err)
		require.Zero(t, out.Exit)
	}
	ready(detached(t, e, s))
	require.NoError(t, e.Stop(timeout(t), s.Name, 10*time.Second))
	require.Equal(t, 3, state(t, e, s.ID).Exit)
	logs, err := e.Logs(timeout(t), s.ID, false)
	require.NoError(t, err)
	require.Equal(t, "bye\n", logs.Stdout)
	require.NoError(t, e.Stop(timeout(t), s.ID, 0), "a second stop does nothing")

	s.ID, s.Name, s.StopSignal = id(), "other", "SIGUSR1"
	ready(detached(t, e, s))
	require.NoError(t, e.Stop(timeout(t), s.ID, 10*time.Second))
	require.Equal(t, 4, state(t, e, s.ID).Exit)

	deaf := detached(t, e, spec("sleep", "1000"))
	require.NoError(t, e.Stop(timeout(t), deaf.ID, 50*time.Millisecond))
	require.Equal(t, 137, state(t, e, deaf.ID).Exit)
}

// TestSignalsByDefault: in a container no signal is ignored or waits because it
// does so where twinlayer was started, as by nohup.
func TestSignalsByDefault(t *testing.T) {
	runtime.LockOSThread() // not unlocked: the thread ends with the test
	waiting := unix.Sigset_t{}
	waiting.Val[0] = 1 << (unix.SIGUSR1 - 1)
	require.NoError(t, unix.PthreadSigmask(unix.SIG_BLOCK, &waiting, nil))
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE)
	defer signal.Reset(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE)
	dir := scratch(t)
	powers := []*embedded.User{nil}
	if os.Geteuid() == 0 {
		powers = append(powers, &embedded.User{ID: nobody})
		require.NoError(t, os.Chown(filepath.Dir(dir), nobody, nobody))
	}
	for i, as := range powers {
		e := start(t, embedded.Config{DataDir: dir + strconv.Itoa(i), Registry: host, As: as})
		_, err := e.Pull(timeout(t), busybox(t))
		require.NoError(t, err)
		look := []string{"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}
		const none = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
		out, err := run(t, e, spec(look...))
		require.NoError(t, err)
		require.Equal(t, none, out.Stdout)
		s := detached(t, e, spec("sleep", "1000"))
		out, err = e.Exec(timeout(t), s.ID, sim.Process{Args: look})
		require.NoError(t, err)
		require.Equal(t, none, out.Stdout)
	}
}

func TestKill(t *testing.T) {
	e := engine(t)
	for signal, exit := range map[string]int{"KILL": 137, "SIGKILL": 137, "9": 137, "usr1": 5, "10": 5, "RTMIN+1": 6, "sigrtmax-29": 6} {
		s := detached(t, e, spec("sh", "-c", "trap 'exit 5' USR1; trap 'exit 6' 35; touch /ready; while :; do sleep 0.01; done"))
		_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "while ! [ -e /ready ]; do sleep 0.01; done"}})
		require.NoError(t, err)
		require.NoError(t, e.Kill(timeout(t), s.ID, signal))
		got, err := e.Wait(timeout(t), s.ID)
		require.NoError(t, err)
		require.Equal(t, exit, got, signal)
		refused(t, e.Kill(timeout(t), s.Name, signal), "cannot kill container: "+s.Name+": container "+s.ID+" is not running", 1)
	}
	s := detached(t, e, spec("sleep", "1000"))
	for _, bad := range []string{"", "0", "65", "NOSUCH", "RTMIN+99", "-9", "RTMAX+1"} {
		refused(t, e.Kill(timeout(t), s.ID, bad), "invalid signal: "+bad, 1)
	}
}

// following begins to follow a container's logs; the channel has each line.
func following(t testing.TB, ctx context.Context, e sim.Engine, id string) (lines <-chan string, end func() sim.Output) {
	t.Helper()
	told := make(chan string, 100)
	ended := make(chan sim.Output, 1)
	ctx = sim.WithProgress(ctx, func(p sim.Progress) { told <- p.Action })
	go func() {
		out, err := e.Logs(ctx, id, true)
		if err != nil {
			t.Errorf("following the logs: %v", err)
		}
		ended <- out
	}()
	return told, func() sim.Output { return <-ended }
}

// A log that is followed tells each line when it is printed, and ends with its
// container, even one that removes itself.
func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "echo one; echo err >&2; while [ ! -e /go ]; do sleep 0.01; done; echo two; sleep 1; printf three; exit 7")
		s.AutoRemove = true
		detached(t, e, s)
		lines, end := following(t, timeout(t), e, s.ID)
		require.ElementsMatch(t, []string{"one", "err"}, []string{<-lines, <-lines})
		_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"touch", "/go"}})
		require.NoError(t, err)
		require.Equal(t, "two", <-lines)
		require.Equal(t, sim.Output{Stdout: "one\ntwo\nthree", Stderr: "err\n"}, end())
	})
}

// Who gives up to follow has what was printed so far; the container goes on,
// and can be followed again.
func TestFollowGivenUp(t *testing.T) {
	e := engine(t)
	s := detached(t, e, spec("sh", "-c", "while :; do echo x; sleep 0.01; done"))
	for range 2 {
		ctx, giveUp := context.WithCancel(timeout(t))
		lines, end := following(t, ctx, e, s.ID)
		require.Equal(t, "x", <-lines)
		giveUp()
		require.Regexp(t, "^(x\n)+$", end().Stdout)
		require.Equal(t, sim.Running, state(t, e, s.ID).Status)
	}
	require.NoError(t, e.Stop(timeout(t), s.ID, 0))
	_, end := following(t, timeout(t), e, s.ID)
	require.Regexp(t, "^(x\n)+$", end().Stdout, "one that has ended has no more to come")
}

func TestLogsAreBounded(t *testing.T) {
	e := engine(t)
	s := detached(t, e, spec("sh", "-c", "head -c 30000000 /dev/zero"))
	_, err := e.Wait(timeout(t), s.ID)
	require.NoError(t, err)
	logs, err := e.Logs(timeout(t), s.ID, false)
	require.NoError(t, err)
	require.Less(t, len(logs.Stdout), sim.PrintedMax+100)
	require.Contains(t, logs.Stdout, "28951424 more bytes were not kept")
}

func TestShellLogs(t *testing.T) {
	e := engine(t)
	s := interactive(t, e)
	line(t, e, s.ID, "echo one; echo two >&2")
	line(t, e, s.ID, "exit")
	_, err := e.Start(timeout(t), s.ID, false)
	require.NoError(t, err)
	line(t, e, s.ID, "echo three")
	logs, err := e.Logs(timeout(t), s.ID, false)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Stdout: "one\nthree\n", Stderr: "two\n"}, logs)
}

// A stopped shell starts again with its layer, and a detached one can be gone
// back to.
func TestShellAgain(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh")
		s.Interactive = true
		detached(t, e, s)
		line(t, e, s.ID, "echo kept > /kept")
		require.NoError(t, e.Kill(timeout(t), s.ID, "KILL"))
		out, err := e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Shell: s.ID}, out)
		require.Equal(t, "kept\n", line(t, e, s.ID, "cat /kept").Stdout)
	})
}

func TestTop(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := detached(t, e, spec("sh", "-c", "sleep 1234 & touch /ready; wait"))
		_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "while ! [ -e /ready ]; do sleep 0.01; done"}})
		require.NoError(t, err)
		rows, err := e.Top(timeout(t), s.ID)
		require.NoError(t, err)
		require.Equal(t, strings.Fields("UID PID PPID C STIME TTY TIME CMD"), rows[0])
		i := slices.IndexFunc(rows, func(row []string) bool { return row[7] == "sleep 1234" })
		require.Positive(t, i, rows)
		require.Equal(t, rows[1][1], rows[i][2], "the shell is its parent")
		require.NoError(t, e.Kill(timeout(t), s.ID, "KILL"))
		_, err = e.Top(timeout(t), s.ID)
		refused(t, err, "container "+s.ID+" is not running", 1)
	})
}

// Containers are started, stopped, waited for and removed all at once.
func TestStopRaces(t *testing.T) {
	e := engine(t)
	var all sync.WaitGroup
	for i := range 30 {
		s := detached(t, e, spec("sleep", "1000"))
		all.Go(func() { e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"true"}}) })
		all.Go(func() { e.Wait(timeout(t), s.ID) })
		all.Go(func() { e.Stop(timeout(t), s.ID, time.Duration(i)*time.Millisecond) })
		all.Go(func() { e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{Force: true}) })
	}
	all.Wait()
	left, err := e.Containers(timeout(t))
	require.NoError(t, err)
	require.Empty(t, left)
}
