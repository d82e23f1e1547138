//go:build linux

package embedded_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
)

// engineFor is what the process of TestKilled does until it is killed: pull,
// run, change, remove, over and over.
func engineFor(dir, registry string) {
	e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: registry})
	if err != nil {
		panic(err)
	}
	c := context.Background()
	for {
		e.Pull(c, "busybox")
		s := spec("sh", "-c", "echo x > /x; mkdir -m 0 /closed; sleep 1000 & rm -r /bin/cat /etc")
		e.Create(c, s)
		os.Stdout.WriteString("running\n")
		e.Start(c, s.ID, false)
	}
}

// TestKilled kills the program, or only the helper, at random moments: no
// process and no mount stays, and the next start removes the files.
func TestKilled(t *testing.T) {
	busybox(t)
	data := scratch(t)
	for i := range 20 {
		killed := exec.Command("/proc/self/exe")
		killed.Env = append(os.Environ(), "TWINLAYER_TEST_VICTIM="+data, "TWINLAYER_TEST_REGISTRY="+host)
		killed.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := killed.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, killed.Start())
		if i%2 == 0 {
			out.Read(make([]byte, 8)) // a container exists
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		require.NoError(t, killed.Process.Kill())
		killed.Wait()
		gone(t, data)
	}
	e := start(t, embedded.Config{DataDir: data, Registry: host})
	sessions, err := os.ReadDir(filepath.Join(data, "sessions"))
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	_, err = e.Pull(timeout(t), "busybox")
	require.NoError(t, err)
	require.Equal(t, "welcome\n", sh(t, e, "cat /etc/motd"))
}

// gone waits until no process knows dir in its mounts or arguments any more.
// A killed process is not gone at once; there is no event for its namespaces.
func gone(t testing.TB, dir string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		users := usersOf(dir)
		if len(users) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes still use %s: %v", dir, users)
		}
	}
}

func usersOf(dir string) (users []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil || e.Name() == strconv.Itoa(os.Getpid()) {
			continue
		}
		mounts, _ := os.ReadFile("/proc/" + e.Name() + "/mountinfo")
		environ, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
		if strings.Contains(string(mounts), dir) || strings.Contains(string(environ), "VICTIM="+dir) {
			users = append(users, e.Name())
		}
	}
	return users
}

// A dead helper is an error, not a hang.
func TestHelperKilled(t *testing.T) {
	data := scratch(t)
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	s := spec("sleep", "1000")
	_, err = e.Create(timeout(t), s)
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		_, err := e.Start(timeout(t), s.ID, false)
		if err == nil || !strings.Contains(err.Error(), "ended unexpectedly") {
			t.Errorf("start: %v", err)
		}
	})
	time.Sleep(100 * time.Millisecond)
	for _, pid := range children(t) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	running.Wait()
	_, err = e.Images(timeout(t))
	require.ErrorContains(t, err, "ended unexpectedly")
	require.NoError(t, e.Close())
	gone(t, data)
	start(t, embedded.Config{DataDir: data}) // which removes what was left
}

// children are the helpers that this process started.
func children(t testing.TB) []int { return childrenOf(os.Getpid()) }

func childrenOf(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[strings.LastIndex(string(text), ")")+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestSharedStore(t *testing.T) {
	busybox(t)
	data := scratch(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3 {
				e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := e.Pull(timeout(t), "busybox"); err != nil {
					t.Error(err)
				}
				out, err := run(t, e, spec("cat", "/etc/motd"))
				if err != nil || out.Stdout != "welcome\n" {
					t.Errorf("%v %v", out, err)
				}
				e.Close()
			}
		})
	}
	all.Wait()
	sessions, err := os.ReadDir(filepath.Join(data, "sessions"))
	require.NoError(t, err)
	require.Empty(t, sessions)
}

func TestCloseLeavesNothing(t *testing.T) {
	data := scratch(t)
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	interactive(t, e)
	require.NoError(t, e.Close())
	require.NoError(t, e.Close())
	gone(t, data)
	left, err := fs.Glob(os.DirFS(data), "sessions/*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestUnusableStore(t *testing.T) {
	for _, dir := range []string{"/proc/nosuch", "/dev/null/x"} {
		_, err := embedded.Start(embedded.Config{DataDir: dir})
		var no *embedded.Unavailable
		require.ErrorAs(t, err, &no)
		t.Log(err)
	}
}
