package compare

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// ImageMap are which image of the model is which image of the real engine. An
// image that a command makes of the same files has another id in each world,
// because its configuration names layers whose files carry each world's own
// times. Such images are the same if their configurations are, but for the
// diffIDs, and their layers have equal canonical digests.
//
// A [Session] keeps them: after each command it pairs the images that the
// command made; texts are compared with the model's ids replaced by the real
// ones ([ImageMap.Real]); and an id that a learner typed, as one world prints it,
// is replaced by the other's for the other ([ImageMap.args]). Whoever adds a
// command that makes images, as docker build, has nothing to do for it but to
// give both worlds the same times and the same configuration. The zero value
// is empty.
type ImageMap struct {
	model map[digest.Digest]digest.Digest // of images: the model's id to the real one
	as    map[string]sim.Image            // of images: the model's id to the real image
	ids   map[string]string               // the same of all digests: images, layers, chains; hexadecimal
	odd   map[string]say.Phrase           // by the model's image id: what is not the same
	made  map[string]bool                 // by the same: its layers are equal but for what engines make themselves
	seen  map[digest.Digest]bool          // ids that were looked at, of both worlds
	sums  map[digest.Digest]digest.Digest // canonical digests by diffID
}

// Side is one world's images.
type Side struct {
	Engine sim.Engine
	Images []sim.Image
}

// Learn pairs the images that are new on both sides.
func (p *ImageMap) Learn(ctx context.Context, model, real Side) {
	if p.model == nil {
		*p = ImageMap{map[digest.Digest]digest.Digest{}, map[string]sim.Image{}, map[string]string{}, map[string]say.Phrase{}, map[string]bool{}, map[digest.Digest]bool{}, map[digest.Digest]digest.Digest{}}
	}
	news, theirs := p.unseen(model.Images), p.unseen(real.Images)
	same := configuration
	if _, ok := real.Engine.(sim.Builder); ok {
		same = ownConfiguration
	}
	for _, m := range news {
		i := slices.IndexFunc(theirs, func(r sim.Image) bool { return r.ID != m.ID && same(m) == same(r) })
		if slices.ContainsFunc(real.Images, func(r sim.Image) bool { return r.ID == m.ID }) || i < 0 {
			continue
		}
		p.pair(ctx, model, real, m, theirs[i])
		theirs = slices.Delete(theirs, i, i+1)
	}
}

// unseen are the images not looked at before, oldest first.
func (p *ImageMap) unseen(all []sim.Image) (out []sim.Image) {
	for _, img := range slices.Backward(all) {
		if !p.seen[img.ID] {
			out = append(out, img)
			p.seen[img.ID] = true
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return len(out[i].Config.History) < len(out[j].Config.History) })
	return out
}

// pair notes that m and r are the same image, or what is not the same.
func (p *ImageMap) pair(ctx context.Context, model, real Side, m, r sim.Image) {
	p.model[m.ID], p.as[m.ID.String()] = r.ID, r
	p.ids[m.ID.Encoded()] = r.ID.Encoded()
	if len(m.Layers) != len(r.Layers) {
		p.odd[m.ID.String()] = sayOtherLayerCount
		return
	}
	switch same, err := p.sameLayers(ctx, model, real, m, r); {
	case err != nil:
		p.odd[m.ID.String()] = sayLayersNotCompared(err.Error())
	case !same && p.sameWithoutOwn(ctx, model, real, m, r):
		p.made[m.ID.String()] = true
	case !same:
		p.odd[m.ID.String()] = sayOtherContents
	}
	p.alias(m, r)
}

// alias notes that the layers of m are those of r.
func (p *ImageMap) alias(m, r sim.Image) {
	theirs := sim.Chains(r)
	for i, chain := range sim.Chains(m) {
		p.ids[m.Layers[i].Encoded()] = r.Layers[i].Encoded()
		p.ids[chain.Encoded()] = theirs[i].Encoded()
	}
}

// InModel is an image of the real world alone as the model takes it over: on
// the layers that it has already, though by other digests.
func (p *ImageMap) InModel(r sim.Image) sim.Image {
	m := r
	m.Parent = cmp.Or(p.Other(r.Parent), r.Parent)
	m.Layers = slices.Clone(r.Layers)
	for own, real := range p.ids {
		if i := slices.Index(r.Layers, digest.NewDigestFromEncoded(digest.SHA256, real)); i >= 0 {
			m.Layers[i] = digest.NewDigestFromEncoded(digest.SHA256, own)
		}
	}
	if !slices.Equal(m.Layers, r.Layers) {
		p.as[m.ID.String()] = r
		p.alias(m, r)
	}
	return m
}

// sameLayers compares the layers whose diffIDs differ by canonical digest.
func (p *ImageMap) sameLayers(ctx context.Context, model, real Side, m, r sim.Image) (bool, error) {
	if slices.Equal(m.Layers, r.Layers) {
		return true, nil
	}
	x, err := p.canonical(ctx, model.Engine, m)
	if err != nil {
		return false, err
	}
	y, err := p.canonical(ctx, real.Engine, r)
	return slices.Equal(x, y), err
}

// enginesOwn are the paths that engines make themselves in a container, and
// that an exported root file system brings into an image.
var enginesOwn = regexp.MustCompile(`^/(\.dockerenv|dev(/.*)?|etc/(hostname|hosts|mtab|resolv\.conf)|proc|run(/\.containerenv)?|sys)$`)

