//go:build linux

package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"twinlayer/real/embedded/box"
	"twinlayer/real/embedded/store"
	"twinlayer/real/embedded/wire"
	"twinlayer/sim"
)

// container is a container of this session. Its directory holds
//
//	init    the layer of mount points between the image and the container
//	upper   its own writable layer
//	work    overlayfs's workshop
//	merged  where its root is mounted, in its own mount namespace
//	logs    what its own process printed
//	etc     the files that it sees as /etc/hosts and so on
type container struct {
	info   sim.Container // h.mu guards it
	config dockerspec.DockerOCIImageConfig
	layers []string // directories of the image's layers, top first
	dir    string

	release func() // the layers may go

	starting sync.Mutex // held while it is started, or removed
	run      *running   // the last one
	logs     logs
	gone     sync.Once
}

func (c *container) path(sub string) string { return filepath.Join(c.dir, sub) }

// lower are the layers that the container's own one lies on, as absolute
// paths, top first.
func (c *container) lower() []string {
	return append([]string{c.path("init")}, c.layers...)
}

func (h *helper) create(_ context.Context, spec sim.Spec) (sim.Container, error) {
	if id, err := hex.DecodeString(spec.ID); err != nil || len(id) != 32 {
		return sim.Container{}, fmt.Errorf("container id %q: want 64 hexadecimal digits", spec.ID)
	}
	c, err := h.register(spec)
	if err != nil {
		return sim.Container{}, err
	}
	if err := h.furnish(c); err != nil {
		h.forget(c)
		return sim.Container{}, fmt.Errorf("making container %s: %w", spec.Name, h.store.Explain(err))
	}
	return h.status(c), nil
}

// register checks what spec asks for and reserves its name.
func (h *helper) register(spec sim.Spec) (*container, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.baseImage(spec.Image)
	if err != nil {
		return nil, err
	}
	argv, err := sim.Plan(img.Config.Config, spec, h.values())
	if err != nil {
		return nil, err
	}
	release, err := h.store.Hold(img.Layers...)
	if err != nil {
		return nil, err
	}
	c := &container{
		release: release,
		info:    sim.Container{Spec: spec, ImageID: img.ID, Path: argv, Status: sim.Created},
		config:  img.Config.Config,
		layers:  h.layerDirs(img),
	}
	h.containers = append(h.containers, c)
	slices.SortStableFunc(h.containers, func(a, b *container) int { return b.info.Created.Compare(a.info.Created) })
	return c, nil
}

// layerDirs are the directories of an image's layers, top first. Of a layer
// that is there twice, the upper one hides all of the lower.
func (h *helper) layerDirs(img *image) (dirs []string) {
	for _, diffID := range slices.Backward(img.Layers) {
		if dir := h.store.LayerTree(diffID); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// furnish makes the container's directory.
func (h *helper) furnish(c *container) (err error) {
	if c.dir, err = h.store.Container(c.info.ID); err != nil {
		return err
	}
	c.logs.dir = c.path("logs")
	for _, sub := range []string{"init", "upper", "work", "merged", "logs", "etc"} {
		if err := os.Mkdir(c.path(sub), 0o755); err != nil {
			return err
		}
	}
	if err := store.InitLayer(c.path("init"), store.Root(c.layers)); err != nil {
		return fmt.Errorf("its mount points: %w", err)
	}
	if err := store.CopyAttributes(c.path("init"), c.path("upper")); err != nil {
		return err
	}
	return c.writeFiles()
}

// writeFiles writes the files that the engine gives every container. They are
// as old as the container in every world, so that programs see no difference.
func (c *container) writeFiles() error {
	for name, text := range sim.EtcFiles(c.info.Host()) {
		file := filepath.Join(c.path("etc"), filepath.Base(name))
		err := os.WriteFile(file, []byte(text), 0o644)
		if err = errors.Join(err, os.Chtimes(file, c.info.Created, c.info.Created)); err != nil {
			return err
		}
	}
	return nil
}

func (c *container) files() (files []box.File) {
	for name := range sim.EtcFiles("") {
		files = append(files, box.File{Source: filepath.Join(c.path("etc"), filepath.Base(name)), Target: name})
	}
	return files
}

func (h *helper) listContainers(context.Context, wire.None) ([]sim.Container, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.values(), nil
}

func (h *helper) removeContainer(_ context.Context, args removeArgs) (wire.None, error) {
	c, err := h.find(args.Name)
	if err != nil {
		return false, err
	}
	if args.Force {
		c.kill()
	}
	c.starting.Lock()
	defer c.starting.Unlock()
	if info := h.status(c); info.Status == sim.Running {
		return false, sim.StillRunning(info)
	}
	h.forget(c)
	h.dropShells(c)
	return true, nil
}

func (h *helper) status(c *container) sim.Container {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.info
}

// forget removes a container that does not run.
func (h *helper) forget(c *container) {
	h.mu.Lock()
	h.containers = slices.DeleteFunc(h.containers, func(x *container) bool { return x == c })
	h.mu.Unlock()
	c.gone.Do(func() {
		c.logs.close()
		if c.dir != "" {
			os.RemoveAll(c.dir)
		}
		c.release()
	})
}

// current is the container's last run; nil before the first.
func (c *container) current() *running {
	c.starting.Lock()
	defer c.starting.Unlock()
	return c.run
}

// kill ends the container if it runs, and waits until it is over.
func (c *container) kill() {
	if r := c.current(); r != nil {
		r.proc.Kill()
		<-r.ended
	}
}

// finish notes the end of the container's first process.
func (h *helper) finish(c *container, r *running) {
	exit := r.proc.Wait()
	if r.printed != nil {
		<-r.printed.done
	}
	h.mu.Lock()
	c.info.Status, c.info.Exit, c.info.Finished = sim.Exited, exit, time.Now()
	remove := c.info.AutoRemove
	h.mu.Unlock()
	if remove {
		h.forget(c)
	}
	close(r.ended)
}
