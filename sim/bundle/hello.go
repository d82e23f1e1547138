package bundle

import (
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
	"twinlayer/sim/userland/say"
)

// Greeting is what /hello of hello-world prints before it exits with status 0,
// and all that it does.
const Greeting = `
Hello from twinlayer!
This is twinlayer's own hello-world: an image with one program in it, /hello.

Before you could read this:
 1. The engine found the image hello-world, or pulled it from a registry.
 2. It made a container from the image: the image's one layer, read-only,
    with a new and empty writable layer on top.
 3. It ran /hello in that container, which wrote this text and ended.
 4. What /hello wrote was passed on to you.

Try something more:
 docker run -it busybox sh

`

// helloWorld is FROM scratch, COPY hello /, CMD ["/hello"].
func helloWorld(arch string, program *fs.Data) (recipe, error) {
	if program == nil {
		return recipe{}, fmt.Errorf("make hello-world: no program for %s, only for amd64 and arm64", arch)
	}
	root := newRootfs()
	root.program("hello", program)
	tree, err := root.tree()
	return recipe{
		os:    "linux",
		layer: tree,
		gzip:  true,
		config: ocispec.ImageConfig{
			Env:    []string{searchPath},
			Cmd:    []string{"/hello"},
			Labels: labels("hello-world", "The smallest image: one layer, and in it one program that greets."),
		},
		history: []string{"COPY hello / # buildkit", `CMD ["/hello"]`},
	}, err
}

// Hello is the executable /hello for the architecture arch (as GOARCH has it):
// it prints the Greeting. nil for an architecture that [say] cannot write for.
func Hello(arch string) []byte { return say.Program(arch, Greeting, 0) }
