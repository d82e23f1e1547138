package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/kernel"
	"twinlayer/sim/userland"
)

// Model is the modelled engine. What it is like is all in its [State]; an
// operation is a pure transition from one State to the next, which it records
// as [Step]s.
type Model struct {
	Lacking
	cfg ModelConfig

	mu    sync.Mutex
	state State
	steps []Step
	now   time.Time
}

// ModelConfig is what the model takes from the world outside.
type ModelConfig struct {
	Facts    kernel.Facts
	Registry Registry
	// Programs tells what an executable with this content does; nil where
	// the model cannot know. Only programs it knows can run in the model.
	Programs func(content *fs.Data) Program
	// IDs is how many user ids containers know, from 0 on; 0: all. The model
	// does as the real engine does, so that both fail alike.
	IDs uint32
}

// Program is what an executable does when it is run as a process.
type Program func(context.Context, *userland.Process) int

var _ Engine = (*Model)(nil)

// NewModel is a model whose machine is up, with no images. Steps has the
// steps of the boot.
func NewModel(cfg ModelConfig) *Model {
	m := &Model{cfg: cfg, state: State{Machine: kernel.New(cfg.Facts)}}
	for {
		machine, event, ok := m.state.Machine.Boot()
		if !ok {
			return m
		}
		m.state.Machine = machine
		m.steps = append(m.steps, Step{event, m.state})
	}
}

