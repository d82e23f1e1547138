package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"twinlayer/real/docker/daemon"
	"twinlayer/sim"
)

// Pull lets the engine pull. A short name is the bundled registry's.
func (e *Engine) Pull(ctx context.Context, ref string) (sim.PullResult, error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	registry, repository, version, err := sim.SplitRef(ref)
	if err != nil {
		return sim.PullResult{}, err
	}
	before, _ := e.find(ctx, familiar)
	var pulled sim.PullResult
	var id digest.Digest
	if registry == "" {
		registry = e.cfg.Images
	}
	if registry == "" {
		pulled, id, err = e.bundled(ctx, repository, version)
	} else {
		pulled, id, err = e.fetch(ctx, e.reached(registry)+"/"+repository+separator(version)+version, ref)
	}
	if err != nil {
		return sim.PullResult{}, err
	}
	pulled.Ref, pulled.UpToDate = familiar, before.engine == id
	return pulled, e.name(ctx, id, familiar)
}

func separator(version string) string {
	if digest.Digest(version).Validate() == nil {
		return "@"
	}
	return ":"
}

// fetch lets the engine pull target, and gives the reference back to whom it
// named before, or to nobody.
func (e *Engine) fetch(ctx context.Context, target, ref string) (sim.PullResult, digest.Digest, error) {
	old, err := e.client.ImageInspect(ctx, target)
	had := err == nil
	pulled, err := e.transfer(ctx, target)
	if err != nil {
		return pulled, "", e.refusedPull(ctx, err, target, ref)
	}
	got, err := e.client.ImageInspect(ctx, target)
	if err != nil {
		return pulled, "", e.cfg.Explain(err)
	}
	id := whole(got.ID)
	if err := e.mark(ctx, id); err != nil {
		return pulled, "", err
	}
	switch {
	case !had:
		_, err = e.client.ImageRemove(ctx, target, client.ImageRemoveOptions{})
	case old.ID != got.ID && separator(target) == ":":
		_, err = e.client.ImageTag(ctx, client.ImageTagOptions{Source: old.ID, Target: target})
	}
	return pulled, id, e.cfg.Explain(err)
}

// whole is an image's id with its algorithm, which Podman leaves out.
func whole(id string) digest.Digest {
	return digest.Digest("sha256:" + strings.TrimPrefix(id, "sha256:"))
}

// transfer pulls, and reads what the engine tells of it.
func (e *Engine) transfer(ctx context.Context, target string) (sim.PullResult, error) {
	var pulled sim.PullResult
	if e.cfg.Podman && plainHTTP(target) {
		if err := e.pullPlain(ctx, target); err != nil {
			return pulled, err
		}
		return e.fromManifest(ctx, target, pulled)
	}
	stream, err := e.client.ImagePull(ctx, target, client.ImagePullOptions{RegistryAuth: auth(target)})
	if err != nil {
		return pulled, err
	}
	defer stream.Close()
	for m, err := range stream.JSONMessages(ctx) {
		if err != nil {
			return pulled, err
		}
		if m.Error != nil {
			return pulled, m.Error
		}
		note(&pulled, m)
	}
	if e.cfg.Podman || len(pulled.Layers) == 0 { // Docker tells of no layer of an image that it has by another name
		return e.fromManifest(ctx, target, pulled)
	}
	return pulled, nil
}

// note takes one message of a pull.
func note(p *sim.PullResult, m jsonstream.Message) {
	if text, ok := strings.CutPrefix(m.Status, "Digest: "); ok {
		p.Digest = digest.Digest(text)
	}
	layer := sim.PulledLayer{Digest: digest.Digest("sha256:" + m.ID), Exists: m.Status == "Already exists"}
	known := slices.ContainsFunc(p.Layers, func(l sim.PulledLayer) bool { return l.Digest == layer.Digest })
	if layerID.MatchString(m.ID) && !known { // where another client pulls it too, it is not told from its beginning
		p.Layers = append(p.Layers, layer)
	}
}

