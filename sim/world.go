package sim

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/kernel"
)

// World is what there is in a world at one moment, as values of which a picture
// can be drawn. The model has it of every step ([Snapshot]); of a real engine
// there is only the present ([Observe]).
type World struct {
	Focus      string // the id of the container that changed last; "": none
	Images     []ImageNow
	Containers []ContainerNow // newest first
	PageCache  []CachedNow    // of the programs that run; engines do not show it
	Machine    MachineNow
}

// MachineNow is the machine that the containers run on, as far as it is seen:
// of a real one nothing is.
type MachineNow struct {
	Kernel    string       // its release, as uname -r prints it
	Phase     kernel.Phase // how far it has come up
	Mounts    []HostMount  // its own, in the order of mounting
	Processes []ProcessNow // its own, and no container's
}

// HostMount is a mount of the machine's own.
type HostMount struct{ Source, Target, Type string }

// ImageNow is an image, and what its layers hold, bottom first.
type ImageNow struct {
	Image
	Trees func() ([]*fs.Tree, error)
}

// ContainerNow is a container, and what can be seen of it.
type ContainerNow struct {
	Container
	Image      ImageNow // that it was made from, also where that has no name any more
	Init       *fs.Tree // the engine's own layer between its image's and its own; nil: that is not seen
	Upper      *fs.Tree // its own, the writable one
	Processes  []ProcessNow
	Namespaces map[string]uint64 // "mnt", "pid", …: their inode numbers, where it runs and they can be seen
}

// ProcessNow is a process of a container.
type ProcessNow struct {
	PID   int    // as the host numbers it
	Inner int    // as its own pid namespace does; 0: that is not seen
	Cmd   string // its arguments, with blanks between them
}

// CachedNow is a program file that is in memory once, however many processes
// run it.
type CachedNow struct {
	// Layer is the id of the layer that has it: of an image its diffID, the
	// container's own id; or the name of a volume.
	Layer string
	Path  string // in the container of the first
	Bytes int64
	PIDs  []int // of the processes, on the host
}

// Observe asks an engine for what there is. What it cannot show stays empty.
func Observe(ctx context.Context, e Engine) (w World, err error) {
	images, err := e.Images(ctx)
	if err != nil {
		return w, err
	}
	byID := map[digest.Digest]ImageNow{}
	for _, img := range images {
		ref := img.ID.String()
		byID[img.ID] = ImageNow{img, func() ([]*fs.Tree, error) { return e.Layers(ctx, ref) }}
		if len(img.Tags) > 0 {
			w.Images = append(w.Images, byID[img.ID])
		}
	}
	all, err := e.Containers(ctx)
	if err != nil {
		return w, err
	}
	for _, k := range all {
		now, err := observe(ctx, e, k)
		if err != nil {
			return w, err
		}
		var known bool
		if now.Image, known = byID[k.ImageID]; !known {
			now.Image.Trees = func() ([]*fs.Tree, error) { return nil, nil } // the image is gone, and the layers are not told
		}
		w.Containers = append(w.Containers, now)
	}
	return w, nil
}

// observe asks for one container.
func observe(ctx context.Context, e Engine, k Container) (now ContainerNow, err error) {
	now.Container = k
	if now.Upper, err = e.Layer(ctx, k.ID); err != nil || k.Status != Running {
		return now, err
	}
	if top, err := e.Top(ctx, k.ID); err == nil { // else it has ended meanwhile
		now.Processes = processesIn(top)
	}
	if seen, err := e.Evidence(ctx, k.ID); err == nil {
		now.Namespaces = namespacesIn(seen)
	}
	return now, nil
}

// processesIn are the processes of a table as ps prints it.
func processesIn(table [][]string) (all []ProcessNow) {
	if len(table) == 0 {
		return nil
	}
	column := map[string]int{}
	for i, name := range table[0] {
		column[name] = i
	}
	for _, row := range table[1:] {
		if len(row) != len(table[0]) {
			continue
		}
		pid, _ := strconv.Atoi(row[column["PID"]])
		all = append(all, ProcessNow{PID: pid, Cmd: row[len(row)-1]})
	}
	return all
}

// nsLink is what the links of /proc/PID/ns hold (namespaces(7)).
var nsLink = regexp.MustCompile(`\b(user|mnt|pid|uts|ipc|net|cgroup):\[([0-9]+)\]`)

// namespacesIn are the namespaces that were seen of a container's process.
func namespacesIn(seen []Evidence) map[string]uint64 {
	out := map[string]uint64{}
	for _, e := range seen {
		if !strings.Contains(e.Again, "/ns") || strings.Contains(e.Again, "/proc/self/") {
			continue
		}
		for _, m := range nsLink.FindAllStringSubmatch(e.Shown, -1) {
			out[m[1]], _ = strconv.ParseUint(m[2], 10, 64)
		}
	}
	return out
}
