package fs

import "testing"

// divergence is a sequence of operations that model and kernel once took
// apart, and must not again.
type divergence struct {
	name   string
	layers [][]observedEntry
	ops    [][]any
	root   bool // needs ids and devices that a user namespace lacks
}

func (d divergence) compare(t *testing.T, dir string, userns bool) {
	if d.root && userns {
		t.Skip("its layers need ids that this user namespace does not map")
	}
	var layers []*Tree
	for _, l := range d.layers {
		layers = append(layers, buildObserved(t, l))
	}
	compareWorlds(t, dir, layers, d.ops, userns)
}

func perm(mode uint32) *uint32 { return &mode }

var divergences = []divergence{}
