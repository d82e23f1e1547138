package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/real/embedded/helper"
	"twinlayer/real/store"
)

// Layers are an image's layers as trees. The contents of files stay on disk,
// and the layers stay there for it until Close, even when the image goes.
func (e *Engine) Layers(ctx context.Context, ref string) ([]*fs.Tree, error) {
	dirs, err := call[[]string](ctx, e, "hold", ref)
	if err != nil {
		return nil, err
	}
	trees := make([]*fs.Tree, len(dirs))
	for i, dir := range dirs {
		if trees[i], err = e.tree(dir); err != nil {
			return nil, fmt.Errorf("reading the layers of %s: %w", ref, err)
		}
	}
	return trees, nil
}

// tree is a layer, read once: what is the same layer is the same tree.
func (e *Engine) tree(dir string) (*fs.Tree, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.trees[dir]; ok {
		return t, nil
	}
	t, err := store.Headers(dir, e.open)
	if err != nil {
		return nil, err
	}
	if e.trees == nil {
		e.trees = map[string]*fs.Tree{}
	}
	e.trees[dir] = t
	return t, nil
}

// open opens a file of a layer. What belongs to another id of the helper's
// user namespace may be closed to us, but never to the helper.
func (e *Engine) open(name string) (store.Content, error) {
	f, err := overlay.OpenFile(name)
	if errors.Is(err, os.ErrPermission) {
		return distant{e, name}, nil
	}
	return f, err
}

// distant is a file that the helper reads for us.
type distant struct {
	e    *Engine
	name string
}

func (d distant) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		want := min(len(p)-n, helper.DistantMost)
		b, err := call[[]byte](context.Background(), d.e, "read", helper.ReadArgs{Name: d.name, Off: off + int64(n), N: want})
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b)
		if len(b) < want {
			return n, io.EOF
		}
	}
	return n, nil
}

func (distant) Close() error { return nil }
