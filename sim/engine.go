package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
)

// Engine is what twinlayer asks of a container engine, modelled or real. It
// speaks in values; what the docker command prints of them is [World]'s work,
// the same over every engine.
//
// What a learner did wrong comes back as a *[Refusal]; any other error means
// that the engine itself broke. A container is named by its id, a unique
// prefix of it, or its name; an image by its reference, its id, or a prefix
// of that. An Engine is safe for concurrent use.
type Engine interface {
	// Name is "model", "embedded", "docker" or "podman".
	Name() string
	// Info tells about the kernel that the engine's containers share.
	Info(ctx context.Context) (Info, error)

	// Pull fetches ref from its registry and keeps it.
	Pull(ctx context.Context, ref string) (Pulled, error)
	// Images are all images that a tag names, newest first.
	Images(ctx context.Context) ([]Image, error)
	// Image is the one image that ref names.
	Image(ctx context.Context, ref string) (Image, error)
	// Tag gives the image source another reference, target.
	Tag(ctx context.Context, source, target string) error
	// RemoveImage takes ref off its image, and with the last one the image.
	RemoveImage(ctx context.Context, ref string, force bool) (Removed, error)

	// Containers are all containers, running or not, newest first.
	Containers(ctx context.Context) ([]Container, error)
	// Create makes a container with an empty writable layer of its own on
	// the layers of its image.
	Create(ctx context.Context, spec Spec) (Container, error)
	// Start starts the container's own process and waits for its end. A
	// shell that takes lines (see [TakesLines]) is left waiting for them. A
	// container with AutoRemove goes when it ends or cannot start.
	Start(ctx context.Context, container string) (Output, error)
	// Exec runs one more process in a running container, as Start does.
	Exec(ctx context.Context, container string, p Process) (Output, error)
	// Line hands a waiting shell one line (or several, where a command
	// spans them) and returns what it printed. Its input is empty.
	Line(ctx context.Context, shell, line string) (Output, error)
	// Hangup ends a waiting shell as the end of its input does.
	Hangup(ctx context.Context, shell string) (Output, error)
	// RemoveContainer removes a container and its layer; a running one
	// only with force, which kills it.
	RemoveContainer(ctx context.Context, container string, force bool) error

	// Changes are what docker diff lists: the container's file system held
	// against its image, sorted by path.
	Changes(ctx context.Context, container string) ([]fs.Change, error)
	// Layer is the container's writable layer, as overlayfs's upper
	// directory holds it.
	Layer(ctx context.Context, container string) (*fs.Tree, error)

	// Close ends every process of the engine and frees what it holds.
	Close() error
}

// Info tells about an engine and the kernel under it.
type Info struct {
	Engine   string // what it is, for people: "embedded engine (overlayfs, rootless)"
	Rootless bool   // it runs without root's power
	IDs      uint32 // how many user ids its containers know, from 0; 0: all
}

// Image is an image that an engine keeps.
type Image struct {
	ID     digest.Digest   // of the configuration blob
	Tags   []string        // "name:tag", sorted
	Layers []digest.Digest // diffIDs, bottom first (image-spec, config.md)
	Sizes  []int64         // of each layer: bytes of its regular files
	Config ocispec.Image
}

// Size is the bytes of all files in all layers, what docker images prints.
func (i Image) Size() int64 {
	var n int64
	for _, size := range i.Sizes {
		n += size
	}
	return n
}

// Pulled tells what a pull did.
type Pulled struct {
	Ref      string // familiar, with its tag: "busybox:latest"
	Digest   digest.Digest
	Layers   []PulledLayer
	UpToDate bool // the image was already here
}

// PulledLayer is one layer of a pulled image.
type PulledLayer struct {
	Digest digest.Digest // of the compressed blob
	Exists bool          // the engine had it already
}

// Removed tells what docker rmi did.
type Removed struct {
	Untagged []string
	Deleted  []digest.Digest // the image id, then layers by chain id, top first
}

// Status is where in its life a container is.
type Status string

// The states of a container.
const (
	Created Status = "created"
	Running Status = "running"
	Exited  Status = "exited"
)

// Container is a container that an engine keeps.
type Container struct {
	Spec
	ImageID  digest.Digest
	Path     []string // the command it runs, entrypoint and all
	Status   Status
	Exit     int // where Status is Exited
	Started  time.Time
	Finished time.Time
}

// Spec asks for a container. The id, the name and the time are given by the
// caller, so that every world makes the same container.
type Spec struct {
	ID      string // 64 hexadecimal digits; the hostname is the first 12
	Name    string
	Created time.Time

	Image      string   // as the user wrote it
	Entrypoint []string // nil: the image's
	Args       []string // nil: the image's Cmd
	Env        []string
	Dir        string // "": the image's
	User       string // "": the image's
	Hostname   string // "": from the id

	Interactive bool // -i
	TTY         bool // -t
	AutoRemove  bool // --rm
}

// Process asks for one more process in a container.
type Process struct {
	ID          string // names the shell, if the process is one
	Args        []string
	Env         []string
	Dir         string
	User        string
	Interactive bool
}

// Output is what a process printed, and whether it still waits for more.
type Output struct {
	Stdout, Stderr string
	Exit           int    // its exit status; where Shell is set, the last line's
	Shell          string // names the shell that waits for lines; "": it ended

	// Unknown says why a model cannot tell what this process did; "" where
	// it can.
	Unknown string
}

// Refusal is an engine's answer to something a learner got wrong, in docker's
// words, with docker's exit status (1 where it is zero).
type Refusal struct {
	Text string
	Exit int
}

func (r *Refusal) Error() string { return r.Text }

// Refuse is a Refusal with exit status 1.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Text: fmt.Sprintf(format, args...), Exit: 1}
}
