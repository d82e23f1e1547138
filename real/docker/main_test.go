package docker

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/registry"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// TestMain lets the test binary stand in for the bundled busybox.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "busybox" || slices.Contains(userland.Applets(), name) {
		os.Exit(userland.Main(os.Args, userland.Run))
	}
	os.Exit(m.Run())
}

// eachEngine runs a test on a new session with every engine that answers.
func eachEngine(t *testing.T, test func(t *testing.T, e *Engine)) {
	turn := len(t.Name()) // in another test the other one
	for i, name := range sim.Daemons() {
		t.Run(name, func(t *testing.T) {
			testenv.Sample(t, (i+turn)%2, 2, 1)
			t.Parallel() // daemons are waited for more than they work
			if _, err := os.Stat("/run/podman/podman.sock"); name == "podman" && err != nil && os.Getenv("CONTAINER_HOST") == "" {
				testenv.Lacking(t, "Podman's service is missing: CONTAINER_HOST names no socket, and there is none in the usual place")
			}
			target, err := daemon.Find(name)
			if err != nil {
				testenv.Lacking(t, "%v", err)
			}
			test(t, start(t, target))
		})
	}
}

func start(t testing.TB, target daemon.Target) *Engine {
	exe, err := os.Executable()
	require.NoError(t, err)
	images := bundle.New(platform.Host(), bundle.File(exe), userland.Applets())
	server, err := registry.Serve(images, "")
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	e, err := Start(t.Context(), Config{Target: target, Registry: images, Addr: server.Addr()})
	if err != nil {
		testenv.Lacking(t, "%v", err)
	}
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// spec is a container of busybox with a name and an id of its own.
func spec(args ...string) sim.Spec {
	var id [32]byte
	rand.Read(id[:])
	text := hex.EncodeToString(id[:])
	return sim.Spec{ID: text, Name: "t-" + text[:8], Created: time.Now(), Image: "busybox", Args: args}
}

func create(t testing.TB, e *Engine, s sim.Spec) sim.Container {
	t.Helper()
	_, err := e.Image(t.Context(), "busybox")
	if sim.IsRefusal(err, sim.MissingImage) {
		_, err = e.Pull(t.Context(), "busybox")
	}
	require.NoError(t, err)
	c, err := e.Create(t.Context(), s)
	require.NoError(t, err)
	return c
}

func run(t testing.TB, e *Engine, s sim.Spec) (sim.Container, sim.Output) {
	t.Helper()
	c := create(t, e, s)
	out, err := e.Start(t.Context(), c.ID, false)
	require.NoError(t, err)
	return c, out
}
