package model

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
)

// image is an image with what it stands on.
type image struct {
	sim.Image
	blob   []byte           // the configuration
	layers []contents.Layer // those of Layers
	root   *contents.RootOnce
}

// addImage adds an image whose layers are all there.
func (t *transition) addImage(img sim.Image, blob []byte) {
	full := image{Image: img, blob: blob}
	full.Sizes = nil
	full.root = &contents.RootOnce{}
	for _, diffID := range img.Layers {
		l := t.state.layer(diffID)
		full.layers = append(full.layers, l)
		full.Sizes = append(full.Sizes, l.Size)
	}
	if old, ok := t.state.image(img.ID); ok {
		full.Tags = old.Tags
	}
	t.state = t.state.withImage(full)
}

// Layers are what an image's layers hold.
func (m *Model) Layers(_ context.Context, ref string) ([]*fs.Tree, error) {
	st := m.State()
	img, err := sim.FindImage(st.Images(), ref)
	if err != nil {
		return nil, err
	}
	var out []*fs.Tree
	for _, diffID := range img.Layers {
		tree, err := m.contents.Tree(st.layer(diffID))
		if err != nil {
			return nil, unable(fmt.Errorf("layer %s cannot be read: %w", sim.Short(diffID), err))
		}
		out = append(out, tree)
	}
	return out, nil
}

// Commit makes an image of a container.
func (m *Model) Commit(_ context.Context, c sim.Commit) (img sim.Image, err error) {
	err = m.do(func(t *transition) error {
		img, err = t.commit(c)
		return err
	})
	return img, err
}

func (t *transition) commit(c sim.Commit) (sim.Image, error) {
	k, err := t.state.container(c.Container)
	if err != nil {
		return sim.Image{}, err
	}
	own, err := k.root().Layer(t.dialect())
	if err != nil {
		return sim.Image{}, sim.Refuse("%v", err)
	}
	if c.Pause && k.Status == sim.Running {
		t.step("pause", "/", sayPaused(k.Name))
	}
	own = noLater(own, c.Latest)
	added, err := t.added(own)
	if err != nil {
		return sim.Image{}, err
	}
	img, blob, err := c.Image(k.image.Image, added)
	if err != nil {
		return sim.Image{}, err
	}
	t.made(img, blob, *k.image)
	return t.name(img, c.Ref)
}

// added makes a container's layer a layer of images; nil where it is empty.
func (t *transition) added(own *fs.Tree) (*sim.NewLayer, error) {
	if own.Empty() {
		t.step("layer", "/", sayNoLayer)
		return nil, nil
	}
	sum := digest.SHA256.Digester()
	if err := t.dialect().WriteTar(sum.Hash(), own); err != nil {
		return nil, err
	}
	l := sim.NewLayer{DiffID: sum.Digest(), Size: own.Bytes()}
	t.state = t.state.withLayer(contents.Layer{DiffID: l.DiffID, Size: l.Size, Tree: own, Dialect: t.dialect()})
	t.step("layer", "/", sayCommitted(sim.Short(l.DiffID)))
	return &l, nil
}

func (t *transition) dialect() fs.Dialect { return cmp.Or(t.Dialect, fs.DockerNative) }

// made keeps a new image, and below it the layers of its base, which may have
// been removed meanwhile.
func (t *transition) made(img sim.Image, blob []byte, base image) {
	for _, l := range base.layers {
		t.state = t.state.withLayer(l)
	}
	t.addImage(img, blob)
	t.step("config", "/", sayConfigured(sim.Short(img.ID), len(img.Layers)))
}

// name tags a new image, if it is to have a tag.
func (t *transition) name(img sim.Image, ref string) (sim.Image, error) {
	if ref == "" {
		full, _ := t.state.image(img.ID)
		return full.Image, nil
	}
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.Image{}, err
	}
	t.state = t.state.tag(familiar, img.ID)
	t.step("tag", "/", sayTagged(familiar, sim.Short(img.ID)))
	full, _ := t.state.image(img.ID)
	return full.Image, nil
}

// Import makes an image of one layer.
func (m *Model) Import(_ context.Context, i sim.Import) (img sim.Image, err error) {
	err = m.do(func(t *transition) error {
		img, err = t.importRoot(i)
		return err
	})
	return img, err
}

func (t *transition) importRoot(i sim.Import) (sim.Image, error) {
	spool, err := t.spool()
	if err != nil {
		return sim.Image{}, err
	}
	tree, diffID, err := fs.ReadLayer(i.Root, spool, fs.DefaultLimits)
	if err != nil {
		return sim.Image{}, sim.BadTar(err)
	}
	t.state = t.state.withLayer(contents.Layer{DiffID: diffID, Size: tree.Bytes(), Tree: tree})
	t.step("layer", "/", sayImported(sim.Short(diffID)))
	img, blob, err := i.Image(t.Facts.Arch, sim.NewLayer{DiffID: diffID, Size: tree.Bytes()})
	if err != nil {
		return sim.Image{}, err
	}
	t.made(img, blob, image{})
	return t.name(img, i.Ref)
}

func (t *transition) spool() (fs.Spool, error) {
	if t.Spool == nil {
		return nil, nil
	}
	return t.Spool()
}

// noLater is a layer with latest in the place of every later time.
func noLater(layer *fs.Tree, latest time.Time) *fs.Tree {
	if latest.IsZero() {
		return layer
	}
	b := fs.NewCopy()
	for p := range layer.All() {
		n := *p.Node
		n.Mtime = min(n.Mtime, latest.UnixNano())
		b.Add(p, p.Path, n)
	}
	return b.Tree()
}
