package model

import (
	"cmp"
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
	w := sim.World{Focus: s.focus, Machine: machineNow(s.Machine)}
	for _, img := range s.Images() {
		w.Images = append(w.Images, sim.ImageNow{Image: img, Trees: func() ([]*fs.Tree, error) { return s.trees(img.Layers) }})
	}
	processes := s.processes()
	for _, c := range s.containers.all.Backward() {
		w.Containers = append(w.Containers, c.now(processes[c.ID]))
	}
	w.PageCache = s.pageCache()
	return w
}

// pageCache is the machine's, with the layers by their ids.
func (s State) pageCache() (all []sim.CachedNow) {
	ids := map[*fs.Tree]string{}
	for c := range s.containers.running.Values() {
		for i, tree := range c.lower() {
			if c.image != nil && i < len(c.image.Layers) {
				ids[tree] = c.image.Layers[i].String()
			}
		}
	}
	for _, f := range s.Machine.PageCache() {
		layer := cmp.Or(ids[f.Layer], f.Source, f.Container)
		all = append(all, sim.CachedNow{Layer: layer, Path: f.Path, Bytes: f.Bytes, PIDs: f.PIDs})
	}
	return all
}

// lower are the layers of its image, bottom first.
func (c container) lower() (trees []*fs.Tree) {
	for _, l := range c.root().Layers() {
		if !l.Aside {
			trees = append(trees, l.Tree)
		}
	}
	return trees
}

func machineNow(m kernel.Machine) sim.MachineNow {
	now := sim.MachineNow{Kernel: m.Release, Phase: m.Phase}
	for _, mount := range m.Mounts {
		now.Mounts = append(now.Mounts, sim.HostMount(mount))
	}
	for _, p := range m.Processes() {
		if p.Container == "" {
			now.Processes = append(now.Processes, sim.ProcessNow{PID: p.PID, Inner: p.InnerPID, Cmd: strings.Join(p.Args, " ")})
		}
	}
	return now
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
	for _, l := range root.Layers() {
		if l.Aside {
			now.Init = l.Tree
		}
	}
	now.Image.Trees = func() ([]*fs.Tree, error) { return c.lower(), nil }
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
