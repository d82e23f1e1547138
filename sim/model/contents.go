package model

import (
	"fmt"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// layer is what a State has of a layer.
type layer struct {
	diffID  digest.Digest
	size    int64      // bytes of its regular files
	tree    *fs.Tree   // nil: the model's contents have it
	dialect fs.Dialect // its tar is what this makes of tree; "": the model's contents have it, if anybody has
}

// contents are what no State has of layers, by diffID: their tars, and the
// files of those that a real engine keeps, which are read once, when they are
// first needed.
type contents struct {
	mu    sync.Mutex
	trees map[digest.Digest]func() (*fs.Tree, error)
	tars  map[digest.Digest]func() (io.ReadCloser, error)
}

// readBy has the files of a layer read by read, when they are needed.
func (c *contents) readBy(diffID digest.Digest, read func() (*fs.Tree, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trees == nil {
		c.trees = map[digest.Digest]func() (*fs.Tree, error){}
	}
	c.trees[diffID] = sync.OnceValues(read)
}

// tarBy has the tar of a layer opened by open.
func (c *contents) tarBy(diffID digest.Digest, open func() (io.ReadCloser, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tars == nil {
		c.tars = map[digest.Digest]func() (io.ReadCloser, error){}
	}
	c.tars[diffID] = open
}

// tree is what a layer holds.
func (c *contents) tree(l layer) (*fs.Tree, error) {
	if l.tree != nil {
		return l.tree, nil
	}
	c.mu.Lock()
	read := c.trees[l.diffID]
	c.mu.Unlock()
	if read == nil {
		return nil, fmt.Errorf("nobody has layer %s", sim.Short(l.diffID))
	}
	return read()
}

// tar is the tar whose digest is the layer's diffID.
func (c *contents) tar(l layer) (io.ReadCloser, error) {
	if l.dialect != "" {
		r, w := io.Pipe()
		go func() { w.CloseWithError(l.dialect.WriteTar(w, l.tree)) }()
		return r, nil
	}
	c.mu.Lock()
	open := c.tars[l.diffID]
	c.mu.Unlock()
	if open == nil {
		return nil, &sim.Unknown{Why: sayLayerTar(sim.Short(l.diffID))}
	}
	return open()
}

// rootFS is what an image's containers stand on.
type rootFS struct {
	stack  []fs.Layer // bottom first, the init layer on top
	merged *fs.Tree   // of stack
	unread say.Phrase // why one of them is empty that is not
}

// rootOnce is an image's root file system, put together when the first
// container needs it.
type rootOnce struct {
	once sync.Once
	rootFS
}

// root is what containers of img stand on.
func (c *contents) root(img *image) rootFS {
	img.root.once.Do(func() { img.root.rootFS = c.stacked(img.layers) })
	return img.root.rootFS
}

// stacked puts layers one upon the other. One that cannot be read is empty,
// so that the containers of its image can be followed in what is theirs.
func (c *contents) stacked(layers []layer) (r rootFS) {
	var trees []*fs.Tree
	for i, l := range layers {
		tree, err := c.tree(l)
		if err != nil {
			r.unread = sayUnreadLayer(i+1, err.Error())
			tree = fs.NewBuilder().Tree()
		}
		trees = append(trees, tree)
		r.stack = append(r.stack, fs.Layer{Name: sayImageLayer(i + 1), Tree: tree})
	}
	init := overlay.InitLayer(fs.Merge(trees...))
	r.stack = append(r.stack, fs.Layer{Name: sayInitLayer, Tree: init, Aside: true})
	r.merged = fs.Merge(append(trees, init)...)
	return r
}
