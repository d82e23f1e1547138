package sim

import (
	"context"
	"iter"

	"twinlayer/fs"
	"twinlayer/sim/say"
)

// Builder is an engine with a builder of its own, which performs a Dockerfile
// as a whole and tells of each step. What is printed of that is the docker command's work
// all the same.
type Builder interface {
	// NoBuild says why its builder cannot perform b; empty where it can.
	NoBuild(b Build) say.Phrase
	// Build performs b, and yields what came of each FROM and of each
	// instruction, in order. An error ends it.
	Build(ctx context.Context, b Build) iter.Seq2[Built, error]
	// Keep takes over the container that a failed step has left, as the one
	// that spec describes.
	Keep(ctx context.Context, container string, spec Spec) (Container, error)
}

// Build asks an engine's own builder for an image.
type Build struct {
	// File is the Dockerfile, with the images that it takes from called as
	// name calls them.
	File    func(name func(Image) string) string
	Context *fs.Tree
	Args    map[string]string // --build-arg
	Labels  map[string]string
	Target  string
	NoCache bool
	Network Network
}

// Built is what came of one step.
type Built struct {
	Image     Image // the one after it
	Cached    bool
	Output    Output // what RUN has printed
	Container string // where the step failed: the engine's id of what is left; "" where nothing is
}
