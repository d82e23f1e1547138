package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
)

// content is what an image is made of, as the engine has it. It is to be
// closed.
type content struct {
	config []byte
	layers []file // tars, as they are or compressed, bottom first
	io.Closer
}

// content is that of an image: from containerd's store where it can be read,
// else from a docker save.
func (e *Engine) content(ctx context.Context, id digest.Digest) (content, error) {
	for _, dir := range e.stores() {
		if c, err := dir.image(id); err == nil {
			return c, nil
		}
	}
	f, err := unnamed()
	if err != nil {
		return content{}, err
	}
	c, err := e.saved(ctx, id, f)
	if err != nil {
		f.Close()
	}
	return c, err
}

// saved is a docker save, kept in f.
func (e *Engine) saved(ctx context.Context, id digest.Digest, f *os.File) (content, error) {
	stream, err := e.client.ImageSave(ctx, []string{id.String()})
	if err != nil {
		return content{}, e.cfg.Explain(err)
	}
	defer stream.Close()
	in, err := unarchive(stream, f)
	if err != nil {
		return content{}, err
	}
	entries, err := in.entries()
	if err != nil {
		return content{}, err
	}
	if len(entries) != 1 {
		return content{}, fmt.Errorf("%s saved %d images where it was asked for one", e.cfg.Name(), len(entries))
	}
	c := content{Closer: f}
	for _, name := range entries[0].Layers {
		c.layers = append(c.layers, in.file(name))
	}
	c.config, err = in.read(entries[0].Config)
	return c, err
}

// blobs is a directory of containerd's content store
// (containerd, docs/content-flow.md).
type blobs string

// stores are where Docker's containerd may keep blobs: a daemon's own below
// the daemon's directory, the system's in the usual place.
func (e *Engine) stores() []blobs {
	if !e.containerd() {
		return nil
	}
	const below = "io.containerd.content.v1.content/blobs"
	return []blobs{
		blobs(filepath.Join(e.info.DockerRootDir, "containerd", "daemon", below)),
		blobs(filepath.Join("/var/lib/containerd", below)),
	}
}

func (b blobs) path(d digest.Digest) string {
	return filepath.Join(string(b), d.Algorithm().String(), d.Encoded())
}

// json reads a small blob, whose digest must be right.
func (b blobs) json(d digest.Digest) ([]byte, error) {
	raw, err := os.ReadFile(b.path(d))
	if err == nil && digest.FromBytes(raw) != d {
		err = fmt.Errorf("%s has another digest", b.path(d))
	}
	return raw, err
}

// manifest reads the manifest of an image; of one for several platforms, that
// for this machine's.
func (b blobs) manifest(id digest.Digest) (m ocispec.Manifest, err error) {
	var either struct {
		ocispec.Manifest
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	raw, err := b.json(id)
	if err == nil {
		err = json.Unmarshal(raw, &either)
	}
	if err != nil || either.Manifests == nil {
		return either.Manifest, err
	}
	for _, d := range either.Manifests {
		if d.Platform == nil || d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH {
			return b.manifest(d.Digest)
		}
	}
	return m, fmt.Errorf("image %s is not for this platform", id)
}

func (b blobs) image(id digest.Digest) (content, error) {
	c := content{Closer: io.NopCloser(nil)}
	m, err := b.manifest(id)
	if err != nil {
		return c, err
	}
	if c.config, err = b.json(m.Config.Digest); err != nil {
		return c, err
	}
	for _, d := range m.Layers {
		name := b.path(d.Digest)
		c.layers = append(c.layers, file{name, d.Size, func() (io.ReadCloser, error) { return os.Open(name) }})
	}
	return c, nil
}

// plain is a layer as a plain tar under another name. Its size must be known
// beforehand.
func (e *Engine) plain(layer file, name string) (file, error) {
	r, err := layer.decompressed()
	if err != nil {
		return file{}, err
	}
	defer r.Close()
	f, err := e.spool()
	if err != nil {
		return file{}, err
	}
	size, err := io.Copy(f, r)
	return file{name, size, func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, size)), nil }}, err
}

// decompressed is what a file holds.
func (f file) decompressed() (io.ReadCloser, error) {
	blob, err := f.open()
	if err != nil {
		return nil, err
	}
	r, err := fs.Decompress(blob, fs.DefaultLimits)
	if err != nil {
		blob.Close()
		return nil, err
	}
	return both{r, blob}, nil
}

// both reads one, and closes what that reads too.
type both struct {
	io.ReadCloser
	below io.Closer
}

func (b both) Close() error {
	b.ReadCloser.Close()
	return b.below.Close()
}
