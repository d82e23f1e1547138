//go:build linux

package helper

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/embedded/runtime"
	"twinlayer/sim"
)

// container is a container of this session. Its directory holds its own
// writable layer, upper; work, overlayfs's workshop; what its own process
// printed, stdout and stderr; and the files that it sees as /etc/hosts and so
// on.
type container struct {
	info   sim.Container // h.mu guards it
	image  *image        // that it was made from
	config dockerspec.DockerOCIImageConfig
	layers []string // directories of the image's layers, top first
	init   string   // the directory of the layer between them and its own
	dir    string

	release func()     // the layers may go
	held    []*os.File // of volumes

	starting sync.Mutex      // held while it is started, or removed, or kept from that
	run      *containerRun   // the last one
	shared   []string        // the layers' trees that have hard links to files of upper
	limits   *runtime.Limits // of the last run; nil: none
	logs     logs
	gone     sync.Once
}

func (c *container) path(sub string) string { return filepath.Join(c.dir, sub) }

// lower are the layers that the container's own one lies on, as absolute
// paths, top first.
func (c *container) lower() []string {
	return append([]string{c.init}, c.layers...)
}

func (h *helper) create(ctx context.Context, spec sim.Spec) (sim.Container, error) {
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
	if err := h.makeVolumes(ctx, c); err != nil {
		h.removeVolumes(h.forget(c))
		return sim.Container{}, fmt.Errorf("making the volumes of container %s: %w", spec.Name, h.store.Explain(err))
	}
	if err := h.makeDir(c); err != nil {
		h.removeVolumes(h.forget(c))
		return sim.Container{}, err
	}
	h.tell(c)
	return h.status(c), nil
}

// makeDir makes a container's working directory where its image lacks it, as
// docker does before the container is started.
func (h *helper) makeDir(c *container) error {
	dir := path.Clean("/" + cmp.Or(c.info.Dir, c.config.WorkingDir))
	if dir == "/" || overlay.Root(c.lower()).HasDir(dir) {
		return nil
	}
	c.starting.Lock()
	defer c.starting.Unlock()
	if err := c.prepare(); err != nil {
		return err
	}
	return refused(runtime.View{Root: h.root(c)}.Within(func() error { return runtime.MakeDir(dir) }), sim.StartFailed)
}

