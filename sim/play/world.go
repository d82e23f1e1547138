package play

import (
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim"
)

// World is one side as it is at one moment. A layer is in it once, however many
// stand on it.
type World struct {
	Focus      string      `json:"focus"` // the id of the container that changed last; "": none
	Images     []Image     `json:"images"`
	Containers []Container `json:"containers"` // newest first
	Layers     []Layer     `json:"layers"`
	PageCache  []Cached    `json:"page_cache"`
	Machine    Hosted      `json:"machine"`
}

// Image is an image; of a real engine one that has a name.
type Image struct {
	ID     string   `json:"id"`
	Tags   []string `json:"tags"`
	Layers []string `json:"layers"` // their ids, bottom first
	Made   []Made   `json:"made"`   // its history, oldest first
	Wasted int64    `json:"wasted"` // bytes of its files that its own later layers delete or replace
}

// Made is an instruction that an image was made by.
type Made struct {
	Says  Phrase `json:"phrase"` // as a Dockerfile has it
	Layer string `json:"layer"`  // the id of what it made; "": no layer
}

// Hosted is the machine that containers run on, as far as it is seen; of a real
// one nothing is.
type Hosted struct {
	Kernel    string       `json:"kernel"` // its release
	Phase     kernel.Phase `json:"phase"`  // how far it has come up
	Mounts    []Mount      `json:"mounts"`
	Processes []Process    `json:"processes"` // of no container
}

// Container is a container and what can be seen of it from outside.
type Container struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Image      string            `json:"image"`    // as it was asked for
	ImageID    string            `json:"image_id"` // of that
	Status     sim.Status        `json:"status"`
	Exit       int               `json:"exit"`
	Layers     []string          `json:"layers"` // their ids, bottom first; the last is its own
	Mounts     []Mount           `json:"mounts"`
	Processes  []Process         `json:"processes"`
	Namespaces map[string]uint64 `json:"namespaces"` // their inode numbers; of one that runs
}

// Mount is what a container sees at a place: its layers at the root, and what
// was asked for elsewhere. The kernel's own, such as /proc, are everywhere and
// not told.
type Mount struct {
	Type     string `json:"type"` // "overlay", "bind", "volume", "tmpfs"
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"read_only"`
}

// Process is a process of a container.
type Process struct {
	PID   int    `json:"pid"`             // as the host numbers it
	Inner int    `json:"inner,omitempty"` // as its own pid namespace does, where that is seen
	Cmd   string `json:"cmd"`
}

// Cached is a program file in the page cache: in memory once, however many
// processes run it. Only the model shows it.
type Cached struct {
	ID    string `json:"id"`    // its layer and its path
	Layer string `json:"layer"` // the id of the layer that has it, or the name of a volume
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	PIDs  []int  `json:"pids"` // of the processes that run it
}

// LayerKind is what a layer is there for.
type LayerKind string

// The kinds of layers.
const (
	OfImage     LayerKind = "image"
	OfEngine    LayerKind = "init" // between an image's and a container's: mount points that the image may lack
	OfContainer LayerKind = "container"
)

// Layer is a layer, and the entries of it that matter: what changed in a
// container, what hides something or is hidden, and what is looked at.
type Layer struct {
	ID       string    `json:"id"` // an image layer's diffID; a container's id
	Kind     LayerKind `json:"kind"`
	Bytes    int64     `json:"bytes"`
	Paths    int       `json:"paths"`
	Writable bool      `json:"writable"`
	SharedBy []string  `json:"shared_by"` // the images and the containers that stand on it
	Entries  []Entry   `json:"entries"`
	More     int       `json:"more,omitempty"` // so many entries that matter are left out
}

// EntryKind is what stands at a path of a layer.
type EntryKind string

// The kinds of entries.
const (
	File      EntryKind = "file"
	Directory EntryKind = "directory"
	Symlink   EntryKind = "symlink"
	Whiteout  EntryKind = "whiteout" // hides what is below it
	Opaque    EntryKind = "opaque"   // a directory that hides all below it
	Special   EntryKind = "special"  // a device, a fifo or a socket
)

// Entry is a path of a layer.
type Entry struct {
	Path     string    `json:"path"`
	Kind     EntryKind `json:"kind"`
	Size     int64     `json:"size"`
	Mode     uint32    `json:"mode"` // its permission bits
	Target   string    `json:"target,omitempty"`
	From     string    `json:"from,omitempty"`      // the topmost layer below that has the path: it was copied up from there, or replaces that
	Hides    []string  `json:"hides,omitempty"`     // the layers below in which it hides something
	HiddenBy []string  `json:"hidden_by,omitempty"` // the layers above that hide it
}

// entriesMost is how many entries of a layer are told.
const entriesMost = 200

func entryOf(name string, n *fs.Node) Entry {
	e := Entry{Path: name, Kind: kindOf(n), Mode: n.Mode & 0o7777, Target: n.Target}
	if e.Kind == File {
		e.Size = n.Size()
	}
	return e
}

func kindOf(n *fs.Node) EntryKind {
	switch {
	case n.IsWhiteout():
		return Whiteout
	case n.IsDir() && n.Opaque:
		return Opaque
	case n.IsDir():
		return Directory
	case n.Type() == fs.S_IFLNK:
		return Symlink
	case n.IsRegular():
		return File
	}
	return Special
}

// Stack is a container's layers, bottom first; nil where there is no such
// container.
func (w World) Stack(id string) []Layer {
	i := slices.IndexFunc(w.Containers, func(c Container) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	var out []Layer
	for _, layer := range w.Containers[i].Layers {
		k := slices.IndexFunc(w.Layers, func(l Layer) bool { return l.ID == layer })
		out = append(out, w.Layers[k])
	}
	return out
}

func mountsOf(k sim.Container) []Mount {
	out := []Mount{{Type: "overlay", Source: "overlay", Target: "/", ReadOnly: k.ReadOnly}}
	for _, m := range k.Mounts {
		out = append(out, Mount{string(m.Type), m.Source, m.Target, m.ReadOnly})
	}
	return out
}

func hosted(m sim.MachineNow) Hosted {
	out := Hosted{Kernel: m.Kernel, Phase: m.Phase, Mounts: []Mount{}, Processes: processesOf(m.Processes)}
	for _, mount := range m.Mounts {
		out.Mounts = append(out.Mounts, Mount{Type: mount.Type, Source: mount.Source, Target: mount.Target})
	}
	return out
}

// madeBy is an image's history with the layers that it made.
func madeBy(img sim.Image) []Made {
	out := []Made{}
	n := 0
	for _, h := range img.Config.History {
		text, _ := sim.Instruction(h.CreatedBy, h.Comment)
		made := Made{Says: text}
		if !h.EmptyLayer && n < len(img.Layers) {
			made.Layer = img.Layers[n].String()
			n++
		}
		out = append(out, made)
	}
	for ; n < len(img.Layers); n++ {
		out = append(out, Made{sim.Unrecorded, img.Layers[n].String()})
	}
	return out
}

func processesOf(all []sim.ProcessNow) []Process {
	out := []Process{}
	for _, p := range all {
		out = append(out, Process(p))
	}
	return out
}

func cachedOf(all []sim.CachedNow) []Cached {
	out := []Cached{}
	for _, f := range all {
		out = append(out, Cached{f.Layer + ":" + f.Path, f.Layer, f.Path, f.Bytes, f.PIDs})
	}
	slices.SortFunc(out, func(a, b Cached) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// below says whether name is dir, or lies in it.
func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
