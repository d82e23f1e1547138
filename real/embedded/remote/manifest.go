package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/sim"
)

// The media types that Docker used before the OCI had its own.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerSchema1  = "application/vnd.docker.distribution.manifest.v1+"
)

var accepted = []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerList}

// manifestMost is the longest manifest that is read, as Docker has it.
const manifestMost = 4 << 20

// Image is what a registry tells of an image.
type Image struct {
	Digest   digest.Digest // what its reference stands for, an index perhaps
	Manifest ocispec.Manifest
	Config   []byte
	Repo     *Repository
}

// Find finds the image for this machine that ref stands for.
func (c *Client) Find(ctx context.Context, ref name.Reference) (*Image, error) {
	repo, err := c.Open(ctx, ref.Context(), "pull")
	if err != nil {
		return nil, err
	}
	body, mediaType, err := repo.manifest(ctx, ref.Identifier())
	if err != nil {
		return nil, err
	}
	img := &Image{Digest: digest.FromBytes(body), Repo: repo}
	for depth := 0; isIndex(mediaType); depth++ {
		var index ocispec.Index
		if err := json.Unmarshal(body, &index); err != nil {
			return nil, fmt.Errorf("the index of %s is damaged: %w", ref, err)
		}
		if depth > 3 {
			return nil, fmt.Errorf("the index of %s is damaged: its indexes are nested too deep", ref)
		}
		child, err := Choose(index)
		if err != nil {
			return nil, err
		}
		if body, mediaType, err = repo.manifest(ctx, child.Digest.String()); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(body, &img.Manifest); err != nil {
		return nil, fmt.Errorf("the manifest of %s is damaged: %w", ref, err)
	}
	if err := checkManifest(ref.String(), mediaType, img.Manifest); err != nil {
		return nil, err
	}
	img.Config, err = repo.small(ctx, img.Manifest.Config)
	return img, err
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// checkManifest refuses what is no image that can be run.
func checkManifest(ref, mediaType string, m ocispec.Manifest) error {
	if strings.HasPrefix(mediaType, dockerSchema1) || m.SchemaVersion == 1 {
		return sim.Refuse("%s is an image of Docker's old schema version 1, which is no longer pulled: push it again with a newer docker", ref)
	}
	switch m.Config.MediaType {
	case ocispec.MediaTypeImageConfig, "application/vnd.docker.container.image.v1+json", "":
	default:
		return sim.Refuse("unsupported media type %s: %s is no image", m.Config.MediaType, ref)
	}
	for _, l := range m.Layers {
		if strings.Contains(l.MediaType, "foreign") || strings.Contains(l.MediaType, "nondistributable") {
			return sim.Refuse("the layer %s of %s must not be distributed (%s) and is not in the registry: Windows images have such layers, and they do not run on Linux", l.Digest, ref, l.MediaType)
		}
		if err := l.Digest.Validate(); err != nil {
			return fmt.Errorf("the manifest of %s is damaged: layer %q: %w", ref, l.Digest, err)
		}
	}
	return nil
}

// Choose is the image of an index that suits this machine best.
func Choose(index ocispec.Index) (ocispec.Descriptor, error) {
	best, rank := -1, -1
	for i, m := range index.Manifests {
		if r := suits(m.Platform); r > rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return ocispec.Descriptor{}, sim.Refuse("no matching manifest for linux/%s in the manifest list entries", runtime.GOARCH)
	}
	return index.Manifests[best], nil
}

// variants are those of an architecture that this program can count on, the
// best first; what has none is as good as the last.
var variants = map[string][]string{"arm": {"v7", "v6", "v5"}, "arm64": {"v8"}, "amd64": {"v1"}}

// suits is how well a platform suits this machine; below 0 not at all. One
// that is not said may be any.
func suits(p *ocispec.Platform) int {
	if p == nil {
		return 0
	}
	if p.OS != "linux" || p.Architecture != runtime.GOARCH {
		return -1
	}
	known := variants[p.Architecture]
	if p.Variant == "" {
		return 1
	}
	if i := slices.Index(known, p.Variant); i >= 0 {
		return 1 + len(known) - i
	}
	return -1
}

// manifest reads a manifest by its tag or digest.
func (r *Repository) manifest(ctx context.Context, reference string) (body []byte, mediaType string, err error) {
	answer, err := r.get(ctx, r.url("manifests", reference), http.Header{"Accept": {strings.Join(accepted, ", ")}})
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	body, err = readSmall(answer.Body, manifestMost)
	if err != nil {
		return nil, "", err
	}
	want := digest.Digest(reference)
	if got := digest.FromBytes(body); want.Validate() == nil && got != want {
		return nil, "", fmt.Errorf("the manifest %s is corrupt: what came has the digest %s; try again, and if it stays so, the registry or the way to it is broken", want, got)
	}
	var says struct{ MediaType string }
	json.Unmarshal(body, &says)
	mediaType, _, _ = strings.Cut(answer.Header.Get("Content-Type"), ";")
	if says.MediaType != "" {
		mediaType = says.MediaType
	}
	return body, mediaType, nil
}

// small reads a small blob.
func (r *Repository) small(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("the manifest is damaged: configuration %q: %w", d.Digest, err)
	}
	answer, err := r.get(ctx, r.url("blobs", d.Digest.String()), nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := readSmall(answer.Body, manifestMost)
	if err == nil && digest.FromBytes(body) != d.Digest {
		err = fmt.Errorf("the blob %s is corrupt: what came has the digest %s; try again, and if it stays so, the registry or the way to it is broken", d.Digest, digest.FromBytes(body))
	}
	return body, err
}

func readSmall(r io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("the registry's answer is longer than the %d bytes that are allowed", most)
	}
	return body, err
}

// get asks until there is an answer, or none is to be had.
func (r *Repository) get(ctx context.Context, url string, header http.Header) (*http.Response, error) {
	for try := 0; ; try++ {
		answer, err := r.getOnce(ctx, url, header)
		if err == nil || try == tries || !passing(err) || pause(ctx, try) != nil {
			return answer, err
		}
	}
}

func (r *Repository) getOnce(ctx context.Context, url string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		request.Header[key] = values
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(answer, http.StatusOK, http.StatusPartialContent); err != nil {
		answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// passing says whether the same question may be answered the next time.
func passing(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests
	}
	return broken(err)
}
