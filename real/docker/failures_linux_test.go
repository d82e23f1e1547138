package docker_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/registry"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// TestDaemonDiskFull: the disk that dockerd keeps images on is full. What to
// do is said, and the daemon stays usable.
func TestDaemonDiskFull(t *testing.T) {
	data := t.TempDir()
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=12m"); err != nil {
		testenv.Lacking(t, "root, who may mount a small disk, is missing")
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(data, syscall.MNT_DETACH)) })
	startDaemon(t, "--data-root", data)
	e, err := open(t)
	require.NoError(t, err)
	defer e.Close()
	_, err = e.Pull(t.Context(), "busybox")
	require.ErrorContains(t, err, `see what takes the room with "docker system df"`)
	_, err = e.Pull(t.Context(), "hello-world")
	require.NoError(t, err)
}

// TestPullRefused: a registry that allows one pull refuses the next one, and
// what a learner can do is said.
func TestPullRefused(t *testing.T) {
	if os.Getenv("DOCKER_HOST") == "" {
		testenv.Lacking(t, "DOCKER_HOST is missing")
	}
	var spent atomic.Bool
	limited := limitedRegistry(t, &spent)
	e, err := open(t)
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	_, err = e.Pull(t.Context(), limited+"/hello-world:latest")
	require.NoError(t, err)
	spent.Store(true)
	_, err = e.Pull(t.Context(), limited+"/busybox:latest")
	var refusal *sim.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Contains(t, refusal.Text, `log in with "docker login"`)
}

// limitedRegistry is the address of a registry with the bundled images, which
// refuses as Docker Hub does when the limit is spent.
func limitedRegistry(t *testing.T, spent *atomic.Bool) string {
	exe, err := os.Executable()
	require.NoError(t, err)
	server, err := registry.Serve(bundle.New(platform.Host(), bundle.File(exe), userland.Applets()), "")
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server.Addr()})
	limited := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !spent.Load() {
			pass.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}`)
	}))
	t.Cleanup(limited.Close)
	return strings.TrimPrefix(limited.URL, "http://")
}

// TestOldAPI: an engine whose API is older than twinlayer's is told from one
// that does not answer. It is Docker, but for the version that it says.
func TestOldAPI(t *testing.T) {
	socket, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if !ok {
		testenv.Lacking(t, "a socket in DOCKER_HOST is missing")
	}
	old := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "docker" },
		Transport:      &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) }},
		ModifyResponse: func(r *http.Response) error { r.Header.Set("Api-Version", "1.24"); return nil },
	})
	defer old.Close()
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(old.URL, "http://"))
	target, err := daemon.FindDocker()
	require.NoError(t, err)
	_, err = docker.Start(t.Context(), docker.Config{Target: target})
	require.ErrorContains(t, err, "it needs 1.40 or newer")
}
