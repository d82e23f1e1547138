package docker_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/kernel"
	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// daemon is a dockerd of a test's own.
type dockerd struct {
	t    *testing.T
	dir  string
	args []string // more of them
	cmd  *exec.Cmd
}

func startDaemon(t *testing.T, args ...string) *dockerd {
	if _, err := exec.LookPath("dockerd"); err != nil || os.Getuid() != 0 {
		testenv.Lacking(t, "dockerd, and root to run it, is missing")
	}
	dir, err := os.MkdirTemp("", "dockerd")
	require.NoError(t, err)
	if !slices.Contains(args, "--data-root") {
		args = append(args, "--data-root", dir+"/data")
	}
	d := &dockerd{t: t, dir: dir, args: args}
	t.Setenv("DOCKER_HOST", "unix://"+d.socket())
	d.start()
	t.Cleanup(func() {
		d.cmd.Process.Signal(os.Interrupt)
		d.cmd.Wait()
		unmountBelow(t, dir)
		require.NoError(t, os.RemoveAll(dir))
	})
	return d
}

// unmountBelow undoes what a dockerd that was killed has left mounted.
func unmountBelow(t *testing.T, dir string) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		if target := strings.Fields(line)[1]; strings.HasPrefix(target, dir+"/") {
			require.NoError(t, syscall.Unmount(target, 2)) // MNT_DETACH, umount(2): in whichever order
		}
	}
}

func (d *dockerd) socket() string { return filepath.Join(d.dir, "docker.sock") }

func (d *dockerd) start() {
	os.Remove(filepath.Join(d.dir, "docker.pid"))
	d.cmd = exec.Command("dockerd", append([]string{"-H", "unix://" + d.socket(), "--exec-root", d.dir + "/exec",
		"--pidfile", d.dir + "/docker.pid", "--bridge=none", "--iptables=false"}, d.args...)...)
	log, err := os.OpenFile(d.dir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(d.t, err)
	defer log.Close()
	d.cmd.Stdout, d.cmd.Stderr = log, log
	require.NoError(d.t, d.cmd.Start())
	for range 300 {
		target, err := daemon.FindDocker()
		if err == nil {
			if e, err := docker.Start(d.t.Context(), docker.Config{Target: target}); err == nil {
				require.NoError(d.t, e.Close())
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(d.dir + "/log")
	d.t.Fatalf("dockerd does not start: %s", text)
}

// slowly is a machine with a directory whose build takes a while.
type slowly struct{ sim.Host }

func (slowly) Open(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(slow)), nil }

const slow = "FROM busybox\nRUN echo 1 > /one\nRUN sleep 8; echo 2 > /two\n"

func (slowly) Kind(string) (sim.HostKind, error) { return sim.HostDir, nil }

func (slowly) Tree(context.Context, string) (*fs.Tree, error) {
	b := fs.NewBuilder()
	err := b.Put("/app/Dockerfile", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(slow))})
	return b.Tree(), err
}

// TestDaemonKilled: dockerd dies by SIGKILL in the middle of a build. The
// learner is told, the model goes on, and when dockerd runs again, reconnect
// catches up.
func TestDaemonKilled(t *testing.T) {
	testenv.Long(t)
	d := startDaemon(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	images := bundle.New(platform.Host(), bundle.File(exe), userland.Applets())
	open := func(ctx context.Context) (sim.Engine, error) {
		target, err := daemon.FindDocker()
		if err != nil {
			return nil, err
		}
		return docker.Start(ctx, docker.Config{Target: target, Registry: images})
	}
	engine, err := open(t.Context())
	require.NoError(t, err)
	s := &session.Session{
		Model: model.New(model.Config{Facts: kernel.Teaching("x86_64"), Registry: images, Programs: images.Programs, Sleep: userland.SleepFor}),
		Real:  engine, Open: open, Host: slowly{},
	}
	defer func() { require.NoError(t, s.Close()) }()
	do := func(line string) sim.Result {
		r, err := s.Run(t.Context(), line, os.Getenv)
		require.NoError(t, err)
		return r
	}
	r := do("docker run -it --name box busybox")
	require.NotNil(t, r.Real)
	do("echo kept > /kept")
	s.Detach()
	time.AfterFunc(3*time.Second, func() { d.cmd.Process.Kill() })
	r = do("docker build -t app .")
	require.Nil(t, r.Real)
	require.Equal(t, sim.Limit, r.Verdict)
	require.Contains(t, say.Text(r.Differences[0].Reason), "the real world is stale since ")
	require.Contains(t, say.Text(r.Differences[0].Reason), "Docker at unix://")
	require.Contains(t, say.Text(r.Differences[0].Reason), "reconnect")
	r = do("docker exec box cat /kept")
	require.Equal(t, "kept\n", r.Model.Stdout, "the model goes on")
	_, err = s.Reconnect(t.Context())
	require.ErrorContains(t, err, "does not answer")
	d.cmd.Wait()
	d.start()
	done, err := s.Reconnect(t.Context())
	require.NoError(t, err)
	require.Equal(t, session.Reconnected{Ran: 4}, done)
	r = do("docker exec box cat /kept")
	require.NotNil(t, r.Real)
	require.Equal(t, "kept\n", r.Real.Stdout)
	require.Equal(t, r.Model.Layer, r.Real.Layer)
	require.NoError(t, s.Broken())
}
