package real

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/real/embedded"
	"twinlayer/real/registry"
	"twinlayer/sim"
)

// Config says which real engine to use.
type Config struct {
	Choice   string // one of Choices
	DataDir  string // of the embedded engine; see DefaultDataDir
	Registry sim.Registry
	Images   string   // where short names come from; see embedded.Config
	Insecure []string // "host:port" that may be asked without encryption
}

// registryDir is where the registry keeps what is pushed to it.
func (c Config) registryDir() string { return filepath.Join(c.DataDir, "registry") }

// Choices are what Config.Choice may be.
var Choices = slices.Concat([]string{"auto"}, sim.EngineNames(), []string{"none"})

// engine is a real engine with the registry that it pulls from.
type engine struct {
	sim.Engine
	registry *registry.Server
}

// builder is an engine with a builder of its own.
type builder struct {
	engine
	sim.Builder
}

// Others tells of the registry too, which all sessions share on any engine.
func (e engine) Others(ctx context.Context, volumes []string) (sim.Others, error) {
	o, err := e.Engine.Others(ctx, volumes)
	o.Pushed = e.registry.Replaced()
	return o, err
}

// Close ends the engine, then its registry.
func (e engine) Close() error {
	err := e.Engine.Close()
	e.registry.Close()
	return err
}

// Open starts the engine of choice; "auto" is the first one that works. Its
// error says in one sentence what is missing, why, and what to do; without a
// choice of engine there is none to start, and Open returns nil.
func Open(c Config) (sim.Engine, error) {
	switch c.Choice {
	case "none":
		return nil, nil
	case "auto":
		return first(c)
	}
	server, err := registry.Serve(c.Registry, c.registryDir())
	if err != nil {
		return nil, fmt.Errorf("the registry of the bundled images cannot start: %w; check that the lo interface is up, and that the data directory %s can be written to", err, c.DataDir)
	}
	e, err := start(c, server.Addr())
	if err != nil {
		server.Close()
		return nil, err
	}
	if b, ok := e.(sim.Builder); ok {
		return builder{engine{e, server}, b}, nil
	}
	return engine{e, server}, nil
}

// first is the first engine that works. Where none does, the error is that of
// the first, which needs nothing installed; [Machine.Engines] has all.
func first(c Config) (sim.Engine, error) {
	var why error
	for _, c.Choice = range sim.EngineNames() {
		e, err := Open(c)
		if err == nil {
			return e, nil
		}
		why = cmp.Or(why, err)
	}
	return nil, why
}

// patience is how long an engine may take to answer at the start.
const patience = 20 * time.Second

func start(c Config, registry string) (sim.Engine, error) {
	if !sim.KindOf(c.Choice).Daemon {
		return embedded.Start(embedded.Config{DataDir: c.DataDir, Registry: registry, Images: c.Images, Insecure: c.Insecure})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	target, err := daemon.Find(c.Choice)
	if err != nil {
		return nil, fmt.Errorf("--real %s: %w", c.Choice, err)
	}
	return docker.Start(ctx, docker.Config{Target: target, Registry: c.Registry, Addr: registry, Images: c.Images})
}

// DefaultDataDir is where the embedded engine keeps its layers: twinlayer's
// directory under $XDG_DATA_HOME, by default ~/.local/share
// (https://specifications.freedesktop.org/basedir-spec).
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "twinlayer"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for downloaded layers: %w; set HOME or give --data-dir", err)
	}
	return filepath.Join(home, ".local", "share", "twinlayer"), nil
}
