package docker

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/real/docker/owned"
	"twinlayer/sim"
)

// Commit lets the engine commit, which makes the layer. The engine's API
// takes neither the time nor the history's line, and it mixes the container's
// labels into the configuration, so the image is then loaded once more with
// the configuration that c asks for, on the same layers.
func (e *Engine) Commit(ctx context.Context, c sim.Commit) (sim.Image, error) {
	k, now, err := e.container(ctx, c.Container)
	if err != nil {
		return sim.Image{}, err
	}
	pause := c.Pause && now.Status == sim.Running
	if e.cfg.Podman {
		layer, err := e.podmanLayer(ctx, k, pause, c.Latest)
		if err != nil {
			return sim.Image{}, err
		}
		return e.finish(ctx, c, k, k.image, layer)
	}
	raw, drop, err := e.commit(ctx, k, pause)
	if err != nil {
		return sim.Image{}, err
	}
	defer drop()
	layer, err := e.newLayer(ctx, k, raw, c.Latest)
	if err != nil {
		return sim.Image{}, err
	}
	return e.finish(ctx, c, k, raw, layer)
}

// finish makes the image that c asks for, of a layer on those of raw.
func (e *Engine) finish(ctx context.Context, c sim.Commit, k *record, raw image, layer layer) (sim.Image, error) {
	img, blob, err := c.Image(k.image.Image, layer.sim())
	if err != nil {
		return sim.Image{}, err
	}
	return e.compose(ctx, composed{img, blob, raw, len(k.image.Layers), layer, c.Ref})
}

// commit is the engine's own, under a reference of ours; drop takes that off.
func (e *Engine) commit(ctx context.Context, k *record, pause bool) (raw image, drop func(), err error) {
	ref := e.session.Prefix() + owned.Untagged + "commit-" + strings.ToLower(rand.Text())
	made, err := e.client.ContainerCommit(ctx, k.engine, client.ContainerCommitOptions{
		Reference: ref, NoPause: !pause, Config: &container.Config{}})
	if err != nil {
		return raw, nil, e.cfg.Explain(err)
	}
	drop = func() { e.client.ImageRemove(context.WithoutCancel(ctx), ref, client.ImageRemoveOptions{}) }
	if raw, err = e.describe(ctx, whole(made.ID)); err != nil {
		drop()
	}
	return raw, drop, err
}

// layer is one more layer of an image to be made.
type layer struct {
	diffID digest.Digest // "": none
	tar    *os.File      // its content, where the engine does not have it yet
}

// newLayer is what the engine's commit put on the container's image.
func (e *Engine) newLayer(ctx context.Context, k *record, raw image, latest time.Time) (layer, error) {
	if len(raw.Layers) == len(k.image.Layers) {
		return layer{}, nil
	}
	if latest.IsZero() {
		return layer{diffID: raw.Layers[len(raw.Layers)-1]}, nil
	}
	c, err := e.content(ctx, raw.engine)
	if err != nil {
		return layer{}, err
	}
	defer c.Close()
	r, err := c.layers[len(c.layers)-1].decompressed()
	if err != nil {
		return layer{}, err
	}
	defer r.Close()
	return e.writeLayer(latest, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// podmanLayer is a container's layer without what Podman puts into it, which
// its own commit would keep. A machine on which nothing can be paused goes on
// without.
func (e *Engine) podmanLayer(ctx context.Context, k *record, pause bool, latest time.Time) (layer, error) {
	if pause {
		if _, err := e.client.ContainerPause(ctx, k.engine, client.ContainerPauseOptions{}); err == nil {
			defer e.client.ContainerUnpause(context.WithoutCancel(ctx), k.engine, client.ContainerUnpauseOptions{})
		}
	}
	tree, err := e.Layer(ctx, k.ID)
	if err != nil || tree.Empty() {
		return layer{}, err
	}
	return e.writeLayer(latest, func(w io.Writer) error { return e.dialect().WriteTar(w, tree) })
}

// writeLayer keeps a layer tar, with no time later than latest if that is
// given.
func (e *Engine) writeLayer(latest time.Time, write func(io.Writer) error) (layer, error) {
	f, err := e.spool()
	if err != nil {
		return layer{}, err
	}
	sum := digest.Canonical.Digester()
	out := io.MultiWriter(f, sum.Hash())
	if latest.IsZero() {
		err = write(out)
	} else {
		r, w := io.Pipe()
		go func() { w.CloseWithError(write(w)) }()
		err = clamp(out, r, latest)
		r.CloseWithError(err)
	}
	return layer{sum.Digest(), f}, err
}

// clamp copies a tar with no time later than latest.
func clamp(w io.Writer, r io.Reader, latest time.Time) error {
	in, out := tar.NewReader(r), tar.NewWriter(w)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return fmt.Errorf("reading the layer: %w", err)
		}
		if h.ModTime.After(latest) {
			h.ModTime = latest
		}
		if err := out.WriteHeader(h); err != nil {
			return fmt.Errorf("writing the layer: %w", err)
		}
		if _, err := io.Copy(out, in); err != nil {
			return fmt.Errorf("writing the layer: %w", err)
		}
	}
}

