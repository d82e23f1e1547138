//go:build linux

package helper

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/sim"
)

// save writes an archive as Docker 25 and later do: an OCI layout
// (image-spec, image-layout.md) with a manifest.json and a repositories file
// beside, which tell older ones the same.
func (h *helper) save(ctx context.Context, args SaveArgs) (done bool, err error) {
	f, end, err := h.far(ctx, args.Pipe)
	if err != nil {
		return false, err
	}
	defer end()
	images, release, err := h.toSave(args.Refs)
	if err != nil {
		return false, err
	}
	defer release()
	buffered := bufio.NewWriterSize(f, 256<<10)
	w := archiver{h: h, out: tar.NewWriter(buffered), blobs: map[digest.Digest]bool{}}
	err = w.all(images)
	if err == nil {
		err = errors.Join(w.out.Close(), buffered.Flush())
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return err == nil, err
}

// toSave are the images that the words name, with the names that they will
// have, and holds their layers.
func (h *helper) toSave(words []string) (images []kept, release func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var layers []digest.Digest
	for _, word := range words {
		img, names, err := h.named(word)
		if err != nil {
			return nil, nil, err
		}
		layers = append(layers, img.Layers...)
		i := slices.IndexFunc(images, func(k kept) bool { return k.ID == img.ID })
		if i < 0 {
			images = append(images, kept{img, names})
			continue
		}
		for _, name := range names {
			if !slices.Contains(images[i].refs, name) {
				images[i].refs = append(images[i].refs, name)
			}
		}
	}
	release, err = h.store.Hold(layers...)
	return images, release, err
}

// named is the image that a word names, and the name that this is; none if it
// is an id.
func (h *helper) named(word string) (*image, []string, error) {
	img, err := h.findImage(word)
	if sim.IsRefusal(err, sim.MissingImage) {
		return nil, nil, sim.NoReference()
	}
	if err != nil {
		return nil, nil, err
	}
	familiar, err := sim.Familiar(word)
	if err != nil || !slices.Contains(img.Tags, familiar) {
		return img, nil, nil
	}
	return img, []string{familiar}, nil
}

// archiver writes an archive.
type archiver struct {
	h     *helper
	out   *tar.Writer
	blobs map[digest.Digest]bool // that are in it already
	made  time.Time              // of the image at hand
}

func (w *archiver) all(images []kept) error {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	list, repositories := []saved{}, map[string]map[string]string{}
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := w.out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
	}
	for _, img := range images {
		manifest, err := w.image(img)
		if err != nil {
			return fmt.Errorf("saving image %s: %w", sim.Short(img.ID), err)
		}
		index.Manifests = append(index.Manifests, annotate(manifest, img.refs)...)
		list = append(list, img.saved())
		img.addTo(repositories)
	}
	w.made = time.Unix(0, 0)
	for _, doc := range []struct {
		name string
		v    any
	}{{"index.json", index}, {"manifest.json", list}, {"oci-layout", ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}}, {"repositories", repositories}} {
		text, err := json.Marshal(doc.v)
		if err != nil {
			return err
		}
		if err := w.file(doc.name, text); err != nil {
			return err
		}
	}
	return nil
}

// annotate is the manifest's descriptor once for each name.
func annotate(manifest ocispec.Descriptor, refs []string) (all []ocispec.Descriptor) {
	for _, ref := range refs {
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			continue
		}
		tagged, ok := named.(reference.Tagged)
		if !ok {
			continue
		}
		d := manifest
		d.Annotations = map[string]string{containerdName: named.String(), ocispec.AnnotationRefName: tagged.Tag()}
		all = append(all, d)
	}
	if len(all) == 0 {
		return []ocispec.Descriptor{manifest}
	}
	return all
}

func (k kept) saved() saved {
	s := saved{Config: blobName(k.ID), RepoTags: k.refs, Layers: []string{}}
	for _, diffID := range k.Layers {
		s.Layers = append(s.Layers, blobName(diffID))
	}
	return s
}

// addTo puts the names into the file repositories, which says for each one
// what its top layer is.
func (k kept) addTo(repositories map[string]map[string]string) {
	for _, ref := range k.refs {
		i := strings.LastIndex(ref, ":")
		name, tag := ref[:i], ref[i+1:]
		if repositories[name] == nil {
			repositories[name] = map[string]string{}
		}
		top := k.ID
		if n := len(k.Layers); n > 0 {
			top = k.Layers[n-1]
		}
		repositories[name][tag] = top.Encoded()
	}
}

// image writes an image's blobs, and returns its manifest's descriptor.
func (w *archiver) image(img kept) (d ocispec.Descriptor, err error) {
	w.made = time.Unix(0, 0)
	if img.Config.Created != nil {
		w.made = *img.Config.Created
	}
	var layers []ocispec.Descriptor
	for _, diffID := range img.Layers {
		l, err := w.layer(diffID)
		if err != nil {
			return d, err
		}
		layers = append(layers, l)
	}
	manifest, err := json.Marshal(manifestOf(img.raw, layers))
	if err != nil {
		return d, err
	}
	d = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	return d, errors.Join(w.blob(img.raw), w.blob(manifest))
}

// manifestOf is the manifest of an image (image-spec, manifest.md).
func manifestOf(config []byte, layers []ocispec.Descriptor) ocispec.Manifest {
	if layers == nil {
		layers = []ocispec.Descriptor{}
	}
	return ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config), Size: int64(len(config))},
		Layers:    layers,
	}
}

// layer writes a layer's tar.
func (w *archiver) layer(diffID digest.Digest) (d ocispec.Descriptor, err error) {
	l, ok := w.h.store.Layer(diffID)
	if !ok {
		return d, fmt.Errorf("layer %s is missing in %s", diffID, w.h.store.Dir())
	}
	d = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffID, Size: l.Length}
	if w.blobs[diffID] {
		return d, nil
	}
	w.blobs[diffID] = true
	r, err := w.h.store.OpenLayer(diffID)
	if err != nil {
		return d, err
	}
	defer r.Close()
	if err := w.header(blobName(diffID), l.Length); err != nil {
		return d, err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{w.out}, r, make([]byte, 256<<10))
	return d, err
}

func (w *archiver) blob(content []byte) error {
	d := digest.FromBytes(content)
	if w.blobs[d] {
		return nil
	}
	w.blobs[d] = true
	return w.file(blobName(d), content)
}

func (w *archiver) file(name string, content []byte) error {
	if err := w.header(name, int64(len(content))); err != nil {
		return err
	}
	_, err := w.out.Write(content)
	return err
}

func (w *archiver) header(name string, size int64) error {
	return w.out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, ModTime: w.made})
}
