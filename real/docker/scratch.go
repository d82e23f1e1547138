package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs/platform"
	"twinlayer/sim"
)

// base is the image that a container is made of. In the engine scratch is one
// too, without a layer; nobody is shown it.
func (e *Engine) base(ctx context.Context, ref string) (image, error) {
	if ref != "" {
		return e.find(ctx, ref)
	}
	img := image{Image: sim.ScratchImage(platform.Host())}
	config := img.Config
	config.RootFS.Type, config.RootFS.DiffIDs = "layers", []digest.Digest{}
	raw, err := json.Marshal(config)
	if err != nil {
		return img, err
	}
	files := []file{{"config.json", int64(len(raw)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }}}
	img.engine, err = e.load(ctx, files, archived{Config: "config.json", RepoTags: []string{e.session.Hold(digest.FromBytes(raw))}, Layers: []string{}})
	return img, err
}
