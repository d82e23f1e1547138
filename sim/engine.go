package sim

import (
	"context"
	"io"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim/say"
)

// Engine is what twinlayer asks of a container engine, modelled or real. It
// speaks in values; what the docker command prints of them is [Client]'s work,
// the same over every engine.
//
// What a learner did wrong, and what an engine could not do, comes back as an
// error, a *[Refusal] where docker has words for it; only a *[Lost] means that
// the engine itself is gone. A container is named by its id, a unique
// prefix of it, or its name; an image by its reference, its id, or a prefix
// of that. An Engine is safe for concurrent use.
type Engine interface {
	// Name is [ModelName], or the name of one of [Kinds].
	Name() string
	// Info tells about the kernel that the engine's containers share.
	Info(ctx context.Context) (Info, error)

	// Pull fetches ref from its registry and keeps it.
	Pull(ctx context.Context, ref string) (PullResult, error)
	// Push sends what the registry of ref lacks of the image to it.
	Push(ctx context.Context, ref string) (PushResult, error)
	// Images are all images, tagged or not, newest first.
	Images(ctx context.Context) ([]Image, error)
	// Image is the one image that ref names.
	Image(ctx context.Context, ref string) (Image, error)
	// Layers are what the layers of the image that ref names hold, bottom
	// first.
	Layers(ctx context.Context, ref string) ([]*fs.Tree, error)
	// Tag gives the image source another reference, target.
	Tag(ctx context.Context, source, target string) error
	// RemoveImage takes ref off its image, and with the last one the image.
	RemoveImage(ctx context.Context, ref string, force bool) (RemoveResult, error)
	// Commit makes an image of a container: the layers of its image and, if
	// it is not empty, the container's own as one more.
	Commit(ctx context.Context, c Commit) (Image, error)
	// Import makes an image of one layer from a root file system.
	Import(ctx context.Context, i Import) (Image, error)
	// Load takes in the images of an archive, Docker's or an OCI layout's
	// (image-spec, image-layout.md), compressed or not, and returns their
	// references, or ids where they have none.
	Load(ctx context.Context, archive io.Reader) ([]string, error)
	// Save writes images as an archive that is both Docker's and an OCI
	// layout.
	Save(ctx context.Context, refs []string, archive io.Writer) error

	// Containers are all containers, running or not, newest first.
	Containers(ctx context.Context) ([]Container, error)
	// Overview is what a [View] tells of all containers, newest first. It may
	// be the same slice as before, and must not be changed.
	Overview(ctx context.Context) ([]ContainerView, error)
	// Container is the one container that key names.
	Container(ctx context.Context, key string) (Container, error)
	// Create makes a container with an empty writable layer of its own on
	// the layers of its image.
	Create(ctx context.Context, spec Spec) (Container, error)
	// Start starts the container's own process and waits for its end, unless
	// it is to run detached. A shell that takes lines (see [IsInteractiveShell]) is
	// left waiting for them. A container with AutoRemove goes when it ends or
	// cannot start.
	Start(ctx context.Context, container string, detach bool) (Output, error)
	// Exec runs one more process in a running container, as Start does.
	Exec(ctx context.Context, container string, p Process) (Output, error)
	// Line hands a waiting shell one line (or several, where a command
	// spans them) and returns what it printed. Its input is empty.
	Line(ctx context.Context, shell, line string) (Output, error)
	// Hangup ends a waiting shell as the end of its input does.
	Hangup(ctx context.Context, shell string) (Output, error)
	// Stop asks a container's process to end (its StopSignal, by default
	// SIGTERM) and kills it when it has not ended after grace.
	Stop(ctx context.Context, container string, grace time.Duration) error
	// Kill sends a signal, "KILL" or "SIGKILL" or "9", to a container's
	// process.
	Kill(ctx context.Context, container, signal string) error
	// Wait waits for a container's end and returns its exit status.
	Wait(ctx context.Context, container string) (int, error)
	// Logs are what a container's own process has printed in all its starts;
	// with follow until it, or ctx, ends. Meanwhile each line is told as it
	// comes (see [WithProgress]).
	Logs(ctx context.Context, container string, follow bool) (Output, error)
	// Top is what ps tells of a container's processes: a row of column heads,
	// then a row a process, with the ids that the host sees.
	Top(ctx context.Context, container string) ([][]string, error)
	// RemoveContainer removes a container and its layer; a running one
	// only with Force, which kills it.
	RemoveContainer(ctx context.Context, container string, o RemoveOptions) error
	// CopyIn puts files into a container below the directory dir, which must
	// be there. Directories that are there keep their attributes; all else is
	// replaced.
	CopyIn(ctx context.Context, container, dir string, files *fs.Tree) error
	// CopyOut is the file or directory name of a container, as the one entry
	// of a tree's root; of "/" it is the whole root file system. Volumes are
	// part of it.
	CopyOut(ctx context.Context, container, name string) (*fs.Tree, error)

	// Changes are what docker diff lists: the container's file system held
	// against its image, sorted by path.
	Changes(ctx context.Context, container string) ([]fs.Change, error)
	// Layer is the container's writable layer: as overlayfs's upper directory
	// holds it or, where [Info] names another dialect, in that.
	Layer(ctx context.Context, container string) (*fs.Tree, error)
	// Evidence is what can be seen of a container from outside, with how to
	// see it again by hand.
	Evidence(ctx context.Context, container string) ([]Evidence, error)

	// Volumes are all volumes, by name.
	Volumes(ctx context.Context) ([]Volume, error)
	// CreateVolume makes a volume; one that is there already stays.
	CreateVolume(ctx context.Context, v Volume) error
	// RemoveVolume removes a volume that no container uses.
	RemoveVolume(ctx context.Context, name string) error

	// Refresh has the engine see what other sessions have made of the images
	// and volumes that they share with this one. From one call to the next
	// only the session itself changes them. It tells whether that is anything.
	Refresh(ctx context.Context) (changed bool, err error)
	// Others tells what other sessions have to do now with what they share
	// with this one, and with these volumes.
	Others(ctx context.Context, volumes []string) (Others, error)
	// SetScratch begins, or ends, a time after which images and volumes are as
	// they were before it, also where the program dies in it. Only an engine
	// that keeps them from session to session has anything to do.
	SetScratch(ctx context.Context, scratch bool) error
	// Troubles are what the engine has found damaged of its own since the last
	// call, and what became of it.
	Troubles(ctx context.Context) ([]say.Phrase, error)
	// Close ends every process of the engine and frees what it holds.
	Close() error
}

