//go:build linux

package helper

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// load takes in the images of an archive. It reads the archive once: layers
// are unpacked as they come by, whatever they turn out to belong to.
func (h *helper) load(ctx context.Context, args LoadArgs) ([]string, error) {
	f, end, err := h.far(ctx, args.Pipe)
	if err != nil {
		return nil, err
	}
	defer end()
	batch, err := h.store.Batch()
	if err != nil {
		return nil, err
	}
	defer batch.Abort()
	a := &archive{ctx: ctx, batch: batch, docs: map[string][]byte{}, layers: map[string]store.Layer{}, links: map[string]string{}}
	images, err := a.images(f)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("loading the archive: %w", err)
	}
	if _, err := h.keepAll(batch, images...); err != nil {
		return nil, err
	}
	var names []string
	for _, img := range images {
		if len(img.refs) == 0 {
			names = append(names, img.ID.String())
		}
		names = append(names, img.refs...)
	}
	return names, h.store.Collect()
}

// archive is what was read of an archive so far.
type archive struct {
	ctx    context.Context
	batch  *store.Batch
	docs   map[string][]byte // JSON, by name
	size   int               // of all docs
	layers map[string]store.Layer
	links  map[string]string
}

const (
	docMost   = 4 << 20  // the longest JSON that is read
	docsMost  = 64 << 20 // and all of it together
	namesMost = 1 << 16  // how many entries an archive may have
)

// images reads the archive to its end and finds its images.
func (a *archive) images(r io.Reader) ([]kept, error) {
	plain, err := fs.Decompress(r, fs.Limits{Bytes: fs.DefaultLimits.Bytes})
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	if err := a.read(tar.NewReader(bufio.NewReaderSize(plain, 256<<10))); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return nil, err
	}
	if list := a.doc("manifest.json"); list != nil {
		return a.docker(list)
	}
	if index := a.doc("index.json"); index != nil {
		return a.oci(index)
	}
	return nil, sim.Refuse("invalid archive: it holds neither a manifest.json, as docker save writes it, nor an index.json, as an OCI layout has it")
}

func (a *archive) read(in *tar.Reader) error {
	for n := 0; ; n++ {
		h, err := in.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrHeader) && n == 0:
			return sim.Refuse("invalid archive: it is no tar archive, compressed or not")
		case err != nil:
			return err
		case n == namesMost:
			return sim.Refuse("invalid archive: it has more than %d entries, and archives of images have few", namesMost)
		}
		if err := a.entry(path.Clean("/" + h.Name)[1:], h, in); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func (a *archive) entry(name string, h *tar.Header, in io.Reader) error {
	switch h.Typeflag {
	case tar.TypeSymlink:
		a.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		a.links[name] = path.Clean("/" + h.Linkname)[1:]
	case tar.TypeReg:
		return a.file(name, h.Size, bufio.NewReaderSize(in, 4<<10))
	}
	return nil
}

func (a *archive) file(name string, size int64, in *bufio.Reader) error {
	begin, err := in.Peek(int(min(size, 512)))
	if err != nil {
		return err
	}
	switch text := bytes.TrimLeft(begin, " \t\r\n"); {
	case isLayer(name, begin):
		news := &meter{ctx: a.ctx, p: sim.Progress{ID: layerID(name), Action: "Loading layer", Total: size}}
		l, err := a.batch.Layer(io.TeeReader(in, news))
		if err != nil {
			return badTar(err)
		}
		a.layers[name] = l
		return checkName(name, l.DiffID, l)
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		return a.json(name, size, in)
	}
	return nil // docker's VERSION, for instance
}

// badTar is [sim.BadTar], unless it is the disk that is at fault.
func badTar(err error) error {
	if store.IsUnusable(err) {
		return err
	}
	return sim.BadTar(err)
}

// layerID is what of a layer's name tells it from others: its digest, or the
// directory that docker gave it.
func layerID(name string) string {
	id := strings.TrimSuffix(strings.TrimSuffix(name, ".tar"), "/layer")
	return fmt.Sprintf("%.12s", path.Base(id))
}

// isLayer tells a layer by its beginning: it is a tar or compressed. Docker's
// are so named, too.
func isLayer(name string, begin []byte) bool {
	const magicAt = 257 // POSIX ustar
	return path.Base(name) == "layer.tar" || path.Ext(name) == ".tar" ||
		bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) || bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(begin) == 512 && (bytes.HasPrefix(begin[magicAt:], []byte("ustar")) || len(bytes.Trim(begin, "\x00")) == 0)
}

// checkName holds a blob of an OCI layout, which is named by its digest,
// against that.
func checkName(name string, plain digest.Digest, l store.Layer) error {
	hex, ok := strings.CutPrefix(name, "blobs/sha256/")
	if !ok {
		return nil
	}
	got := plain
	if l.Blob != nil {
		got = l.Blob.Digest
	}
	if got.Encoded() != hex {
		return fmt.Errorf("the archive is damaged: the content has the digest %s", got)
	}
	return nil
}

func (a *archive) json(name string, size int64, in io.Reader) error {
	if size > docMost || a.size+int(size) > docsMost {
		return sim.Refuse("invalid archive: %s is %d bytes of JSON, more than is read", name, size)
	}
	doc, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	a.size += len(doc)
	a.docs[name] = doc
	return checkName(name, digest.FromBytes(doc), store.Layer{})
}

// follow is the name that a name of the archive means.
func (a *archive) follow(name string) string {
	name = path.Clean("/" + name)[1:]
	for range 8 {
		target, ok := a.links[name]
		if !ok {
			break
		}
		name = target
	}
	return name
}

func (a *archive) doc(name string) []byte { return a.docs[a.follow(name)] }

// importRoot makes an image of a root file system (docker import).
func (h *helper) importRoot(ctx context.Context, args ImportArgs) (PackedImage, error) {
	f, end, err := h.far(ctx, args.Pipe)
	if err != nil {
		return PackedImage{}, err
	}
	defer end()
	var i sim.Import
	if err := json.Unmarshal(args.Import, &i); err != nil {
		return PackedImage{}, err
	}
	var refs []string
	if i.Ref != "" {
		familiar, err := sim.Familiar(i.Ref)
		if err != nil {
			return PackedImage{}, err
		}
		refs = append(refs, familiar)
	}
	batch, err := h.store.Batch()
	if err != nil {
		return PackedImage{}, err
	}
	defer batch.Abort()
	l, err := batch.Layer(f)
	switch {
	case ctx.Err() != nil:
		return PackedImage{}, ctx.Err()
	case err != nil:
		return PackedImage{}, badTar(err)
	}
	_, raw, err := i.Image(platform.Host(), sim.NewLayer{DiffID: l.DiffID, Size: l.Size})
	if err != nil {
		return PackedImage{}, err
	}
	img, err := newImage(raw, "")
	if err != nil {
		return PackedImage{}, err
	}
	if _, err := h.keepAll(batch, kept{img, refs}); err != nil {
		return PackedImage{}, err
	}
	return h.oneImage(ctx, img.ID.String())
}
