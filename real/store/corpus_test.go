//go:build linux

package store

import "flag"

// The corpus is package real's; its flag is known here too, so that one run of
// go test ./real/... can be given it.
var _ = flag.String("corpus", "", "for package real")