// Info tells about an engine and the kernel under it.
type Info struct {
	Engine   string   // what it is, for people: "embedded engine (overlayfs, rootless)"
	Rootless bool     // it runs without root's power
	Arch     string   // what it runs programs for, as GOARCH has it
	IDs      fs.IDMap // the user ids that its containers know
	// Dialect is how its commits make layers, and how [Engine.Layer] tells of
	// one; "": [fs.DockerNative].
	Dialect fs.Dialect
}

// Image is an image that an engine keeps.
type Image struct {
	ID     digest.Digest   // of the configuration blob
	Tags   []string        // "name:tag", sorted
	Layers []digest.Digest // diffIDs, bottom first (image-spec, config.md)
	Sizes  []int64         // of each layer: bytes of its regular files
	Parent digest.Digest   // the image that it was committed from, if that is known
	Config dockerspec.DockerOCIImage
}

// Size is the bytes of all files in all layers, what docker images prints.
func (i Image) Size() int64 {
	var n int64
	for _, size := range i.Sizes {
		n += size
	}
	return n
}

// PullResult tells what a pull did.
type PullResult struct {
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

// PushResult tells what a push did.
type PushResult struct {
	Ref    string // familiar, with its tag
	Digest digest.Digest
	Size   int64         // of the manifest
	Layers []PushedLayer // top first
}

// PushedLayer is one layer of a pushed image.
type PushedLayer struct {
	DiffID digest.Digest
	Exists bool // the registry had it already
}

// Commit asks for an image of a container.
type Commit struct {
	Container string
	Ref       string // "": the image stays without a tag
	// Config is the new image's, whole; [ContainerConfig] is where it starts
	// from.
	Config    dockerspec.DockerOCIImageConfig
	CreatedBy string // for the history, as are Author, Comment and Created
	Author    string
	Comment   string
	Created   time.Time
	// Latest is set as the time of whatever in the layer is younger, so that
	// the same files make the same layer; zero: times stay.
	Latest time.Time
	Pause  bool // hold the container's processes meanwhile
	// Step says that this is one of many images of a build, without a name,
	// and that the container goes next: an engine may keep the image in haste
	// until one that was made from it gets a name, and the container's files
	// in it.
	Step bool
}

// Import asks for an image of one layer.
type Import struct {
	Root    io.Reader // a tar of the root file system, compressed or not
	Ref     string    // "": the image stays without a tag
	Config  dockerspec.DockerOCIImageConfig
	Comment string
	Created time.Time
}

// RemoveOptions says how to remove a container.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // with the volumes that were made for it alone
}

