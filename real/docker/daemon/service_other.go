//go:build !linux

package daemon

import "errors"

// service is not there but on Linux.
type service struct{}

func (*service) stop() error { return nil }

func podmanService(string) (Target, error) {
	return Target{Podman: true}, errors.New("podman has no socket here: start its machine, and set CONTAINER_HOST to what \"podman machine inspect\" shows")
}
