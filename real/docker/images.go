package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	imagetypes "github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"twinlayer/real/docker/owned"
	"twinlayer/sim"
)

// image is an image in the engine.
type image struct {
	engine digest.Digest // its id there: with containerd's store the manifest's digest
	sim.Image
	raw  []byte   // the configuration blob
	refs []string // this session's references to it; what changes of it, as its tags
}

// Images are the images of this session, newest first.
func (e *Engine) Images(ctx context.Context) ([]sim.Image, error) {
	found, err := e.own(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]sim.Image, len(found))
	for i, img := range found {
		out[i] = img.Image
	}
	return out, nil
}

// own are the images that have a reference of this session.
func (e *Engine) own(ctx context.Context) ([]image, error) {
	all, err := list(ctx, e.client, client.ImageListOptions{All: true})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	var out []image
	for _, item := range all {
		tags, refs := e.tags(item.RepoTags)
		if refs == nil {
			continue
		}
		img, err := e.describe(ctx, digest.Digest(item.ID))
		if err != nil {
			return nil, err
		}
		img.Tags, img.refs, img.Parent = tags, refs, e.parent(img.ID)
		out = append(out, img)
	}
	slices.SortFunc(out, func(a, b image) int { return sim.CompareImages(a.Image, b.Image) })
	return out, nil
}

// list lists images.
func list(ctx context.Context, api *client.Client, options client.ImageListOptions) (found []imagetypes.Summary, err error) {
	err = again(ctx, func() error {
		got, err := api.ImageList(ctx, options)
		found = got.Items
		return err
	})
	return found, err
}

// removedMeanwhile is what Podman says when something is removed by another client while
// it makes a list. It gives up then; Docker leaves it out.
var removedMeanwhile = regexp.MustCompile(`(image|layer|container|volume) not known|no such (image|container|volume|layer)|does not exist in database|locating item named "manifest"`)

// again asks for a list until nothing is removed meanwhile.
func again(ctx context.Context, ask func() error) error {
	for try := 1; ; try++ {
		err := ask()
		if err == nil || try == 50 || ctx.Err() != nil || !removedMeanwhile.MatchString(err.Error()) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// tags are those of an image's references that are this session's, and what it
// shows of them.
func (e *Engine) tags(all []string) (shown, ours []string) {
	for _, ref := range all {
		s, marked := owned.Owner(ref)
		if !marked || s != e.session || strings.HasPrefix(ref, s.Prefix()+owned.Held) {
			continue
		}
		ours = append(ours, ref)
		if tag, ok := e.session.Shown(ref); ok {
			shown = append(shown, tag)
		}
	}
	slices.Sort(shown)
	return shown, ours
}

func (e *Engine) parent(id digest.Digest) digest.Digest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parents[id]
}

// Image is one of this session's images.
func (e *Engine) Image(ctx context.Context, ref string) (sim.Image, error) {
	img, err := e.find(ctx, ref)
	return img.Image, err
}

func (e *Engine) find(ctx context.Context, ref string) (image, error) {
	all, err := e.own(ctx)
	if err != nil {
		return image{}, err
	}
	values := make([]sim.Image, len(all))
	for i, img := range all {
		values[i] = img.Image
	}
	found, err := sim.FindImage(values, ref)
	if err != nil {
		return image{}, err
	}
	return all[slices.IndexFunc(all, func(i image) bool { return i.ID == found.ID })], nil
}

// describe reads what the engine keeps of an image, once.
func (e *Engine) describe(ctx context.Context, id digest.Digest) (image, error) {
	if id.Validate() != nil {
		id = digest.NewDigestFromEncoded(digest.SHA256, string(id)) // Podman's list has no prefix
	}
	e.mu.Lock()
	known := e.images[id]
	e.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	img := image{engine: id}
	var err error
	if img.raw, err = e.configuration(ctx, id); err != nil {
		return img, err
	}
	img.ID = digest.FromBytes(img.raw)
	var config dockerspec.DockerOCIImage
	if err := json.Unmarshal(img.raw, &config); err != nil {
		return img, fmt.Errorf("the configuration of image %s is damaged: %w", id, err)
	}
	img.Config, img.Layers = config, config.RootFS.DiffIDs
	if img.Sizes, err = e.sizes(ctx, img); err != nil {
		return img, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.images[id] = &img
	return img, nil
}

// configuration is the configuration blob: from the engine's store where it
// can be read.
func (e *Engine) configuration(ctx context.Context, id digest.Digest) ([]byte, error) {
	blob := filepath.Join(e.info.DockerRootDir, "image", e.info.Driver, "imagedb", "content", "sha256", id.Encoded())
	if e.cfg.Podman { // containers/storage, images.go
		blob = filepath.Join(e.info.DockerRootDir, e.info.Driver+"-images", id.Encoded(), "="+base64.StdEncoding.EncodeToString([]byte(id)))
	}
	if raw, err := os.ReadFile(blob); err == nil && digest.FromBytes(raw) == id {
		return raw, nil
	}
	c, err := e.content(ctx, id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.config, nil
}

// sizes are the bytes of the regular files of each layer. The engine's own
// numbers count what symlinks hold too.
func (e *Engine) sizes(ctx context.Context, img image) ([]int64, error) {
	trees, err := e.layers(ctx, img)
	sizes := make([]int64, len(trees))
	for i, tree := range trees {
		sizes[i] = tree.Bytes()
	}
	return sizes, err
}

// Tag gives an image another reference of this session.
func (e *Engine) Tag(ctx context.Context, source, target string) error {
	img, err := e.find(ctx, source)
	if err != nil {
		return err
	}
	familiar, err := sim.Familiar(target)
	if err != nil {
		return err
	}
	return e.name(ctx, img.engine, familiar)
}

// name gives the reference ref to an image of the engine.
func (e *Engine) name(ctx context.Context, id digest.Digest, ref string) error {
	if err := e.yield(ctx, ref, id); err != nil {
		return err
	}
	_, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: id.String(), Target: e.session.Inside(ref)})
	return e.cfg.Explain(err)
}

// yield makes way for another image to be called ref: the one that is called
// so now stays, marked as ours.
func (e *Engine) yield(ctx context.Context, ref string, to digest.Digest) error {
	all, err := e.own(ctx)
	if err != nil {
		return err
	}
	for _, img := range all {
		if slices.Contains(img.Tags, ref) && img.engine != to {
			return e.mark(ctx, img.engine)
		}
	}
	return nil
}

// mark keeps an image as ours whatever tags it loses.
func (e *Engine) mark(ctx context.Context, id digest.Digest) error {
	_, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: id.String(), Target: e.session.Mark(id)})
	return e.cfg.Explain(err)
}