// register checks what spec asks for and reserves its name.
func (h *helper) register(spec sim.Spec) (*container, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.baseImage(spec.Image)
	if err != nil {
		return nil, err
	}
	argv, err := sim.Plan(img.Config.Config, spec, sim.Holder(h.values(), spec.Name))
	if err != nil {
		return nil, err
	}
	spec.Mounts = sim.Mounts(img.Config.Config, spec)
	release, err := h.store.Hold(img.Layers...)
	if err != nil {
		return nil, err
	}
	c := &container{
		release: release,
		info:    sim.Container{Spec: &spec, ImageID: img.ID, Path: argv, Status: sim.Created},
		image:   img,
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
	c.logs.dir = c.dir
	for _, sub := range []string{"upper", "work"} {
		if err := os.Mkdir(c.path(sub), 0o755); err != nil {
			return err
		}
	}
	root := overlay.Root(c.layers)
	if c.init, err = h.store.InitLayer(root); err != nil {
		return fmt.Errorf("its mount points: %w", err)
	}
	if err := overlay.CopyAttributes(append(root, c.init)[0], c.path("upper")); err != nil {
		return err
	}
	// Docker makes the root directory with the container, whatever time the
	// image has for it.
	if err := os.Chtimes(c.path("upper"), c.info.Created, c.info.Created); err != nil {
		return err
	}
	return c.writeFiles()
}

// writeFiles writes the files that the engine gives every container. They are
// as old as the container in every world, so that programs see no difference.
func (c *container) writeFiles() error {
	for name, text := range sim.EtcFiles(c.info.Host()) {
		if own, err := os.ReadFile(name); err == nil && c.info.Network == sim.HostNetwork && name != "/etc/hostname" {
			text = string(own)
		}
		err := os.WriteFile(c.etc(name), []byte(text), 0o644)
		if err = errors.Join(err, os.Chtimes(c.etc(name), c.info.Created, c.info.Created)); err != nil {
			return err
		}
	}
	return nil
}

// etc is where a file that the engine gives the container stands.
func (c *container) etc(name string) string { return c.path(filepath.Base(name)) }

// root is the overlay mount of the container.
func (h *helper) root(c *container) runtime.Root {
	return runtime.Root{
		Dir: h.store.Dir(), Lower: h.relative(c.lower()...),
		Upper: h.relative(c.path("upper"))[0], Work: h.relative(c.path("work"))[0],
		Merged: h.store.Merged(),
	}
}

// prepare makes the container's directories ready to be mounted. A volatile
// mount leaves a mark in overlayfs's work directory that forbids another one
// (kernel document, "Volatile mount").
func (c *container) prepare() error {
	if err := c.part(); err != nil {
		return err
	}
	left, err := os.ReadDir(c.path("work"))
	if err != nil || len(left) == 0 {
		return err
	}
	if err := overlay.RemoveAll(c.path("work")); err != nil {
		return err
	}
	return os.Mkdir(c.path("work"), 0o755)
}

// part gives the container files of its own again, where a commit let a layer
// have links to them; c.starting must be held.
func (c *container) part() error {
	if len(c.shared) == 0 {
		return nil
	}
	if err := overlay.Unshare(c.path("upper"), c.path("own")); err != nil {
		return err
	}
	c.shared = nil
	return nil
}

// partBelow does it for the containers whose files are in the layers below c:
// its processes would see that these files have one more name.
func (h *helper) partBelow(c *container) error {
	for _, other := range h.all() {
		if other == c {
			continue
		}
		other.starting.Lock()
		err := error(nil)
		if slices.ContainsFunc(other.shared, func(tree string) bool { return slices.Contains(c.layers, tree) }) {
			err = other.part()
		}
		other.starting.Unlock()
		if err != nil {
			return fmt.Errorf("parting container %s from the image made of it: %w", other.info.Name, h.store.Explain(err))
		}
	}
	return nil
}

func (h *helper) listContainers(context.Context, rpc.None) ([]sim.Container, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.values(), nil
}

func (h *helper) overview(context.Context, rpc.None) ([]sim.ContainerView, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sim.Overview(h.values()), nil
}

func (h *helper) oneContainer(_ context.Context, key string) (sim.Container, error) {
	c, err := h.find(key)
	if err != nil {
		return sim.Container{}, err
	}
	return h.status(c), nil
}

func (h *helper) removeContainer(_ context.Context, args RemoveContainerArgs) (rpc.None, error) {
	c, err := h.find(args.Container)
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
	if args.Volumes || c.info.AutoRemove {
		h.removeVolumes(c)
	}
	return true, nil
}

func (h *helper) status(c *container) sim.Container {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.info
}

// forget removes a container that does not run.
func (h *helper) forget(c *container) *container {
	h.mu.Lock()
	h.containers = slices.DeleteFunc(h.containers, func(x *container) bool { return x == c })
	h.mu.Unlock()
	c.gone.Do(func() {
		c.logs.close()
		if c.dir != "" {
			go overlay.RemoveAll(c.dir) // nobody need wait for the disk; what is left goes with the session
		}
		for _, f := range c.held {
			f.Close()
		}
		c.release()
		h.store.Unuse(c.info.ID)
	})
	return c
}

// current is the container's last run; nil before the first.
func (c *container) current() *containerRun {
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
func (h *helper) finish(c *container, r *containerRun) {
	exit := r.proc.Wait()
	if r.printed != nil {
		<-r.printed.done
	}
	c.logs.close()
	h.mu.Lock()
	c.info.Status, c.info.Exit, c.info.Finished = sim.Exited, exit, time.Now()
	remove := c.info.AutoRemove
	h.mu.Unlock()
	if c.limits != nil {
		c.limits.Remove()
	}
	h.tell(c)
	if remove {
		h.removeVolumes(h.forget(c))
	}
	close(r.ended)
}