// sameWithoutOwn compares the layers of images without what engines make
// themselves.
func (p *ImageMap) sameWithoutOwn(ctx context.Context, model, real Side, m, r sim.Image) bool {
	x, err := model.Engine.Layers(ctx, m.ID.String())
	if err != nil {
		return false
	}
	y, err := real.Engine.Layers(ctx, r.ID.String())
	if err != nil {
		return false
	}
	for i := range x {
		if a, b := withoutOwn(x[i]), withoutOwn(y[i]); a == "" || a != b {
			return false
		}
	}
	return true
}

// withoutOwn is the digest of a layer without what engines make themselves.
func withoutOwn(layer *fs.Tree) digest.Digest {
	b := fs.NewCopy()
	for p := range layer.All() {
		if !enginesOwn.MatchString(p.Path) {
			b.Add(p, p.Path, *p.Node)
		}
	}
	sum, err := b.Tree().Digest()
	if err != nil {
		return ""
	}
	return sum
}

// canonical are the canonical digests of an image's layers.
func (p *ImageMap) canonical(ctx context.Context, e sim.Engine, img sim.Image) ([]digest.Digest, error) {
	out := make([]digest.Digest, len(img.Layers))
	var trees []*fs.Tree
	for i, diffID := range img.Layers {
		sum, ok := p.sums[diffID]
		if !ok && trees == nil {
			var err error
			if trees, err = e.Layers(ctx, img.ID.String()); err != nil {
				return nil, err
			}
		}
		if !ok {
			var err error
			if sum, err = trees[i].Digest(); err != nil {
				return nil, err
			}
			p.sums[diffID] = sum
		}
		out[i] = sum
	}
	return out, nil
}

// Real is a text of the model with every id of the model that is known to
// have another one in the real world replaced by that: whole ids and ids cut
// to twelve digits.
func (p *ImageMap) Real(text string) string {
	if p == nil || len(p.ids) == 0 {
		return text
	}
	var list []string
	for m, r := range p.ids {
		list = append(list, m, r)
	}
	for m, r := range p.ids {
		list = append(list, m[:12], r[:12])
	}
	return strings.NewReplacer(list...).Replace(text)
}

// RealImages are the model's images with the ids and layers of the real ones,
// and their sizes where engines make some of the files themselves. It goes by the image: two images of the model can share a layer that is two
// in the real world, where the same files were written a second apart.
func (p *ImageMap) RealImages(all []sim.ImageView) []sim.ImageView {
	out := slices.Clone(all)
	for i, v := range out {
		if r, ok := p.as[v.ID]; ok && len(r.Layers) == len(v.Layers) {
			out[i].ID, out[i].Layers = r.ID.String(), sim.ImageViews(r)[0].Layers
			if p.made[v.ID] {
				out[i].Size = r.Size()
			}
		}
	}
	return out
}

// difference says in what a model's image that has its pair is not the same.
func (p *ImageMap) difference(v sim.View) say.Phrase {
	if p == nil {
		return say.Phrase{}
	}
	for _, img := range v.Images {
		if why := p.odd[img.ID]; !why.Empty() {
			return why
		}
	}
	return say.Phrase{}
}

// own says whether an image of the model has its pair in all but what engines
// make themselves.
func (p *ImageMap) own(v sim.View) bool {
	return p != nil && slices.ContainsFunc(v.Images, func(img sim.ImageView) bool { return p.made[img.ID] })
}

// Args are the arguments of a command as the other world has to read them:
// what can only be an id of one world's image is replaced by the other's. The
// returned function puts what was typed back into a text of that world.
func (p *ImageMap) Args(args []string, from, to Side) ([]string, func(string) string) {
	out, back := slices.Clone(args), []string{}
	for i, arg := range args {
		prefix := strings.TrimPrefix(arg, "sha256:")
		if _, err := sim.FindImage(to.Images, arg); err == nil || !isHex(prefix) {
			continue
		}
		img, err := sim.FindImage(from.Images, arg)
		other := p.Other(img.ID)
		if err != nil || !sim.IsIDPrefix(img, arg) || other == "" {
			continue
		}
		out[i] = strings.TrimSuffix(arg, prefix) + other.Encoded()[:len(prefix)]
		back = append(back, other.Encoded()[:len(prefix)], prefix)
	}
	return out, strings.NewReplacer(back...).Replace
}

func isHex(s string) bool { return len(s) >= 3 && strings.Trim(s, "0123456789abcdef") == "" }

// Other is the id that the same image has in the other world; "" where none
// is known.
func (p *ImageMap) Other(id digest.Digest) digest.Digest {
	if r, ok := p.model[id]; ok {
		return r
	}
	for m, r := range p.model {
		if r == id {
			return m
		}
	}
	return ""
}

// ownConfiguration is what is the same of an image whatever builder has made it: an
// engine's own gives other times, and digests of its own to what COPY copies;
// Docker's on containerd names the base image's author beside its first steps.
func ownConfiguration(img sim.Image) string {
	img.Config.Created, img.Config.Author = nil, ""
	img.Config.History = slices.Clone(img.Config.History)
	for i := range img.Config.History {
		h := &img.Config.History[i]
		h.Created, h.Author, h.CreatedBy = nil, "", sim.WithoutContent(h.CreatedBy)
	}
	return configuration(img)
}

// configuration is an image's configuration without what names its layers.
func configuration(img sim.Image) string {
	img.Config.RootFS.DiffIDs = nil
	b, _ := json.Marshal(img.Config)
	return string(b)
}
