package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/sim"
)

// layer is a layer of the model. Its files are read when they are first
// needed: those of an adopted layer are in the real engine's keeping.
type layer struct {
	size int64 // bytes of its regular files
	tree func() (*fs.Tree, error)
	tar  func() (io.ReadCloser, error) // whose digest is the diffID; nil: only the real engine has it
}

// holding is a layer whose files are here.
func holding(t *fs.Tree, tar func() (io.ReadCloser, error)) layer {
	return layer{t.Bytes(), func() (*fs.Tree, error) { return t, nil }, tar}
}

// image is an image with its root file system.
type image struct {
	sim.Image
	blob []byte // the configuration
	root func() rootFS
}

// rootFS is what an image's containers stand on.
type rootFS struct {
	stack  []fs.Layer // bottom first, the init layer on top
	merged *fs.Tree   // of stack
	unread string     // why one of them is empty that is not; "": none is
}

// addImage adds an image whose layers are all there.
func (t *transition) addImage(img sim.Image, blob []byte) {
	full := image{Image: img, blob: blob}
	full.Sizes = nil
	var layers []layer
	for _, diffID := range img.Layers {
		l := t.state.layer(diffID)
		layers = append(layers, l)
		full.Sizes = append(full.Sizes, l.size)
	}
	full.root = sync.OnceValue(func() rootFS { return stacked(layers) })
	if old, ok := t.state.image(img.ID); ok {
		full.Tags = old.Tags
	}
	t.state = t.state.withImage(full)
}

// stacked puts layers one upon the other. One that cannot be read is empty,
// so that the containers of its image can be followed in what is theirs.
func stacked(layers []layer) (r rootFS) {
	var trees []*fs.Tree
	for i, l := range layers {
		tree, err := l.tree()
		if err != nil {
			r.unread = fmt.Sprintf("image layer %d cannot be read: %v", i+1, err)
			tree = fs.NewBuilder().Tree()
		}
		trees = append(trees, tree)
		r.stack = append(r.stack, fs.Layer{Name: fmt.Sprintf("image layer %d", i+1), Tree: tree})
	}
	init := overlay.InitLayer(fs.Merge(trees...))
	r.stack = append(r.stack, fs.Layer{Name: "the engine's init layer", Tree: init, Aside: true})
	r.merged = fs.Merge(append(trees, init)...)
	return r
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
		tree, err := st.layer(diffID).tree()
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
		t.step("pause", "/", "the processes of %s are held, so that no file changes while the layer is made", k.Name)
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
		t.step("layer", "/", "the container's layer is empty: the image gets no layer of its own, only a configuration")
		return nil, nil
	}
	tar := func(w io.Writer) error { return t.dialect().WriteTar(w, own) }
	sum := digest.SHA256.Digester()
	if err := tar(sum.Hash()); err != nil {
		return nil, err
	}
	l := sim.NewLayer{DiffID: sum.Digest(), Size: own.Bytes()}
	t.state = t.state.withLayer(l.DiffID, holding(own, piped(tar)))
	t.step("layer", "/", "the container's layer becomes an image layer, read-only from now on; the digest of its tar is %s", sim.Short(l.DiffID))
	return &l, nil
}

func (t *transition) dialect() fs.Dialect { return cmp.Or(t.Dialect, fs.DockerNative) }

func piped(write func(io.Writer) error) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(write(w)) }()
		return r, nil
	}
}

// made keeps a new image, and below it the layers of its base, which may have
// been removed meanwhile.
func (t *transition) made(img sim.Image, blob []byte, base image) {
	for diffID, l := range base.layers() {
		t.state = t.state.withLayer(diffID, l)
	}
	t.addImage(img, blob)
	t.step("config", "/", "the configuration of image %s names %d layer(s) by digest, and its own digest is the image's id", sim.Short(img.ID), len(img.Layers))
}

// layers are an image's layers by diffID, as its root has them.
func (img image) layers() map[digest.Digest]layer {
	out := map[digest.Digest]layer{}
	for i, diffID := range img.Layers {
		l := layer{tree: func() (*fs.Tree, error) {
			r := img.root()
			if r.unread != "" {
				return nil, errors.New(r.unread)
			}
			return r.stack[i].Tree, nil
		}}
		if i < len(img.Sizes) {
			l.size = img.Sizes[i]
		}
		out[diffID] = l
	}
	return out
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
	t.step("tag", "/", "%s names image %s now", familiar, sim.Short(img.ID))
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
	t.state = t.state.withLayer(diffID, holding(tree, nil))
	t.step("layer", "/", "the archive becomes the image's one layer, %s: whatever layers it once had are gone", sim.Short(diffID))
	img, blob, err := i.Image(sim.NewLayer{DiffID: diffID, Size: tree.Bytes()})
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