// RemoveImage takes references of this session off their image. The engine
// removes the image with the last one, unless a stranger has another.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) (sim.RemoveResult, error) {
	all, err := e.own(ctx)
	if err != nil {
		return sim.RemoveResult{}, err
	}
	containers, err := e.Containers(ctx)
	if err != nil {
		return sim.RemoveResult{}, err
	}
	values := make([]sim.Image, len(all))
	for i, img := range all {
		values[i] = img.Image
	}
	removed, err := sim.Removal(values, containers, nil, ref, force)
	if err != nil {
		return removed, err
	}
	for _, img := range all {
		used := slices.ContainsFunc(containers, func(c sim.Container) bool { return c.ImageID == img.ID })
		if err := e.take(ctx, img, removed, force, used); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// take does to one image, which a container may use, what removed says.
func (e *Engine) take(ctx context.Context, img image, removed sim.RemoveResult, force, used bool) error {
	gone := slices.Contains(removed.Deleted, img.ID)
	refs := img.refs
	if !gone {
		refs = nil
		for _, tag := range img.Tags {
			if slices.Contains(removed.Untagged, tag) {
				refs = append(refs, e.session.Inside(tag))
			}
		}
	}
	if !gone && refs != nil {
		if err := e.mark(ctx, img.engine); err != nil {
			return err
		}
	}
	if gone && used && e.cfg.Podman { // whose force removes containers too
		force = false
		_, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: img.engine.String(), Target: e.session.Hold(img.engine)})
		if err != nil {
			return e.cfg.Explain(err)
		}
	}
	for _, ref := range refs {
		if _, err := e.client.ImageRemove(ctx, ref, client.ImageRemoveOptions{Force: force}); err != nil {
			return e.cfg.Explain(err)
		}
	}
	return nil
}

// release lets go of an image that only containers held, with the last of
// them.
func (e *Engine) release(ctx context.Context, img image) error {
	for _, c := range e.handled() {
		if c.image.engine == img.engine {
			return nil
		}
	}
	_, err := e.client.ImageRemove(ctx, e.session.Hold(img.engine), client.ImageRemoveOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return e.cfg.Explain(err)
}
