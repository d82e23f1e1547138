// Package bundle makes the images that come with twinlayer, so that a learner
// needs no network and the repository holds no binary: each is put together by
// this program, on first use, from a few lines of text and an executable that
// is already here. [Bundle] serves them as a [sim.Registry]; package
// real/registry puts the same over HTTP.
//
// What lives here is what an image is made of: its files, its configuration,
// its layer and the JSON around it (image-spec v1.1). An image says in its
// labels, and where it has one in /etc/os-release, that it is twinlayer's own
// and not the one of that name on Docker Hub. What may not live here: how
// images are kept and run (sim, real), and the tools inside busybox
// (sim/userland), of which only the names come in, as an argument, nor what the
// distributions' packages hold (sim/userland/packages).
//
// A new image is a function that returns a recipe, and a line in [New].
package bundle

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim"
)

// tags are what each image can be asked for as; its digest is a further one.
var tags = map[string][]string{
	"busybox":     {"1", "latest"},
	"centos":      {"7", "centos7", "latest"},
	"debian":      {"12", "bookworm", "latest"},
	"hello-world": {"1", "latest"},
}

// Bundle is the registry of the bundled images. It is safe for concurrent
// use, and makes each image once, when it is first asked for.
type Bundle struct {
	arch   string
	images map[string]func() (*sim.Artifact, error)
	hello  *fs.Data // nil: no program for this architecture
	exe    func() (*executable, error)
}

var _ sim.Registry = (*Bundle)(nil)

// New is a Bundle of images for arch, as GOARCH has it, whose busybox is the multi-call program that open opens,
// with a name in /bin for each of applets. Nothing is opened before an image
// is asked for.
func New(arch string, open func() (Executable, error), applets []string) *Bundle {
	b := &Bundle{
		arch:  arch,
		hello: fs.DataOf(Hello(arch)),
		exe:   sync.OnceValues(func() (*executable, error) { return inImages(open) }),
	}
	b.images = map[string]func() (*sim.Artifact, error){
		"hello-world": b.once(func() (recipe, error) { return helloWorld(arch, b.hello) }),
		"busybox":     b.once(func() (recipe, error) { return busybox(b.exe, applets) }),
		"debian":      b.once(func() (recipe, error) { return debian(b.exe) }),
		"centos":      b.once(func() (recipe, error) { return centos(b.exe) }),
	}
	return b
}

// Names are the repositories of the bundled images, sorted.
func (b *Bundle) Names() []string {
	return slices.Sorted(maps.Keys(b.images))
}

// Tags are what the image of a repository can be asked for as, sorted; nil
// where there is no such image.
func (b *Bundle) Tags(repository string) []string {
	return slices.Clone(tags[familiar(repository)])
}

// Resolve finds a bundled image. It takes a manifest digest in place of the
// tag too. What it does not know it refuses in docker's words.
func (b *Bundle) Resolve(_ context.Context, repository, tag string) (*sim.Artifact, error) {
	name := familiar(repository)
	image, ok := b.images[name]
	if !ok {
		return nil, sim.PullDenied(name)
	}
	if !slices.Contains(tags[name], tag) && !isDigest(tag) {
		return nil, sim.ManifestUnknown(name + ":" + tag)
	}
	artifact, err := image()
	if err != nil {
		return nil, err
	}
	if isDigest(tag) && digest.FromBytes(artifact.Manifest).String() != tag {
		return nil, sim.ManifestUnknown(name + "@" + tag)
	}
	return artifact, nil
}

func isDigest(tag string) bool { return strings.Contains(tag, ":") }

// familiar is repository as people write it: without Docker Hub's host and
// without "library/".
func familiar(repository string) string {
	for _, prefix := range []string{"index.", "docker.io/", "library/"} {
		repository = strings.TrimPrefix(repository, prefix)
	}
	return repository
}
