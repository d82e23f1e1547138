package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
	"twinlayer/sim"
)

// Load hands the engine the images of an archive under references of ours.
func (e *Engine) Load(ctx context.Context, archive io.Reader) ([]string, error) {
	f, err := unnamed()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in, err := unarchive(archive, f)
	if err != nil {
		return nil, err
	}
	entries, err := in.entries()
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, entry := range entries {
		loaded, err := e.loadOne(ctx, in, entry)
		if err != nil {
			return refs, err
		}
		refs = append(refs, loaded...)
	}
	return refs, nil
}

// loadOne loads one image of an archive and names it.
func (e *Engine) loadOne(ctx context.Context, in *unarchived, entry archived) (refs []string, err error) {
	raw, err := in.read(entry.Config)
	if err != nil {
		return nil, err
	}
	id := digest.FromBytes(raw)
	tags := entry.RepoTags
	entry.RepoTags = []string{e.session.Mark(id)}
	files := []file{in.file(entry.Config)}
	for _, name := range entry.Layers {
		if !in.has(name) {
			return nil, sim.Refuse("the archive has no %s, a layer of its image", name)
		}
		files = append(files, in.file(name))
	}
	engineID, err := e.load(ctx, files, entry)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		familiar, err := sim.Familiar(tag)
		if err != nil {
			return refs, err
		}
		if err := e.name(ctx, engineID, familiar); err != nil {
			return refs, err
		}
		refs = append(refs, familiar)
	}
	if len(tags) == 0 {
		refs = []string{id.String()}
	}
	return refs, nil
}

// unarchived is an archive on disk, with where in it each file is.
type unarchived struct {
	data  *os.File
	parts map[string][2]int64 // offset and size
}

// unarchive keeps the files of an archive in f.
func unarchive(archive io.Reader, f *os.File) (*unarchived, error) {
	plain, err := fs.Decompress(archive, fs.DefaultLimits)
	if err != nil {
		return nil, sim.Refuse("the archive cannot be read: %v", err)
	}
	defer plain.Close()
	u := &unarchived{f, map[string][2]int64{}}
	links := map[string]string{}
	in := tar.NewReader(io.TeeReader(plain, io.Discard))
	var end int64
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, sim.Refuse("the archive cannot be read: %v", err)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			n, err := io.Copy(f, in)
			if err != nil {
				return nil, fmt.Errorf("keeping the archive: %w", err)
			}
			u.parts[name] = [2]int64{end, n}
			end += n
		case tar.TypeSymlink:
			links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			links[name] = path.Clean(h.Linkname)
		}
	}
	for name, target := range links { // docker save links equal layers
		if part, ok := u.parts[target]; ok {
			u.parts[name] = part
		}
	}
	return u, nil
}

func (u *unarchived) has(name string) bool {
	_, ok := u.parts[path.Clean(name)]
	return ok
}

func (u *unarchived) file(name string) file {
	part := u.parts[path.Clean(name)]
	return file{name, part[1], func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(u.data, part[0], part[1])), nil
	}}
}

// maxText is how long the texts of an archive may be.
const maxText = 8 << 20

func (u *unarchived) read(name string) ([]byte, error) {
	part, ok := u.parts[path.Clean(name)]
	if !ok || part[1] > maxText {
		return nil, sim.Refuse("the archive has no %s that can be read", name)
	}
	b := make([]byte, part[1])
	_, err := u.data.ReadAt(b, part[0])
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// entries are the images of an archive, by Docker's manifest, else by that of
// an OCI layout (image-spec, image-layout.md).
func (u *unarchived) entries() ([]archived, error) {
	var entries []archived
	raw, err := u.read("manifest.json")
	if err != nil {
		return u.layout()
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, sim.Refuse("the archive's manifest.json is damaged: %v", err)
	}
	return entries, nil
}

func (u *unarchived) layout() ([]archived, error) {
	raw, err := u.read("index.json")
	if err != nil {
		return nil, sim.Refuse("the archive is neither Docker's nor an OCI layout: it has no manifest.json and no index.json")
	}
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, sim.Refuse("the archive's index.json is damaged: %v", err)
	}
	return u.manifests(index, "")
}

