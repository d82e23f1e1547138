// Package remote speaks with registries (OCI distribution-spec, and Docker's
// registry API before it): it finds where a reference is to be had, proves
// who the user is, fetches manifests and blobs, and pushes images. What is
// fetched is checked against its digest; where it is kept is no affair of
// this package.
package remote

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
)

// Config says what registries there are.
type Config struct {
	// Bundled is the "host:port" of the registry of the bundled images, which
	// speaks plain HTTP; "": there is none.
	Bundled string
	// Images is where short names such as "busybox" are to be had: "" stands
	// for Bundled, or docker.io where there is none; "docker.io"; or a
	// mirror's address, "mirror.example:5000", with "http://" in front if it
	// speaks plain HTTP.
	Images string
	// Insecure are the "host:port" of further registries that may be asked
	// without encryption.
	Insecure []string
}

// Client is a client of all registries. It is safe for concurrent use.
type Client struct {
	cfg   Config
	plain map[string]bool // hosts that may be asked over plain HTTP

	mu    sync.Mutex
	hosts map[string]http.RoundTripper
}

// New is a client.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg, plain: map[string]bool{}, hosts: map[string]http.RoundTripper{}}
	for _, host := range cfg.Insecure {
		c.plain[host] = true
	}
	if host, ok := strings.CutPrefix(cfg.Images, "http://"); ok {
		c.cfg.Images = strings.TrimSuffix(host, "/")
		c.plain[c.cfg.Images] = true
	}
	c.cfg.Images = strings.TrimSuffix(strings.TrimPrefix(c.cfg.Images, "https://"), "/")
	return c
}

// Shorts says whether short names are the bundled images'.
func (c *Client) Shorts() bool { return c.cfg.Images == "" && c.cfg.Bundled != "" }

// Locate is where ref is to be had, the likeliest source first. A short name
// is to be had where the configuration says; a full one means what it says.
func (c *Client) Locate(ref string) ([]name.Reference, error) {
	registry, repository, version, err := sim.SplitRef(ref)
	if err != nil {
		return nil, err
	}
	separator := ":"
	if digest.Digest(version).Validate() == nil {
		separator = "@"
	}
	switch {
	case registry != "":
		return c.parse(registry + "/" + repository + separator + version)
	case c.Shorts():
		return c.parse(c.cfg.Bundled + "/" + repository + separator + version)
	case c.cfg.Images == "" || c.cfg.Images == "docker.io":
		return c.parse(repository + separator + version)
	}
	// A mirror of docker.io has "library/busybox", others may not.
	full, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return nil, err
	}
	return c.parse(c.cfg.Images+"/"+reference.Path(full)+separator+version, c.cfg.Images+"/"+repository+separator+version)
}

func (c *Client) parse(refs ...string) (all []name.Reference, err error) {
	for i, ref := range refs {
		if i > 0 && ref == refs[i-1] {
			continue
		}
		host, _, _ := strings.Cut(ref, "/")
		var options []name.Option
		if c.plain[host] {
			options = append(options, name.Insecure)
		}
		parsed, err := name.ParseReference(ref, options...)
		if err != nil {
			return nil, sim.Refuse("invalid reference format: %v", err)
		}
		all = append(all, parsed)
	}
	return all, nil
}

// Repository is a repository in which the user was let do something.
type Repository struct {
	repo   name.Repository
	client *http.Client
	local  bool // of the bundled images' registry
}

// Local says whether it is in this program's own registry.
func (r *Repository) Local() bool { return r.local }

// Open goes to a repository; scope is what for ("pull" or "push,pull"). The
// user's name and password come from the docker command's configuration
// (config.json in $DOCKER_CONFIG or ~/.docker) and its credential helpers.
func (c *Client) Open(ctx context.Context, repo name.Repository, scope string) (*Repository, error) {
	who, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err != nil {
		return nil, fmt.Errorf("finding the password for %s: %w; see the docker command's config.json", repo.RegistryStr(), err)
	}
	t, err := transport.NewWithContext(ctx, repo.Registry, who, c, []string{repo.Scope(scope)})
	if err != nil {
		return nil, err
	}
	return &Repository{repo: repo, client: &http.Client{Transport: t}, local: c.own(repo.RegistryStr())}, nil
}

// url is an address in the repository.
func (r *Repository) url(kind, reference string) string {
	return fmt.Sprintf("%s://%s/v2/%s/%s/%s", r.repo.Scheme(), r.repo.RegistryStr(), r.repo.RepositoryStr(), kind, reference)
}