// sim is the layer as sim's own functions take it.
func (l layer) sim() *sim.NewLayer {
	if l.diffID == "" {
		return nil
	}
	return &sim.NewLayer{DiffID: l.diffID}
}

// composed is an image to be made of layers that the engine has.
type composed struct {
	sim.Image
	blob  []byte // its configuration
	raw   image  // an image in the engine that has the layers
	below int    // how many of them are not new
	layer layer
	ref   string
}

// compose loads an image of raw's layers with a configuration of ours.
func (e *Engine) compose(ctx context.Context, c composed) (sim.Image, error) {
	id, err := e.loadComposed(ctx, c)
	if err != nil {
		return sim.Image{}, err
	}
	e.mu.Lock()
	e.parents[c.ID] = c.Parent
	e.mu.Unlock()
	if c.ref != "" {
		familiar, err := sim.Familiar(c.ref)
		if err == nil {
			err = e.name(ctx, id, familiar)
		}
		if err != nil {
			return sim.Image{}, err
		}
	}
	return e.Image(ctx, c.ID.String())
}

func (e *Engine) loadComposed(ctx context.Context, c composed) (digest.Digest, error) {
	if e.cfg.Podman {
		if id, err := e.loadLayout(ctx, c); err == nil {
			return id, nil
		}
	}
	files, names, err := e.layerFiles(ctx, c)
	if err != nil {
		return "", err
	}
	entry := archived{Config: c.ID.Encoded() + ".json", RepoTags: []string{e.session.Mark(c.ID)}, Layers: names}
	return e.load(ctx, append(files, text(entry.Config, c.blob)), entry)
}

// layerFiles are the files of an archive's layers, by the name of each. Docker
// does not look into those that it has (moby, image/tarexport/load.go); every
// other engine wants them all.
func (e *Engine) layerFiles(ctx context.Context, c composed) (files []file, names []string, err error) {
	for _, diffID := range c.Layers {
		names = append(names, diffID.Encoded()+".tar")
	}
	if e.keepsLayers() {
		if c.layer.tar != nil {
			files = append(files, c.layer.file())
		}
		return files, names, nil
	}
	has, err := e.content(ctx, c.raw.engine)
	if err != nil {
		return nil, nil, err
	}
	defer has.Close()
	for i := range c.Layers {
		if i == c.below && c.layer.tar != nil {
			files = append(files, c.layer.file())
			continue
		}
		f, err := e.plain(has.layers[i], names[i])
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	return files, names, nil
}

// keepsLayers says whether the engine finds layers by their chain id, as
// Docker's own image store does.
func (e *Engine) keepsLayers() bool {
	return !e.cfg.Podman && !e.containerd()
}

func (l layer) file() file {
	size, _ := l.tar.Seek(0, io.SeekEnd)
	return file{l.diffID.Encoded() + ".tar", size, func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(l.tar, 0, size)), nil }}
}

// compared is a container's layer as an engine makes it that compares: there is
// none where its diff has nothing.
func (e *Engine) compared(ctx context.Context, k *record) (*fs.Tree, error) {
	list, err := e.client.ContainerDiff(ctx, k.engine, client.ContainerDiffOptions{})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	if len(list.Changes) == 0 {
		return fs.NewBuilder().Tree(), nil
	}
	return e.committed(ctx, k)
}

// committed is a container's layer as the engine commits it.
func (e *Engine) committed(ctx context.Context, k *record) (*fs.Tree, error) {
	raw, drop, err := e.commit(ctx, k, false)
	if err != nil {
		return nil, err
	}
	defer drop()
	if len(raw.Layers) == len(k.image.Layers) {
		return fs.NewBuilder().Tree(), nil
	}
	trees, err := e.layers(ctx, raw)
	if err != nil {
		return nil, err
	}
	return trees[len(trees)-1], nil
}

// Import lets the engine import a root file system, and then gives the image
// the configuration that i asks for, as [Engine.Commit] does.
func (e *Engine) Import(ctx context.Context, i sim.Import) (sim.Image, error) {
	ref := e.session.Prefix() + owned.Untagged + "import-" + strings.ToLower(rand.Text())
	result, err := e.client.ImageImport(ctx, client.ImageImportSource{Source: i.Root, SourceName: "-"}, ref, client.ImageImportOptions{Message: i.Comment})
	if err != nil {
		return sim.Image{}, e.cfg.Explain(err)
	}
	defer result.Close()
	if err := streamError(result); err != nil {
		return sim.Image{}, e.cfg.Explain(err)
	}
	defer e.client.ImageRemove(context.WithoutCancel(ctx), ref, client.ImageRemoveOptions{})
	made, err := e.client.ImageInspect(ctx, ref)
	if err != nil {
		return sim.Image{}, e.cfg.Explain(err)
	}
	raw, err := e.describe(ctx, whole(made.ID))
	if err != nil {
		return sim.Image{}, err
	}
	top := layer{diffID: raw.Layers[len(raw.Layers)-1]}
	img, blob, err := i.Image(platform.Host(), *top.sim())
	if err != nil {
		return sim.Image{}, err
	}
	return e.compose(ctx, composed{img, blob, raw, 0, top, i.Ref})
}
