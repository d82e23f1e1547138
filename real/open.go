package real

import (
	"fmt"
	"os"
	"path/filepath"

	"twinlayer/real/embedded"
	"twinlayer/real/registry"
	"twinlayer/sim"
)

// Config says which real engine to use.
type Config struct {
	Choice   string // "auto", "embedded" or "none"
	DataDir  string // of the embedded engine; see DefaultDataDir
	Registry sim.Registry
	Images   string   // where short names come from; see embedded.Config
	Insecure []string // "host:port" that may be asked without encryption
}

// Choices are what Config.Choice may be.
var Choices = []string{"auto", "embedded", "none"}

// engine is a real engine with the registry that it pulls from.
type engine struct {
	sim.Engine
	registry *registry.Server
}

// Close ends the engine, then its registry.
func (e engine) Close() error {
	err := e.Engine.Close()
	e.registry.Close()
	return err
}

// Open starts the engine of choice. Its error says in one sentence what is
// missing, why, and what to do; without a choice of engine there is none to
// start, and Open returns nil.
func Open(c Config) (sim.Engine, error) {
	if c.Choice == "none" {
		return nil, nil
	}
	server, err := registry.Serve(c.Registry)
	if err != nil {
		return nil, fmt.Errorf("the registry of the bundled images cannot listen on the loopback: %w; check that the lo interface is up", err)
	}
	e, err := embedded.Start(embedded.Config{DataDir: c.DataDir, Registry: server.Addr(), Images: c.Images, Insecure: c.Insecure})
	if err != nil {
		server.Close()
		return nil, err
	}
	return engine{e, server}, nil
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
