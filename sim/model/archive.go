package model

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"
)

// Load takes in the images of an archive. Their layers are known by the real
// engine first, which the model then follows.
func (m *Model) Load(_ context.Context, archive io.Reader) ([]string, error) {
	return nil, &sim.Unknown{Why: sayArchiveUnpacked}
}

// Push sends an image to a registry; the model knows twinlayer's own alone.
func (m *Model) Push(_ context.Context, ref string) (p sim.PushResult, err error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.PushResult{}, err
	}
	err = m.do(func(t *transition) error {
		img, err := sim.FindImage(t.model.images(t.state), ref)
		if err != nil || !slices.Contains(img.Tags, familiar) {
			return sim.Refuse("An image does not exist locally with the tag: %s", repositoryOf(familiar))
		}
		if m.ownRegistry(ref) {
			full, _ := t.state.image(img.ID)
			p = t.pushLocal(familiar, full)
			return nil
		}
		for _, diffID := range slices.Backward(img.Layers) {
			t.step("push", "/", sayLayerPushed(sim.Short(diffID)))
		}
		t.step("push", "/", sayManifestPushed(familiar))
		return &sim.Unknown{Why: sayRegistryHas}
	})
	return p, err
}

func repositoryOf(ref string) string {
	name, _ := sim.SplitTag(ref)
	return name
}

// Save writes images as an archive.
func (m *Model) Save(_ context.Context, refs []string, w io.Writer) error {
	st := m.State()
	var images []image
	var entries []archived
	for _, ref := range refs {
		img, err := sim.FindImage(st.Images(), ref)
		if err != nil {
			return sim.NoReference()
		}
		full, _ := st.image(img.ID)
		tags := img.Tags
		if !sim.IsIDPrefix(img, ref) || slices.ContainsFunc(img.Tags, func(t string) bool { return sameRef(t, ref) }) {
			familiar, _ := sim.Familiar(ref)
			tags = []string{familiar}
		}
		images, entries = append(images, full), append(entries, newArchived(full, tags))
	}
	a := archiveWriter{tar.NewWriter(w), map[string]bool{}, &m.contents}
	for _, img := range images {
		if err := a.image(st, img); err != nil {
			return err
		}
	}
	manifest, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("writing the archive's manifest: %w", err)
	}
	if err := a.file("manifest.json", manifest); err != nil {
		return err
	}
	return a.w.Close()
}

func sameRef(tag, ref string) bool {
	familiar, err := sim.Familiar(ref)
	return err == nil && familiar == tag
}

// archived is an image in the manifest.json of Docker's archives.
type archived struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func newArchived(img image, tags []string) archived {
	a := archived{Config: blobPath(img.ID), RepoTags: tags}
	for _, diffID := range img.Layers {
		a.Layers = append(a.Layers, blobPath(diffID))
	}
	return a
}

func blobPath(d digest.Digest) string { return "blobs/" + d.Algorithm().String() + "/" + d.Encoded() }

// archiveWriter is an archive that is being written.
type archiveWriter struct {
	w       *tar.Writer
	written map[string]bool
	*contents.Store
}

func (a archiveWriter) image(st State, img image) error {
	for _, diffID := range img.Layers {
		if err := a.layer(st.layer(diffID)); err != nil {
			return err
		}
	}
	return a.file(blobPath(img.ID), img.blob)
}

func (a archiveWriter) layer(l contents.Layer) error {
	name := blobPath(l.DiffID)
	if a.written[name] {
		return nil
	}
	size, err := a.length(l)
	if err != nil {
		return err
	}
	a.written[name] = true
	if err := a.w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	r, err := a.Tar(l)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(a.w, r)
	return err
}

// length is how long a layer's tar is.
func (a archiveWriter) length(l contents.Layer) (int64, error) {
	r, err := a.Tar(l)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}

func (a archiveWriter) file(name string, text []byte) error {
	if a.written[name] {
		return nil
	}
	a.written[name] = true
	if err := a.w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err := a.w.Write(text)
	return err
}

// Evidence is what could be seen of a container from outside, if the model
// were a machine.
func (m *Model) Evidence(_ context.Context, key string) ([]sim.Evidence, error) {
	st := m.State()
	c, err := st.container(key)
	if err != nil {
		return nil, err
	}
	out := []sim.Evidence{{What: sayItsLayers, Told: layerList(c)}}
	if c.Status == sim.Running {
		out = append(out,
			sim.Evidence{What: sayItsMount, Shown: "overlay on / type overlay (rw,lowerdir=…,upperdir=…,workdir=…)", Again: "docker exec " + c.Name + " cat /proc/self/mounts"},
			sim.Evidence{What: sayItsProcess, Told: []say.Phrase{sayProcessInside(c.pid)}, Again: "docker top " + c.Name},
			sim.Evidence{What: sayItsNamespaces, Shown: fmt.Sprintf("mnt:[%d] uts:[%d] ipc:[%d] pid:[%d] net:[%d]", c.ns.Mnt, c.ns.UTS, c.ns.IPC, c.ns.PID, c.ns.Net), Again: "ls -l /proc/PID/ns"})
	}
	return append(out, sim.Evidence{What: sayBootID, Shown: strings.TrimSpace(st.Machine.BootID), Again: "cat /proc/sys/kernel/random/boot_id"}), nil
}

func layerList(c container) []say.Phrase {
	own := c.root().Upper()
	all := []say.Phrase{sayItsOwnLayer(paths(own), own.Bytes())}
	for _, l := range slices.Backward(c.root().Layers()) {
		all = append(all, sayLayerPaths(l.Name, paths(l.Tree), l.Tree.Bytes()))
	}
	return all
}

func paths(t *fs.Tree) (n int) {
	for range t.All() {
		n++
	}
	return n
}
