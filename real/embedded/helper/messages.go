package helper

import (
	"encoding/json"
	"time"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/sim"
)

// What travels: arguments of methods that have several, and values of sim in
// a form that encoding/gob takes.
type (
	TagArgs    struct{ Source, Target string }
	RemoveArgs struct {
		Name  string
		Force bool
	}
	StartArgs struct {
		Container string
		Detach    bool
	}
	ExecArgs struct {
		Container string
		Process   sim.Process
	}
	LineArgs struct{ Shell, Line string }

	Change struct {
		Kind fs.Kind
		Path string
	}
	PackedImage struct {
		ID     digest.Digest
		Tags   []string
		Layers []digest.Digest
		Sizes  []int64
		Parent digest.Digest
		Config []byte
	}
	LayerArgs   struct{ Container, Known string }
	PackedLayer struct {
		Entries  []overlay.Entry
		Contents string // the name of a file, for the caller to remove; "": nothing has changed
		Stamp    string // of the state that was read
		Settled  bool   // a change after it would have another stamp
	}
)

// Unpack is the image.
func (p PackedImage) Unpack() (sim.Image, error) {
	img := sim.Image{ID: p.ID, Tags: p.Tags, Layers: p.Layers, Sizes: p.Sizes, Parent: p.Parent}
	err := json.Unmarshal(p.Config, &img.Config)
	return img, err
}

// Arguments of the methods below.
type (
	StopArgs struct {
		Container string
		Grace     time.Duration
	}
	SignalArgs struct{ Container, Signal string }
	LogsArgs   struct {
		Container string
		Follow    bool
	}
	CopyInArgs struct {
		Container, Dir string
		Entries        []overlay.Entry
		Contents       string // the name of a file
	}
	CopyOutArgs         struct{ Container, Name string }
	RemoveContainerArgs struct {
		Container      string
		Force, Volumes bool
	}
)

// What a caller reads or writes goes through a fifo in the store, since the
// helper is another process. These are the fifo's near ends.

type (
	PipeArgs   struct{ Write bool } // is it the caller who writes?
	LoadArgs   struct{ Pipe string }
	ImportArgs struct {
		Pipe   string
		Import []byte // JSON: gob leaves out what points to zero
	}
	SaveArgs struct {
		Pipe string
		Refs []string
	}
)

type ReadArgs struct {
	Name string
	Off  int64
	N    int
}

const DistantMost = 1 << 20