// At sets the time at which the next operations happen.
func (m *Model) At(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// State is the state now.
func (m *Model) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Steps are the steps since the last call.
func (m *Model) Steps() []Step {
	m.mu.Lock()
	defer m.mu.Unlock()
	steps := m.steps
	m.steps = nil
	return steps
}

// NameOf is the name of the container id; "" if there is none any more.
func (m *Model) NameOf(id string) string {
	if c, err := m.State().container(id); err == nil {
		return c.Name
	}
	return ""
}

// transition is an operation under way: the state so far and the steps that
// led to it.
type transition struct {
	*ModelConfig
	mu    sync.Mutex // programs of one pipeline run at the same time
	state State
	steps []Step
	now   time.Time
}

// step records what was done.
func (t *transition) step(op, path, why string, args ...any) {
	t.steps = append(t.steps, Step{fs.Event{Op: op, Path: path, Why: fmt.Sprintf(why, args...)}, t.state})
}

// do runs an operation. What it did before it was refused stays done.
func (m *Model) do(op func(*transition) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &transition{ModelConfig: &m.cfg, state: m.state, now: m.now}
	err := op(t)
	m.state = t.state
	m.steps = append(m.steps, t.steps...)
	return err
}

// Name is "model".
func (m *Model) Name() string { return "model" }

// Info tells of the modelled kernel.
func (m *Model) Info(context.Context) (Info, error) {
	return Info{Engine: "model", IDs: m.cfg.IDs}, nil
}

// Close frees nothing: a value needs no closing.
func (m *Model) Close() error { return nil }

// Pull takes an image from the registry.
func (m *Model) Pull(ctx context.Context, ref string) (Pulled, error) {
	familiar, err := Familiar(ref)
	if err != nil {
		return Pulled{}, err
	}
	host, repository, version, err := SplitRef(ref)
	if err != nil {
		return Pulled{}, err
	}
	if host != "" {
		return Pulled{}, &Unknown{"the image is on the registry " + host + ", and the model has no network"}
	}
	artifact, err := m.cfg.Registry.Resolve(ctx, repository, version)
	if err != nil {
		return Pulled{}, err
	}
	var p Pulled
	err = m.do(func(t *transition) error {
		p, err = t.pull(familiar, artifact)
		return err
	})
	return p, err
}

func (t *transition) pull(ref string, a *Artifact) (Pulled, error) {
	img, err := newImage(a)
	if err != nil {
		return Pulled{}, err
	}
	p := Pulled{Ref: ref, Digest: digest.FromBytes(a.Manifest)}
	old, err := FindImage(t.state.Images(), ref)
	p.UpToDate = err == nil && old.ID == img.ID
	if p.UpToDate {
		t.step("pull", "/", "%s is here already: its digest is the same", ref)
		return p, nil
	}
	t.step("pull", "/", "the manifest of %s names its configuration and %d layer(s) by digest", ref, len(a.Layers))
	for i, blob := range a.Layers {
		layer, err := t.pullLayer(blob, img.Layers[i])
		if err != nil {
			return p, err
		}
		p.Layers = append(p.Layers, layer)
	}
	t.keep(img)
	t.state = t.state.tag(ref, img.ID)
	t.step("tag", "/", "%s names image %s now", ref, Short(img.ID))
	return p, nil
}

func (t *transition) pullLayer(blob Blob, diffID digest.Digest) (PulledLayer, error) {
	p := PulledLayer{Digest: blob.Descriptor.Digest}
	if _, p.Exists = t.state.layers[diffID]; p.Exists {
		t.step("layer", "/", "layer %s is here already and is shared", Short(diffID))
		return p, nil
	}
	tree, err := blob.Tree()
	if err != nil {
		return p, err
	}
	t.state = t.state.withLayer(diffID, tree)
	t.step("layer", "/", "layer %s is unpacked: a read-only tree of files", Short(diffID))
	return p, nil
}

// newImage reads an artifact's configuration.
func newImage(a *Artifact) (Image, error) {
	var config dockerspec.DockerOCIImage
	if err := json.Unmarshal(a.Config, &config); err != nil {
		return Image{}, fmt.Errorf("reading image configuration: %w", err)
	}
	return Image{ID: digest.FromBytes(a.Config), Layers: config.RootFS.DiffIDs, Config: config}, nil
}

// keep adds an image whose layers are all there.
func (t *transition) keep(img Image) {
	full := image{Image: img}
	var trees []*fs.Tree
	for i, diffID := range img.Layers {
		tree := t.state.layers[diffID]
		trees = append(trees, tree)
		full.Sizes = append(full.Sizes, tree.Bytes())
		full.stack = append(full.stack, fs.Layer{Name: fmt.Sprintf("image layer %d", i+1), Tree: tree})
	}
	init := InitLayer(fs.Merge(trees...))
	full.stack = append(full.stack, fs.Layer{Name: "the engine's init layer", Tree: init, Aside: true})
	full.merged = fs.Merge(append(trees, init)...)
	t.state = t.state.withImage(full)
}

// Images are all images, newest first.
func (m *Model) Images(context.Context) ([]Image, error) { return m.State().Images(), nil }

// Image is the image that ref names.
func (m *Model) Image(_ context.Context, ref string) (Image, error) {
	return FindImage(m.State().Images(), ref)
}

// Tag gives an image another reference.
func (m *Model) Tag(_ context.Context, source, target string) error {
	familiar, err := Familiar(target)
	if err != nil {
		return err
	}
	return m.do(func(t *transition) error {
		img, err := FindImage(t.state.Images(), source)
		if err != nil {
			return err
		}
		t.state = t.state.tag(familiar, img.ID)
		t.step("tag", "/", "%s names image %s now; no layer was copied", familiar, Short(img.ID))
		return nil
	})
}

// RemoveImage removes a reference, and with the last one the image.
func (m *Model) RemoveImage(_ context.Context, ref string, force bool) (r Removed, err error) {
	err = m.do(func(t *transition) error {
		r, err = Removal(t.state.Images(), t.state.Containers(), ref, force)
		if err != nil {
			return err
		}
		t.removeImage(ref, r)
		return nil
	})
	return r, err
}

func (t *transition) removeImage(ref string, r Removed) {
	img, _ := FindImage(t.state.Images(), ref)
	for _, tag := range r.Untagged {
		t.state = t.state.untag(t.state.images[img.ID], tag)
		t.step("untag", "/", "%s names no image any more", tag)
	}
	if len(r.Deleted) == 0 {
		return
	}
	t.state = t.state.withoutImage(img.ID).withoutUnusedLayers()
	t.step("delete", "/", "no reference is left to image %s: it goes, with the layers that no other image shares", Short(img.ID))
}

// withoutUnusedLayers is the state with only the layers that images stand on.
func (s State) withoutUnusedLayers() State {
	used := map[digest.Digest]bool{}
	for _, img := range s.images {
		for _, l := range img.Layers {
			used[l] = true
		}
	}
	s.layers = maps.Clone(s.layers)
	maps.DeleteFunc(s.layers, func(d digest.Digest, _ *fs.Tree) bool { return !used[d] })
	return s
}

// Containers are all containers, newest first.
func (m *Model) Containers(context.Context) ([]Container, error) { return m.State().Containers(), nil }

// Create makes a container.
func (m *Model) Create(_ context.Context, spec Spec) (out Container, err error) {
	err = m.do(func(t *transition) error {
		out, err = t.create(spec)
		return err
	})
	return out, err
}

func (t *transition) create(spec Spec) (Container, error) {
	found, err := FindImage(t.state.Images(), spec.Image)
	if err != nil {
		return Container{}, err
	}
	img := t.state.images[found.ID]
	argv, err := Plan(img.Config.Config, spec, t.state.Containers())
	if err != nil {
		return Container{}, err
	}
	c := container{
		Container: Container{Spec: spec, ImageID: img.ID, Path: argv, Status: Created},
		process:   spec.process(argv, img.Config.Config),
	}
	root := fs.NewUnion(img.stack, img.merged, fs.NewUpper(img.merged, t.tick().UnixNano()))
	c.mounts = fs.NewMounts(fs.Mount{Source: "overlay", Target: "/", Type: "overlay", FS: root})
	t.state = t.state.with(c)
	t.step("create", "/", "container %s gets a layer of its own, empty and writable, on the %d read-only layer(s) of %s", spec.Name, len(img.Layers), spec.Image)
	return c.Container, nil
}

// RemoveContainer removes a container and its layer.
func (m *Model) RemoveContainer(_ context.Context, key string, o Removing) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if c.Status == Running && !o.Force {
			return StillRunning(c.Container)
		}
		t.stop(c, 137)
		t.remove(c)
		return nil
	})
}

