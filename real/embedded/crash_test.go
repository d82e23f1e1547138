//go:build linux

package embedded_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
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

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// engineFor is what the process of TestKilled does until it is killed: pull,
// run, change, commit, run again, remove, over and over.
func engineFor(dir, registry string) {
	e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: registry})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		e.Pull(context.Background(), registry+"/busybox:latest")
		liveAndDie(e, registry+"/busybox:latest", i)
	}
}

// liveAndDie is a container's life, with a commit while it runs, one when it
// has ended, and a second run after that; what is kept of it varies with i.
func liveAndDie(e *embedded.Engine, image string, i int) {
	c := context.Background()
	s := spec("sh", "-c", "echo x >> /x; mkdir -p -m 0 /closed; dd if=/dev/urandom of=/big bs=64k count=16; rm -rf /bin/cat /etc; sleep 0.02")
	s.Image = image
	e.Create(c, s)
	os.Stdout.WriteString("running\n")
	asked := sim.Commit{Container: s.ID, Ref: fmt.Sprintf("killed:%d", i%3), Created: s.Created, Pause: true}
	e.Start(c, s.ID, true)
	e.Commit(c, asked)
	e.Wait(c, s.ID)
	e.Commit(c, asked)
	e.Start(c, s.ID, false)
	e.RemoveContainer(c, s.ID, sim.RemoveOptions{Force: true})
	if i%2 == 1 {
		e.RemoveImage(c, asked.Ref, true)
	}
}

var killCount = flag.Int("kills", 0, "how often TestKilled and TestImagesKilled kill twinlayer at random moments; 0: 8, or 20 with -full")

func kills() int { return testenv.Count(*killCount, 8, 20) }

// TestKilled kills the program, or only the helper, at random moments of pull,
// run and commit: no process and no mount stays, whatever images there are is
// whole, an image that nobody touched stays, and the next start removes the
// rest.
func TestKilled(t *testing.T) {
	busybox(t)
	data := scratch(t)
	untouched := keepsOne(t, data)
	for i := range kills() {
		killLater(t, as("engine", data), i%3 != 0, i%2 == 0, 120*time.Millisecond)
		gone(t, data)
		requireSound(t, data)
		if i%10 == 0 {
			stillGood(t, data, untouched)
		}
	}
	stillGood(t, data, untouched)
	e := start(t, embedded.Config{DataDir: data, Registry: host})
	_, err := e.Pull(timeout(t), "busybox")
	require.NoError(t, err)
	require.Equal(t, "welcome\n", sh(t, e, "cat /etc/motd"))
}

// keepsOne puts an image into a new store.
func keepsOne(t testing.TB, data string) sim.Image {
	t.Helper()
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	img, err := e.Import(timeout(t), sim.Import{Root: bytes.NewReader(layerTar(file("stays", "1"))), Ref: "stays", Created: time.Unix(1, 0)})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	return img
}

// stillGood starts an engine on the store, finds the image and nothing that
// no image needs.
func stillGood(t testing.TB, data string, untouched sim.Image) {
	t.Helper()
	e, err := embedded.Start(embedded.Config{DataDir: data, Registry: host})
	require.NoError(t, err)
	img, err := e.Image(timeout(t), "stays")
	require.NoError(t, err)
	require.Equal(t, untouched.ID, img.ID)
	clean(t, e, data)
	require.NoError(t, e.Close())
}

// killLater starts a victim and kills it, or its helper just before, a little
// after it has begun or, unless begun is set, after its start.
func killLater(t testing.TB, victim *exec.Cmd, begun, helper bool, within time.Duration) {
	t.Helper()
	victim.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	if begun {
		out.Read(make([]byte, 1))
	}
	time.Sleep(rand.N(within))
	if helper {
		for _, pid := range childrenOf(victim.Process.Pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	require.NoError(t, victim.Process.Kill())
	victim.Wait()
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
