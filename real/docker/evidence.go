package docker

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Evidence is what the engine and the kernel show of a container.
func (e *Engine) Evidence(ctx context.Context, key string) ([]sim.Evidence, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return nil, err
	}
	now, err := e.client.ContainerInspect(ctx, c.engine, client.ContainerInspectOptions{})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	k, inspect := now.Container, e.Name()+" inspect "+sim.Short(c.engine)
	name := strings.TrimPrefix(k.Name, "/")
	out := []sim.Evidence{
		{What: sayEngine, Shown: fmt.Sprintf("%s %s, API %s, at %s", e.cfg.Title(), e.info.ServerVersion, e.client.ClientVersion(), e.cfg.Host), Again: e.Name() + " version"},
		{What: sayID, Shown: c.engine, Again: e.Name() + " ps -a --no-trunc --filter name=" + name},
		{What: sayName, Shown: name, Again: inspect},
		{What: sayImage, Shown: e.reference(c.image), Again: inspect},
		{What: sayDriver, Shown: e.info.Driver, Again: e.Name() + " info --format '{{.Driver}}'"},
		{What: sayRuntime, Shown: runtimeOf(k, e.info.DefaultRuntime), Again: inspect + " --format '{{.HostConfig.Runtime}}'"},
	}
	return slices.Concat(out, driverFacts(k, inspect), e.storeFacts(c.image), processFacts(k, inspect)), nil
}

func runtimeOf(k container.InspectResponse, usual string) string {
	if k.HostConfig != nil && k.HostConfig.Runtime != "" {
		return k.HostConfig.Runtime
	}
	return usual
}

// driverFacts are where overlayfs has the layers.
func driverFacts(k container.InspectResponse, inspect string) (out []sim.Evidence) {
	if k.GraphDriver == nil {
		return nil
	}
	for _, fact := range []struct {
		key  string
		what say.Phrase
	}{
		{"LowerDir", sayLowerDirs}, {"UpperDir", sayOwnUpper}, {"WorkDir", sayWorkDir}, {"MergedDir", sayMerged},
	} {
		if dir := k.GraphDriver.Data[fact.key]; dir != "" {
			out = append(out, sim.Evidence{What: fact.what, Shown: dir, Again: inspect + " --format '{{.GraphDriver.Data." + fact.key + "}}'"})
		}
	}
	return out
}

// storeFacts are where containerd has the image's manifest and layers.
func (e *Engine) storeFacts(img image) (out []sim.Evidence) {
	for _, dir := range e.stores() {
		m, err := dir.manifest(img.engine)
		if err != nil {
			continue
		}
		out = append(out, sim.Evidence{What: sayManifest, Shown: dir.path(img.engine), Again: "cat " + dir.path(img.engine)})
		for i, l := range m.Layers {
			out = append(out, sim.Evidence{What: sayCompressedLayer(i + 1), Shown: dir.path(l.Digest), Again: "sha256sum " + dir.path(l.Digest)})
		}
		break
	}
	return out
}

// processFacts are its process's id and namespaces, as this machine sees them.
func processFacts(k container.InspectResponse, inspect string) (out []sim.Evidence) {
	if k.State == nil || k.State.Pid == 0 {
		return nil
	}
	pid := k.State.Pid
	out = append(out, sim.Evidence{What: sayProcess, Shown: fmt.Sprint(pid), Again: inspect + " --format '{{.State.Pid}}'"})
	if root := rootMount(pid); root != "" {
		out = append(out, sim.Evidence{What: sayRootMount, Shown: root, Again: fmt.Sprintf("grep ' / / ' /proc/%d/mountinfo", pid)})
	}
	for _, ns := range []string{"mnt", "pid", "uts", "ipc", "net", "user", "cgroup"} {
		link := fmt.Sprintf("/proc/%d/ns/%s", pid, ns)
		if shown, err := os.Readlink(link); err == nil {
			out = append(out, sim.Evidence{What: sayNamespace(ns), Shown: shown, Again: "readlink " + link})
		}
	}
	return out
}

// rootMount is the line of a process's root in the kernel's list of mounts
// (proc_pid_mountinfo(5)); "" where that cannot be read.
func rootMount(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 4 && f[3] == "/" && f[4] == "/" {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
