//go:build linux

package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"twinlayer/sim"
)

// guarded is a transport that speaks plain HTTP with the loopback only, and
// with the bundled images' registry nothing else.
type guarded struct{ plain string }

func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Scheme == "https" && r.URL.Host == g.plain:
		return nil, errors.New("this registry speaks plain HTTP")
	case r.URL.Scheme == "http" && r.URL.Host != g.plain && !loopback(r.URL.Hostname()):
		return nil, fmt.Errorf("%s would be asked without encryption: only registries on this machine are", r.URL.Host)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// unreachable is the learner's own mistake, or the network's, where the
// registry could not be asked at all; docker shows such an error as it is.
func (p *pull) unreachable(err error) error {
	var asked *url.Error
	var network *net.OpError
	if errors.As(err, &network) && errors.As(err, &asked) {
		return sim.Refuse("Get %q: %v", asked.URL, network)
	}
	return fmt.Errorf("pulling %s: %w", p.ref, err)
}
