package store

import "github.com/opencontainers/go-digest"

// Verified is what a store was found to hold.
type Verified struct {
	Images, Layers, Blobs int
	Damaged               []Damage
}

// Damage is something that is not what its digest says, or not there.
type Damage struct {
	Kind   string // layer, blob, configuration
	Digest digest.Digest
	Images []string // by which it is needed
	Cached bool     // it stays without an image too
	Why    string
}
