// Package contents has what is big in a State of the model and is only pointed
// to there: the files and tars of layers, where a real engine or a registry
// keeps them until they are needed, the root file systems that they make, and
// what processes have printed.
package contents

import (
	"fmt"
	"io"
	"sync"
	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/fs/vfs"
	"twinlayer/sim"
	"twinlayer/sim/say"

	"github.com/opencontainers/go-digest"
)

var (
	sayLayerTar    = say.P1("unknown.layer-tar")
	sayUnreadLayer = say.P2("unknown.unread-layer")
	sayImageLayer  = say.P1("image.layer")
	sayInitLayer   = say.P0("image.init-layer")
)

// Layer is what a State has of a layer.
type Layer struct {
	DiffID  digest.Digest
	Size    int64      // bytes of its regular files
	Tree    *fs.Tree   // nil: the model's contents have it
	Dialect fs.Dialect // its tar is what this makes of tree; "": the model's contents have it, if anybody has
}

// Store is what no State has of layers, by diffID: their tars, and the
// files of those that a real engine keeps, which are read once, when they are
// first needed.
type Store struct {
	mu    sync.Mutex
	trees map[digest.Digest]func() (*fs.Tree, error)
	tars  map[digest.Digest]func() (io.ReadCloser, error)
}

// ReadBy has the files of a layer read by read, when they are needed.
func (c *Store) ReadBy(diffID digest.Digest, read func() (*fs.Tree, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trees == nil {
		c.trees = map[digest.Digest]func() (*fs.Tree, error){}
	}
	c.trees[diffID] = sync.OnceValues(read)
}

// TarBy has the tar of a layer opened by open.
func (c *Store) TarBy(diffID digest.Digest, open func() (io.ReadCloser, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tars == nil {
		c.tars = map[digest.Digest]func() (io.ReadCloser, error){}
	}
	c.tars[diffID] = open
}

// Tree is what a layer holds.
func (c *Store) Tree(l Layer) (*fs.Tree, error) {
	if l.Tree != nil {
		return l.Tree, nil
	}
	c.mu.Lock()
	read := c.trees[l.DiffID]
	c.mu.Unlock()
	if read == nil {
		return nil, fmt.Errorf("nobody has layer %s", sim.Short(l.DiffID))
	}
	return read()
}

// Tar is the tar whose digest is the layer's diffID.
func (c *Store) Tar(l Layer) (io.ReadCloser, error) {
	if l.Dialect != "" {
		r, w := io.Pipe()
		go func() { w.CloseWithError(l.Dialect.WriteTar(w, l.Tree)) }()
		return r, nil
	}
	c.mu.Lock()
	open := c.tars[l.DiffID]
	c.mu.Unlock()
	if open == nil {
		return nil, &sim.Unknown{Why: sayLayerTar(sim.Short(l.DiffID))}
	}
	return open()
}

// RootFS is what an image's containers stand on.
type rootFS struct {
	Stack  []vfs.Layer // bottom first, the init layer on top
	Merged *fs.Tree    // of stack
	Unread say.Phrase  // why one of them is empty that is not
}

// RootOnce is an image's root file system, put together when the first
// container needs it.
type RootOnce struct {
	once sync.Once
	rootFS
}

// Root is what containers of an image of these layers stand on; kept is where
// the image keeps it.
func (c *Store) Root(kept *RootOnce, layers []Layer) rootFS {
	kept.once.Do(func() { kept.rootFS = c.stacked(layers) })
	return kept.rootFS
}

// stacked puts layers one upon the other. One that cannot be read is empty,
// so that the containers of its image can be followed in what is theirs.
func (c *Store) stacked(layers []Layer) (r rootFS) {
	var trees []*fs.Tree
	for i, l := range layers {
		tree, err := c.Tree(l)
		if err != nil {
			r.Unread = sayUnreadLayer(i+1, err.Error())
			tree = fs.NewBuilder().Tree()
		}
		trees = append(trees, tree)
		r.Stack = append(r.Stack, vfs.Layer{Name: sayImageLayer(i + 1), Tree: tree})
	}
	init := overlay.InitLayer(fs.Merge(trees...))
	r.Stack = append(r.Stack, vfs.Layer{Name: sayInitLayer, Tree: init, Aside: true})
	r.Merged = fs.Merge(append(trees, init)...)
	return r
}