// Volume is a directory beside all layers, which outlives containers.
type Volume struct {
	Name      string
	Anonymous bool // made for one container
	Created   time.Time
}

// Others is what an engine knows of other sessions that share its images and
// volumes.
type Others struct {
	Containers []Container // of theirs; of each ID, ImageID, Status and Mounts
	Pushed     []string    // references in twinlayer's own registry that are theirs now, and were this one's
	Written    []string    // volumes that they may have written to since they were last asked about
}

// Evidence is one thing that can be seen of a container from outside.
type Evidence struct {
	What  say.Phrase   `json:"what"`           // in a few words: "its root's mount"
	Shown string       `json:"shown"`          // what was seen
	Told  []say.Phrase `json:"told,omitempty"` // lines that tell of it, where nothing is seen as it is
	Again string       `json:"again"`          // the command that shows it; "" where none does
}

// RemoveResult tells what docker rmi did.
type RemoveResult struct {
	Untagged []string
	// Deleted are the image's id and its layers' chain ids, top first; then
	// the same of each untagged image below it that nothing needs any more.
	Deleted []digest.Digest
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
	*Spec    // never changed
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

	Image      string   // as the user wrote it; "": none, the root is empty (see [ScratchImage])
	Entrypoint []string // nil: the image's
	Args       []string // nil: the image's Cmd
	Env        []string
	Dir        string // "": the image's
	User       string // "": the image's
	Hostname   string // "": from the id

	Interactive bool // -i
	TTY         bool // -t
	AutoRemove  bool // --rm

	Mounts     []Mount
	NoVolumes  bool // the places that the image declares as volumes are plain directories
	Network    Network
	ReadOnly   bool  // its root file system
	Memory     int64 // bytes it may use; 0: no limit
	PIDs       int64 // how many processes it may have; 0: no limit
	CapAdd     []string
	CapDrop    []string
	StopSignal string // "": the image's, by default SIGTERM
	Labels     map[string]string
}

// Mount is what a container sees in the place of a part of its layers.
type Mount struct {
	Type     MountType
	Source   string // the host's path, or the volume's name; "": a new one, [AnonymousVolume]
	Target   string // absolute
	ReadOnly bool
}

// MountType is where a mount's files are.
type MountType string

// The types of mounts.
const (
	Bind    MountType = "bind"   // in the host's file system
	InStore MountType = "volume" // in the engine's keeping
	Tmpfs   MountType = "tmpfs"  // in memory, until the container ends
)

// Network is what a container sees of the network.
type Network string

// The networks.
const (
	NoNetwork   Network = ""     // the loopback alone
	HostNetwork Network = "host" // the host's own
)

// Process asks for one more process in a container.
type Process struct {
	ID          string // names the shell, if the process is one
	Args        []string
	Env         []string
	Dir         string
	User        string
	Interactive bool
	Detach      bool // do not wait for its end
}

// Output is what a process printed, and whether it still waits for more.
type Output struct {
	Stdout, Stderr string
	Exit           int    // its exit status; where Shell is set, the last line's
	Shell          string // names the shell that waits for lines; "": it ended

	// Unknown says why a model cannot tell what this process did; "" where
	// it can.
	Unknown say.Phrase
}

// Grace is how long a shell has to come back after what its line had started
// was killed. Nothing tells that a shell is in an endless loop of its own.
const Grace = 300 * time.Millisecond

// Solitary is what an engine embeds that keeps nothing over sessions, shares
// nothing, and has nothing that could be damaged or must be closed.
type Solitary struct{}

// SetScratch does nothing.
func (Solitary) SetScratch(context.Context, bool) error { return nil }

// Refresh finds nothing new.
func (Solitary) Refresh(context.Context) (bool, error) { return false, nil }

// Others are none.
func (Solitary) Others(context.Context, []string) (Others, error) { return Others{}, nil }

// Troubles are none.
func (Solitary) Troubles(context.Context) ([]say.Phrase, error) { return nil, nil }

// Close frees nothing.
func (Solitary) Close() error { return nil }