func (t *transition) remove(c container) {
	t.state = t.state.without(c.ID)
	t.step("remove", "/", "the container layer of %s goes, and all changes with it; its image is untouched", c.Name)
}

// Changes are what docker diff lists.
func (m *Model) Changes(_ context.Context, key string) ([]fs.Change, error) {
	c, err := m.State().container(key)
	if err != nil {
		return nil, err
	}
	return c.root().Changes(), nil
}

// Layer is the container's writable layer.
func (m *Model) Layer(_ context.Context, key string) (*fs.Tree, error) {
	c, err := m.State().container(key)
	if err != nil {
		return nil, err
	}
	return c.root().Upper(), nil
}

// Paths completes a path in a container: the entries of its directory that
// begin with its last part.
func (m *Model) Paths(key, prefix string) []string {
	st := m.State()
	c, sh, err := st.shell(key)
	if err != nil {
		return nil
	}
	full := prefix
	if !path.IsAbs(full) {
		full = sh.Dir() + "/" + full
	}
	dir, base := path.Split(full)
	sys := &fs.Sys{Mounts: c.mounts.Snapshot(), Clock: time.Now}
	return matching(sys, prefix[:len(prefix)-len(base)], dir, base)
}

func matching(sys *fs.Sys, typed, dir, base string) []string {
	f, err := sys.FS().Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil
	}
	var out []string
	for _, info := range infos {
		if len(info.Name()) >= len(base) && info.Name()[:len(base)] == base {
			name := typed + info.Name()
			if info.IsDir() {
				name += "/"
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Dir is the directory that a waiting shell is in.
func (m *Model) Dir(key string) string {
	if _, sh, err := m.State().shell(key); err == nil {
		return sh.Dir()
	}
	return "/"
}
