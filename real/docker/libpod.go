package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
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
func (l libpod) ids() (n uint32) {
	for _, part := range l.Host.IDMappings.UIDMap {
		n += part.Size
	}
	return n
}

// askLibpod asks Podman for that.
func (e *Engine) askLibpod(ctx context.Context) (l libpod, err error) {
	dial := e.client.Dialer()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	defer transport.CloseIdleConnections()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://podman/v4.0.0/libpod/info", nil)
	if err != nil {
		return l, err
	}
	got, err := (&http.Client{Transport: transport}).Do(ask)
	if err != nil {
		return l, err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return l, fmt.Errorf("libpod/info: %s", got.Status)
	}
	return l, json.NewDecoder(got.Body).Decode(&l)
}
