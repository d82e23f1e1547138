package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context"
	endpoint "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/moby/moby/client"

	"twinlayer/sim"
)

// Target is an engine that was found.
type Target struct {
	Podman bool
	Host   string // "unix:///var/run/docker.sock"
	By     string // what named it: "DOCKER_HOST", "context work", …

	options []client.Opt
	service *service // that was started for it; nil: none
}

// Name is that of its [sim.Kind].
func (t Target) Name() string {
	if t.Podman {
		return sim.Podman
	}
	return sim.Docker
}

func (t Target) Title() string { return sim.KindOf(t.Name()).Title }

// Dial makes a client; nothing is sent yet.
func (t Target) Dial() (*client.Client, error) {
	api, err := client.New(append([]client.Opt{client.WithUserAgent("twinlayer")}, t.options...)...)
	if err != nil {
		return nil, fmt.Errorf("%s, named by %s: %w", t.Host, t.By, err)
	}
	return api, nil
}

// Stop ends the service that was started for the target, if one was.
func (t Target) Stop() error {
	if t.service == nil {
		return nil
	}
	return t.service.stop()
}

// Find finds the engine of one of [sim.Daemons].
func Find(name string) (Target, error) {
	if name == sim.Podman {
		return FindPodman()
	}
	return FindDocker()
}

// FindDocker is the engine that the docker command would use: DOCKER_HOST's,
// else that of the context which DOCKER_CONTEXT or config.json names, else the
// usual socket (https://docs.docker.com/engine/manage-resources/contexts).
func FindDocker() (Target, error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return fromEnvironment(host)
	}
	name, by := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		name, by = config.LoadDefaultConfigFile(io.Discard).CurrentContext, "currentContext in "+filepath.Join(config.Dir(), config.ConfigFileName)
	}
	if name == "" || name == "default" {
		return Target{Host: client.DefaultDockerHost, By: "the usual place", options: []client.Opt{client.WithHost(client.DefaultDockerHost), client.WithAPIVersionFromEnv()}}, nil
	}
	return fromContext(name, by)
}

// fromEnvironment takes DOCKER_HOST with DOCKER_TLS_VERIFY and
// DOCKER_CERT_PATH; over ssh it is docker's own command there that connects.
func fromEnvironment(host string) (Target, error) {
	t := Target{Host: host, By: client.EnvOverrideHost}
	ep := endpoint.Endpoint{EndpointMeta: endpoint.EndpointMeta{Host: host}}
	if os.Getenv(client.EnvTLSVerify) != "" {
		dir := cmp.Or(os.Getenv(client.EnvOverrideCertPath), config.Dir())
		var err error
		ep.TLSData, err = context.TLSDataFromFiles(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
		if err != nil {
			return t, fmt.Errorf("DOCKER_TLS_VERIFY is set, and the certificates in %s cannot be read: %w; set DOCKER_CERT_PATH", dir, err)
		}
	}
	var err error
	if t.options, err = ep.ClientOpts(); err != nil {
		return t, fmt.Errorf("DOCKER_HOST=%s: %w", host, err)
	}
	return t, nil
}

// fromContext takes a docker context.
func fromContext(name, by string) (Target, error) {
	t := Target{By: "context " + name}
	contexts := store.New(filepath.Join(config.Dir(), "contexts"), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(endpoint.DockerEndpoint, func() any { return &endpoint.EndpointMeta{} })))
	metadata, err := contexts.GetMetadata(name)
	if err != nil {
		return t, fmt.Errorf("the docker context %q that %s names cannot be read: %w; see docker context ls", name, by, err)
	}
	meta, err := endpoint.EndpointFromContext(metadata)
	if err != nil {
		return t, fmt.Errorf("the docker context %q: %w", name, err)
	}
	ep, err := endpoint.WithTLSData(contexts, name, meta)
	if err != nil {
		return t, fmt.Errorf("the docker context %q: %w", name, err)
	}
	t.Host = ep.Host
	if t.options, err = ep.ClientOpts(); err != nil {
		return t, fmt.Errorf("the docker context %q: %w", name, err)
	}
	return t, nil
}

// FindPodman is Podman's socket: CONTAINER_HOST's, else the caller's own,
// else the system's. Where there is only the podman command, its service is
// started on a socket of twinlayer's own.
func FindPodman() (Target, error) {
	if host := os.Getenv("CONTAINER_HOST"); host != "" {
		return podmanAt(host, "CONTAINER_HOST")
	}
	command, lacking := exec.LookPath("podman")
	for _, socket := range podmanSockets() {
		if _, err := os.Stat(socket); err == nil && (lacking != nil || !othersOnly(socket)) {
			return podmanAt("unix://"+socket, "the usual place")
		}
	}
	if lacking != nil {
		return Target{Podman: true}, errors.New("podman is not installed, and CONTAINER_HOST is not set")
	}
	return podmanService(command)
}

// othersOnly says whether a socket may not be used by this user, who can have
// a service of their own.
func othersOnly(socket string) bool {
	conn, err := net.Dial("unix", socket)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, os.ErrPermission)
}

func podmanSockets() (sockets []string) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && os.Geteuid() != 0 {
		sockets = append(sockets, filepath.Join(dir, "podman", "podman.sock"))
	}
	return append(sockets, "/run/podman/podman.sock")
}

func podmanAt(host, by string) (Target, error) {
	t := Target{Podman: true, Host: host, By: by}
	ep := endpoint.Endpoint{EndpointMeta: endpoint.EndpointMeta{Host: host}}
	var err error
	if t.options, err = ep.ClientOpts(); err != nil {
		return t, fmt.Errorf("%s=%s: %w", by, host, err)
	}
	return t, nil
}