// layerID is how messages call layers; the first one has the tag.
var layerID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// fromManifest asks the registry what was pulled, where the engine does not
// tell.
func (e *Engine) fromManifest(ctx context.Context, target string, p sim.PullResult) (sim.PullResult, error) {
	img, err := e.manifest(ctx, target)
	if err != nil {
		return p, err
	}
	hash, err := img.Digest()
	if err != nil {
		return p, err
	}
	layers, err := img.Layers()
	if err != nil {
		return p, err
	}
	p.Digest = digest.Digest(hash.String())
	for _, l := range layers {
		d, err := l.Digest()
		if err != nil {
			return p, err
		}
		id, err := l.DiffID()
		if err != nil {
			return p, err
		}
		p.Layers = append(p.Layers, sim.PulledLayer{Digest: digest.Digest(d.String()), Exists: e.hasLayer(digest.Digest(id.String()))})
	}
	return p, nil
}

// manifest is an image as its registry tells of it.
func (e *Engine) manifest(ctx context.Context, target string) (v1.Image, error) {
	ref, err := name.ParseReference(target)
	if err != nil {
		return nil, err
	}
	return remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
}

// hasLayer says whether an image of this session has the layer.
func (e *Engine) hasLayer(diffID digest.Digest) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, img := range e.images {
		if slices.Contains(img.Layers, diffID) {
			return true
		}
	}
	return false
}

// refusedPull puts what the engine says of a failed pull into docker's words.
// Containerd does not tell what was not found, and the registry does.
func (e *Engine) refusedPull(ctx context.Context, err error, target, ref string) error {
	text := err.Error()
	if strings.Contains(text, "failed to resolve reference") && strings.HasSuffix(text, ": not found") {
		if _, asked := e.manifest(ctx, target); asked != nil {
			text = asked.Error()
		}
	}
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case has("toomanyrequests", "Too Many Requests"):
		return e.cfg.Explain(err)
	case has("manifest unknown", "MANIFEST_UNKNOWN"):
		return sim.ManifestUnknown(ref)
	case has("name unknown", "NAME_UNKNOWN", "repository name not known", "denied", "unauthorized", "does not exist"):
		return sim.PullDenied(ref)
	case unreachable(err):
		return sim.Refuse("%s", daemon.Words(err))
	}
	return e.cfg.Explain(err)
}

// bundled brings a bundled image into the engine: pulled from twinlayer's
// registry, or loaded where the engine cannot see our loopback.
func (e *Engine) bundled(ctx context.Context, repository, version string) (sim.PullResult, digest.Digest, error) {
	ref := repository + separator(version) + version
	if e.cfg.Addr != "" && !e.blind {
		pulled, id, err := e.fetch(ctx, e.cfg.Addr+"/"+ref, ref)
		if err == nil || !unreachable(err) {
			return pulled, id, err
		}
		e.blind = true
	}
	artifact, err := e.cfg.Registry.Resolve(ctx, repository, version)
	if err != nil {
		return sim.PullResult{}, "", err
	}
	return e.loadBundled(ctx, artifact)
}

// unreachable says whether the engine could not reach the registry.
func unreachable(err error) bool {
	text := err.Error()
	return slices.ContainsFunc([]string{"connection refused", "no route to host", "server gave HTTP response to HTTPS client", "network is unreachable", "i/o timeout"},
		func(part string) bool { return strings.Contains(text, part) })
}

// loadBundled hands an image over as an archive.
func (e *Engine) loadBundled(ctx context.Context, a *sim.Artifact) (sim.PullResult, digest.Digest, error) {
	id := digest.FromBytes(a.Config)
	p := sim.PullResult{Digest: digest.FromBytes(a.Manifest)}
	entry := archived{Config: "config.json", RepoTags: []string{e.session.Mark(id)}}
	files := []file{{"config.json", int64(len(a.Config)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(a.Config)), nil }}}
	img, err := configOf(a.Config)
	if err != nil {
		return p, "", err
	}
	for i, blob := range a.Layers {
		name := blob.Descriptor.Digest.Encoded() + ".tar"
		entry.Layers = append(entry.Layers, name)
		files = append(files, file{name, blob.Descriptor.Size, blob.Open})
		p.Layers = append(p.Layers, sim.PulledLayer{Digest: blob.Descriptor.Digest, Exists: e.hasLayer(img.RootFS.DiffIDs[i])})
	}
	engineID, err := e.load(ctx, files, entry)
	return p, engineID, err
}

