package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	cerrdefs "github.com/containerd/errdefs"

	"twinlayer/fs"
)

// libpod is what Podman says of itself in its own API only
// (https://docs.podman.io/en/latest/_static/api.html, SystemInfoLibpod).
type libpod struct {
	Host struct {
		Security struct {
			Rootless bool `json:"rootless"`
		} `json:"security"`
		IDMappings struct {
			UIDMap []struct {
				Size uint32 `json:"size"`
			} `json:"uidmap"`
		} `json:"idMappings"`
	} `json:"host"`
}

// ids is how many user ids containers know; 0: all.
func (l libpod) ids() (n fs.IDMap) {
	for _, part := range l.Host.IDMappings.UIDMap {
		n += fs.IDMap(part.Size)
	}
	return n
}

// askLibpod asks Podman for that.
func (e *Engine) askLibpod(ctx context.Context) (l libpod, err error) {
	err = e.overLibpod(ctx, http.MethodGet, "info", nil, "", func(r io.Reader) error { return json.NewDecoder(r).Decode(&l) })
	return l, err
}

// plainHTTP says whether target's registry is on the loopback, where Docker
// needs no encryption; Podman is told so, which only its own API can be.
func plainHTTP(target string) bool {
	host, _, _ := strings.Cut(target, "/")
	host, _, err := net.SplitHostPort(host)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// pullPlain lets Podman pull target without encryption.
func (e *Engine) pullPlain(ctx context.Context, target string) error {
	query := url.Values{"reference": {"docker://" + target}, "tlsVerify": {"false"}, "quiet": {"true"}}
	return e.overLibpod(ctx, http.MethodPost, "images/pull", query, auth(target), streamError)
}

// pushPlain lets Podman push target without encryption.
func (e *Engine) pushPlain(ctx context.Context, target string) error {
	query := url.Values{"destination": {target}, "tlsVerify": {"false"}, "quiet": {"true"}}
	return e.overLibpod(ctx, http.MethodPost, "images/"+target+"/push", query, auth(target), streamError)
}

// overLibpod makes a request of Podman's own API.
func (e *Engine) overLibpod(ctx context.Context, method, path string, query url.Values, auth string, answer func(io.Reader) error) error {
	dial := e.client.Dialer()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	defer transport.CloseIdleConnections()
	ask, err := http.NewRequestWithContext(ctx, method, "http://podman/v4.0.0/libpod/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	if auth != "" {
		ask.Header.Set("X-Registry-Auth", auth)
	}
	got, err := (&http.Client{Transport: transport}).Do(ask)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode < http.StatusBadRequest {
		return answer(got.Body)
	}
	var said struct{ Message string }
	if err := json.NewDecoder(got.Body).Decode(&said); err != nil || said.Message == "" {
		return fmt.Errorf("libpod/%s: %s", path, got.Status)
	}
	if got.StatusCode == http.StatusInternalServerError {
		return cerrdefs.ErrInternal.WithMessage(said.Message)
	}
	return errors.New(said.Message)
}
