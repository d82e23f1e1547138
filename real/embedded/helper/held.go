//go:build linux

package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"twinlayer/fs/overlay"
)

// hold keeps the layers of an image until the session ends and returns their
// directories.
func (h *helper) hold(_ context.Context, ref string) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	img, err := h.findImage(ref)
	if err != nil {
		return nil, err
	}
	if _, err := h.store.Hold(img.Layers...); err != nil {
		return nil, err
	}
	dirs := make([]string, len(img.Layers))
	for i, diffID := range img.Layers {
		dirs[i] = h.store.LayerDir(diffID)
	}
	return dirs, nil
}

// read reads from a file of a layer.
func (h *helper) read(_ context.Context, args ReadArgs) ([]byte, error) {
	layers := filepath.Join(h.store.Dir(), "layers") + "/"
	if !strings.HasPrefix(filepath.Clean(args.Name), layers) || args.N < 0 || args.N > DistantMost {
		return nil, fmt.Errorf("%s is no file of a layer", args.Name)
	}
	f, err := overlay.OpenFile(args.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, args.N)
	n, err := f.ReadAt(b, args.Off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}
