package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/docker/owned"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Config says which engine to use, and where bundled images come from.
type Config struct {
	daemon.Target
	Registry sim.Registry // of the bundled images
	Addr     string       // where the same listens; "": nowhere
	Images   string       // the registry of short names, "docker.io"; "": the bundled images
}

// Engine is a session with Docker or Podman; see [sim.Engine].
type Engine struct {
	cfg     Config
	client  *client.Client
	session owned.Session
	info    system.Info
	libpod  libpod // Podman's own

	mu         sync.Mutex
	containers map[string]*record // by the id that twinlayer knows
	shells     map[string]*shellSession
	images     map[digest.Digest]*image        // by the engine's id
	parents    map[digest.Digest]digest.Digest // of what was committed
	trees      map[digest.Digest]*fs.Tree      // layers, by diffID
	spools     []*os.File                      // what trees read from
	blind      bool                            // the engine cannot see our loopback
}

var _ sim.Engine = (*Engine)(nil)

// Start begins a session with the engine that c names.
func Start(ctx context.Context, c Config) (*Engine, error) {
	api, err := c.Target.Dial()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: c, client: api, session: owned.NewSession(), containers: map[string]*record{}, shells: map[string]*shellSession{},
		images: map[digest.Digest]*image{}, parents: map[digest.Digest]digest.Digest{}, trees: map[digest.Digest]*fs.Tree{},
	}
	info, err := api.Info(ctx, client.InfoOptions{})
	if err != nil {
		api.Close()
		return nil, c.Target.Explain(err)
	}
	e.info = info.Info
	if c.Podman {
		e.libpod, err = e.askLibpod(ctx)
	}
	if err := errors.Join(c.Target.Explain(err), e.fits()); err != nil {
		api.Close()
		return nil, err
	}
	return e, nil
}

// fits says whether the engine runs what twinlayer's images hold.
func (e *Engine) fits() error {
	if e.info.OSType != "" && e.info.OSType != "linux" {
		return fmt.Errorf("%s runs %s containers, and twinlayer's images are for Linux: switch it to Linux containers", e.cfg.Name(), e.info.OSType)
	}
	return nil
}

// Name is that of its [sim.Kind].
func (e *Engine) Name() string { return e.cfg.Name() }

// Info tells what the engine says of itself.
func (e *Engine) Info(context.Context) (sim.Info, error) {
	text := fmt.Sprintf("%s %s (API %s, %s", e.cfg.Title(), e.info.ServerVersion, e.client.ClientVersion(), e.info.Driver)
	if e.rootless() {
		text += ", rootless"
	}
	return sim.Info{Engine: text + ")", Rootless: e.rootless(), Arch: platform.Host(), IDs: e.libpod.ids(), Dialect: e.dialect()}, nil
}

func (e *Engine) rootless() bool {
	return e.libpod.Host.Security.Rootless || slices.Contains(e.info.SecurityOptions, "name=rootless")
}

// mapped says whether the owners of files on the engine's disk are others than
// its containers see: they are those of a user namespace.
func (e *Engine) mapped() bool {
	return e.rootless() || slices.Contains(e.info.SecurityOptions, "name=userns")
}

// dialect is how the engine's commits make layers: of overlayfs's upper
// directory where that can be had, else by comparing the container's files with
// the image's.
func (e *Engine) dialect() fs.Dialect {
	switch {
	case e.containerd():
		return fs.Containerd
	case e.driverSays("Native Overlay Diff", "true"):
		return fs.DockerNative
	}
	return fs.BuildKit
}

// containerd says whether Docker keeps its images in containerd.
func (e *Engine) containerd() bool {
	return e.driverSays("driver-type", "io.containerd.snapshotter.v1")
}

func (e *Engine) driverSays(what, text string) bool {
	return slices.Contains(e.info.DriverStatus, [2]string{what, text})
}

// closing is how long a session may take to tidy up.
const closing = 30 * time.Second

// Refresh does nothing: no session sees what another one makes.
func (e *Engine) Refresh(context.Context) (bool, error) { return false, nil }

// Others are none.
func (e *Engine) Others(context.Context, []string) (sim.Others, error) { return sim.Others{}, nil }

// Troubles are none: what the engine keeps is its own affair.
func (e *Engine) Troubles(context.Context) ([]say.Phrase, error) { return nil, nil }

// SetScratch does nothing: no other session sees what this one makes.
func (e *Engine) SetScratch(context.Context, bool) error { return nil }

// Close removes all that this session made in the engine.
func (e *Engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	_, err := clean(ctx, e.client, func(s owned.Session) bool { return s == e.session })
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.spools {
		err = errors.Join(err, f.Close())
	}
	e.spools = nil
	return errors.Join(e.cfg.Target.Explain(err), e.client.Close(), e.cfg.Target.Stop())
}

// spool is a file for the contents of a layer, which goes when the engine is
// closed.
func (e *Engine) spool() (*os.File, error) {
	f, err := unnamed()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spools = append(e.spools, f)
	return f, nil
}

// unnamed is a file that goes when it is closed.
func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "twinlayer-layer-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