// auth is what docker's configuration has for the registry of target, as the
// API wants it; "" where there is nothing.
func auth(target string) string {
	ref, err := name.ParseReference(target)
	if err != nil {
		return ""
	}
	host := ref.Context().RegistryStr()
	if host == name.DefaultRegistry {
		host = "https://index.docker.io/v1/"
	}
	known, err := config.LoadDefaultConfigFile(io.Discard).GetAuthConfig(host)
	if err != nil || known.Username == "" && known.IdentityToken == "" {
		return ""
	}
	text, err := authconfig.Encode(registry.AuthConfig{
		Username: known.Username, Password: known.Password, Auth: known.Auth, ServerAddress: known.ServerAddress,
		IdentityToken: known.IdentityToken, RegistryToken: known.RegistryToken,
	})
	if err != nil {
		return ""
	}
	return text
}

// Push lets the engine push. A short name goes to the bundled registry.
func (e *Engine) Push(ctx context.Context, ref string) (sim.PushResult, error) {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return sim.PushResult{}, err
	}
	registry, repository, version, err := sim.SplitRef(familiar)
	if err != nil {
		return sim.PushResult{}, err
	}
	img, err := e.find(ctx, ref)
	if sim.IsRefusal(err, sim.MissingImage) {
		return sim.PushResult{}, sim.Refuse("An image does not exist locally with the tag: %s", strings.TrimSuffix(familiar, separator(version)+version))
	}
	if err != nil {
		return sim.PushResult{}, err
	}
	if registry == "" {
		registry = e.cfg.Addr
	}
	target := e.reached(registry) + "/" + repository + separator(version) + version
	old, err := e.client.ImageInspect(ctx, target)
	if err == nil && whole(old.ID) != img.engine {
		return sim.PushResult{}, sim.Refuse("%s is an image in %s that twinlayer did not make: tag yours otherwise", target, e.Name())
	}
	if err != nil {
		if _, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: img.engine.String(), Target: target}); err != nil {
			return sim.PushResult{}, e.cfg.Explain(err)
		}
		defer e.client.ImageRemove(context.WithoutCancel(ctx), target, client.ImageRemoveOptions{})
	}
	pushed, err := e.send(ctx, target, img)
	pushed.Ref = familiar
	return pushed, err
}

// send pushes, and reads what the engine tells of it.
func (e *Engine) send(ctx context.Context, target string, img image) (sim.PushResult, error) {
	var p sim.PushResult
	if e.cfg.Podman && plainHTTP(target) {
		return e.sendPlain(ctx, target, img)
	}
	options := client.ImagePushOptions{RegistryAuth: auth(target)}
	if options.RegistryAuth == "" {
		options.RegistryAuth = "e30=" // {}: the API wants the header
	}
	stream, err := e.client.ImagePush(ctx, target, options)
	if err != nil {
		return p, e.cfg.Explain(err)
	}
	defer stream.Close()
	exists := map[string]bool{}
	for m, err := range stream.JSONMessages(ctx) {
		if err == nil && m.Error != nil {
			err = m.Error
		}
		if err != nil {
			return p, e.refusedPull(ctx, err, target, target)
		}
		if m.Status == "Layer already exists" {
			exists[m.ID] = true
		}
		noteManifest(&p, m)
	}
	for _, diffID := range slices.Backward(img.Layers) {
		p.Layers = append(p.Layers, sim.PushedLayer{DiffID: diffID, Exists: exists[sim.Short(diffID)]})
	}
	return p, nil
}

// sendPlain is send where Podman is not to ask for encryption; what came of it
// the registry tells.
func (e *Engine) sendPlain(ctx context.Context, target string, img image) (p sim.PushResult, err error) {
	if err := e.pushPlain(ctx, target); err != nil {
		return p, e.refusedPull(ctx, err, target, target)
	}
	made, err := e.manifest(ctx, target)
	if err != nil {
		return p, err
	}
	hash, err := made.Digest()
	if err != nil {
		return p, err
	}
	p.Digest = digest.Digest(hash.String())
	p.Size, err = made.Size()
	for _, diffID := range slices.Backward(img.Layers) {
		p.Layers = append(p.Layers, sim.PushedLayer{DiffID: diffID})
	}
	return p, err
}

// noteManifest takes the message at the end of a push, which has the digest.
func noteManifest(p *sim.PushResult, m jsonstream.Message) {
	var end struct {
		Digest digest.Digest
		Size   int64
	}
	if m.Aux != nil && json.Unmarshal(*m.Aux, &end) == nil && end.Digest != "" {
		p.Digest, p.Size = end.Digest, end.Size
	}
}
