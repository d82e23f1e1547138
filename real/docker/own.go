package docker

import (
	"net"
	"time"

	"twinlayer/real/registry"
)

// reached is a registry as the engine reaches it. Twinlayer's own has a name
// for people, which means it as long as no other registry listens there.
func (e *Engine) reached(host string) string {
	if host != registry.Name || e.cfg.Addr == "" || e.blind || listens(host) {
		return host
	}
	return e.cfg.Addr
}

func listens(host string) bool {
	conn, err := net.DialTimeout("tcp", host, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
