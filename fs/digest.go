package fs

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// Digest is the canonical layer digest: the SHA-256 of the layer's OCI tar
// with entries in the order of their names in the tar, mtimes 0, owner names
// blank, and xattrs as sorted PAX records. Two layers with the same digest
// hold the same thing, whoever made them and when.
func (t *Tree) Digest() (digest.Digest, error) {
	if t.sum == nil {
		return t.digest()
	}
	t.sum.once.Do(func() { t.sum.digest, t.sum.err = t.digest() })
	return t.sum.digest, t.sum.err
}

// sum is a digest that is worked out once.
type sum struct {
	once   sync.Once
	digest digest.Digest
	err    error
	trace  *trace // nil: it leaves none
}

// DigestAfter lets t's digest be worked out from the first entry on that old,
// a tree that it has come from, does not have just so; old may be nil. It must
// be called before anybody else has t.
func (t *Tree) DigestAfter(old *Tree) {
	t.sum = &sum{trace: &trace{}}
	if old == nil || old.sum == nil || old.sum.trace == nil {
		return
	}
	if _, err := old.Digest(); err == nil {
		t.sum.trace.old = old.sum.trace.passed
	}
}

func (t *Tree) digest() (digest.Digest, error) {
	d, epoch := digest.Canonical.Hash(), time.Unix(0, 0)
	to := tarEntries(newPlainTar(d))
	if t.sum != nil && t.sum.trace != nil {
		to = t.sum.trace.begin(d)
	}
	err := t.writeEntries(to, ociStyle(func(*Node) time.Time { return epoch }))
	return digest.NewDigest(digest.Canonical, d), err
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
