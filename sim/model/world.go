package model

import (
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim"
)

var _ sim.Snapshot = State{}

// World is what there is: the images that have a name, and the containers.
func (s State) World() sim.World {
	w := sim.World{Focus: s.focus}
	for _, img := range s.Images() {
		w.Images = append(w.Images, sim.ImageNow{Image: img, Trees: func() ([]*fs.Tree, error) { return s.trees(img.Layers) }})
	}
	processes := s.processes()
	for _, c := range s.containers.all.Backward() {
		w.Containers = append(w.Containers, c.now(processes[c.ID]))
	}
	return w
}

// processes are those of each container.
func (s State) processes() map[string][]sim.ProcessNow {
	all := map[string][]sim.ProcessNow{}
	for _, p := range s.Machine.Processes() {
		if p.Container != "" {
			all[p.Container] = append(all[p.Container], sim.ProcessNow{PID: p.PID, Inner: p.InnerPID, Cmd: strings.Join(p.Args, " ")})
		}
	}
	return all
}

// trees are what layers hold, as far as the state has it itself.
func (s State) trees(diffIDs []digest.Digest) (all []*fs.Tree, err error) {
	for _, id := range diffIDs {
		tree := s.layer(id).Tree
		if tree == nil {
			return nil, fmt.Errorf("layer %s is not in the state", sim.Short(id))
		}
		all = append(all, tree)
	}
	return all, nil
}

func (c container) now(processes []sim.ProcessNow) sim.ContainerNow {
	root := c.root()
	now := sim.ContainerNow{Container: c.Container, Processes: processes, Upper: root.Upper()}
	var lower []*fs.Tree
	for _, l := range root.Layers() {
		if l.Aside {
			now.Init = l.Tree
		} else {
			lower = append(lower, l.Tree)
		}
	}
	now.Image.Trees = func() ([]*fs.Tree, error) { return lower, nil }
	if c.image != nil {
		now.Image.Image = c.image.Image
	}
	if c.Status == sim.Running {
		now.Namespaces = namespaces(c.ns)
	}
	return now
}

func namespaces(ns kernel.Namespaces) map[string]uint64 {
	return map[string]uint64{"user": ns.User, "mnt": ns.Mnt, "pid": ns.PID, "uts": ns.UTS, "ipc": ns.IPC, "net": ns.Net}
}
