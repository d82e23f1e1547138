package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
)

// archived is an image in manifest.json of Docker's archives
// (docker-image-spec, v1.2.md, "Combined Image JSON + Filesystem Changeset
// Format").
type archived struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// file is one file of an archive.
type file struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

// text is a small file.
func text(name string, content []byte) file {
	return file{name, int64(len(content)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func configOf(raw []byte) (c dockerspec.DockerOCIImage, err error) {
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("the image's configuration is damaged: %w", err)
	}
	return c, nil
}

// writeArchive writes files, and the manifest of entries.
func writeArchive(w io.Writer, files []file, entries ...archived) error {
	manifest, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return writeFiles(w, append(files, text("manifest.json", manifest)))
}

func writeFiles(w io.Writer, files []file) error {
	out := tar.NewWriter(w)
	for _, f := range files {
		if err := writeFile(out, f); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return out.Close()
}

func writeFile(out *tar.Writer, f file) error {
	if err := out.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: f.size, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(out, r)
	return err
}

// load hands the engine an archive of one image, whose first reference must
// be ours, and returns the id that the engine gave it.
func (e *Engine) load(ctx context.Context, files []file, entry archived) (digest.Digest, error) {
	return e.loaded(ctx, entry.RepoTags[0], func(w io.Writer) error { return writeArchive(w, files, entry) })
}

// loaded hands over what write writes, an archive of the image ref.
func (e *Engine) loaded(ctx context.Context, ref string, write func(io.Writer) error) (digest.Digest, error) {
	if err := e.send1(ctx, write); err != nil {
		return "", err
	}
	got, err := e.client.ImageInspect(ctx, ref)
	if err != nil {
		return "", e.cfg.Explain(err)
	}
	return whole(got.ID), nil
}

// Layers are what the layers of an image hold.
func (e *Engine) Layers(ctx context.Context, ref string) ([]*fs.Tree, error) {
	img, err := e.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return e.layers(ctx, img)
}

func (e *Engine) layers(ctx context.Context, img image) ([]*fs.Tree, error) {
	trees := make([]*fs.Tree, len(img.Layers))
	if e.knownTrees(img, trees) || e.readTrees(ctx, img, trees) {
		return trees, nil
	}
	c, err := e.content(ctx, img.engine)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for i, l := range c.layers {
		if trees[i] == nil {
			if trees[i], err = e.tree(l, img.Layers[i]); err != nil {
				return nil, fmt.Errorf("layer %d of %s: %w", i+1, img.ID, err)
			}
		}
	}
	return trees, nil
}

// knownTrees fills in the layers that were read before, and says whether
// those are all.
func (e *Engine) knownTrees(img image, trees []*fs.Tree) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := true
	for i, diffID := range img.Layers {
		trees[i] = e.trees[diffID]
		all = all && trees[i] != nil
	}
	return all
}

// readTrees reads the layers where the storage driver has unpacked them, and
// says whether it could.
func (e *Engine) readTrees(ctx context.Context, img image, trees []*fs.Tree) bool {
	got, err := e.client.ImageInspect(ctx, img.engine.String())
	if err != nil || got.GraphDriver == nil || e.mapped() {
		return false
	}
	dirs := filepath.SplitList(got.GraphDriver.Data["LowerDir"])
	dirs = append([]string{got.GraphDriver.Data["UpperDir"]}, dirs...)
	if len(dirs) != len(img.Layers) {
		return false // equal layers are there once
	}
	slices.Reverse(dirs)
	for i, dir := range dirs {
		if trees[i] != nil {
			continue
		}
		spool, err := e.spool()
		if err != nil {
			return false
		}
		if trees[i], err = readUpper(ctx, dir, spool); err != nil {
			return false
		}
		e.keep(img.Layers[i], trees[i])
	}
	return true
}

func (e *Engine) keep(diffID digest.Digest, tree *fs.Tree) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trees[diffID] = tree
}

func (e *Engine) tree(l file, diffID digest.Digest) (*fs.Tree, error) {
	r, err := l.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	spool, err := e.spool()
	if err != nil {
		return nil, err
	}
	tree, got, err := fs.ReadLayer(r, spool, fs.DefaultLimits)
	if err == nil && got != diffID {
		err = fmt.Errorf("its digest is %s, and the image says %s", got, diffID)
	}
	if err != nil {
		return nil, err
	}
	e.keep(diffID, tree)
	return tree, nil
}

// send1 streams an archive to the engine.
func (e *Engine) send1(ctx context.Context, write func(io.Writer) error) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	defer r.Close()
	result, err := e.client.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return e.cfg.Explain(err)
	}
	defer result.Close()
	return e.cfg.Explain(streamError(result))
}

// streamError is the error that a stream of messages ends with, if it does.
func streamError(r io.Reader) error {
	in := json.NewDecoder(r)
	for {
		var m struct {
			Error string `json:"error"`
		}
		switch err := in.Decode(&m); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case m.Error != "":
			return fmt.Errorf("%s", m.Error)
		}
	}
}
