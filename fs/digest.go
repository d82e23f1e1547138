package fs

import (
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// Digest is the canonical layer digest: the SHA-256 of the layer's OCI tar
// with entries in the order of their names in the tar, mtimes 0, owner names
// blank, and xattrs as sorted PAX records. Two layers with the same digest
// hold the same thing, whoever made them and when.
func (t *Tree) Digest() (digest.Digest, error) {
	d := digest.Canonical.Digester()
	epoch := time.Unix(0, 0)
	err := t.writeTar(d.Hash(), ociStyle(func(*Node) time.Time { return epoch }))
	return d.Digest(), err
}

// tarOrder is the entries of a directory by their names in the tar, where a
// whiteout's begins with ".wh.".
func tarOrder(t *Tree, d *Node) []Entry {
	tarName := func(e Entry) string {
		if t.node(e.Ino).IsWhiteout() {
			return WhiteoutPrefix + e.Name
		}
		return e.Name
	}
	entries := slices.Collect(d.dir.all())
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(tarName(a), tarName(b)) })
	return entries
}