func (u *unarchived) manifests(index ocispec.Index, name string) (entries []archived, err error) {
	for _, d := range index.Manifests {
		if d.Platform != nil && (d.Platform.OS != "linux" || d.Platform.Architecture != runtime.GOARCH) {
			continue
		}
		named := name
		for _, key := range []string{ocispec.AnnotationRefName, "io.containerd.image.name"} {
			if ref := d.Annotations[key]; ref != "" {
				named = ref
			}
		}
		more, err := u.manifest(d, named)
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	return entries, nil
}

func blobName(d digest.Digest) string { return "blobs/sha256/" + d.Encoded() }

func (u *unarchived) manifest(d ocispec.Descriptor, name string) ([]archived, error) {
	raw, err := u.read(blobName(d.Digest))
	if err != nil {
		return nil, err
	}
	if digest.FromBytes(raw) != d.Digest {
		return nil, sim.Refuse("the archive is damaged: %s has another digest", blobName(d.Digest))
	}
	var m struct {
		ocispec.Manifest
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, sim.Refuse("the archive's manifest %s is damaged: %v", d.Digest, err)
	}
	if m.Manifests != nil {
		return u.manifests(ocispec.Index{Manifests: m.Manifests}, name)
	}
	entry := archived{Config: blobName(m.Config.Digest)}
	if name != "" {
		entry.RepoTags = []string{name}
	}
	for _, l := range m.Layers {
		entry.Layers = append(entry.Layers, blobName(l.Digest))
	}
	return []archived{entry}, nil
}

// Save writes images as an archive that is both Docker's and an OCI layout:
// what the engine saves, put in order.
func (e *Engine) Save(ctx context.Context, refs []string, archive io.Writer) error {
	out := archiver{seen: map[string]bool{}}
	for _, ref := range refs {
		img, err := e.find(ctx, ref)
		if sim.IsRefusal(err, sim.MissingImage) {
			return sim.NoReference()
		} else if err != nil {
			return err
		}
		familiar, err := sim.Familiar(ref)
		if err != nil || !contains(img.Tags, familiar) {
			familiar = ""
		}
		if err := e.addSaved(ctx, &out, img, familiar); err != nil {
			return err
		}
	}
	index, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: out.manifests})
	if err != nil {
		return err
	}
	out.add(text(ocispec.ImageIndexFile, index))
	out.add(text(ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`)))
	return writeArchive(archive, out.files, out.entries...)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// archiver gathers an archive.
type archiver struct {
	seen      map[string]bool
	files     []file
	entries   []archived
	manifests []ocispec.Descriptor
}

func (o *archiver) add(f file) {
	if !o.seen[f.name] {
		o.seen[f.name] = true
		o.files = append(o.files, f)
	}
}

func (e *Engine) addSaved(ctx context.Context, out *archiver, img image, tag string) error {
	has, err := e.content(ctx, img.engine)
	if err != nil {
		return err
	}
	defer has.Close()
	if len(has.layers) != len(img.Layers) {
		return errors.New("the engine saved another image than it was asked for: try again")
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: img.ID, Size: int64(len(img.raw))},
	}
	entry := archived{Config: blobName(img.ID)}
	out.add(text(entry.Config, img.raw))
	for i, l := range has.layers {
		f, err := e.plain(l, blobName(img.Layers[i]))
		if err != nil {
			return err
		}
		out.add(f)
		entry.Layers = append(entry.Layers, f.name)
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: img.Layers[i], Size: f.size})
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	d := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	if tag != "" {
		entry.RepoTags = []string{tag}
		d.Annotations = map[string]string{"io.containerd.image.name": tag, ocispec.AnnotationRefName: tag}
	}
	out.add(file{blobName(d.Digest), int64(len(raw)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }})
	out.entries, out.manifests = append(out.entries, entry), append(out.manifests, d)
	return nil
}
