package fs

import (
	"context"
	"errors"
	"io"
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
func (t *Tree) Digest() (digest.Digest, error) { return t.DigestWithin(context.Background()) }

// DigestWithin is Digest that ends with ctx: a file of nothing but holes may
// claim to be as large as a file can be.
func (t *Tree) DigestWithin(ctx context.Context) (digest.Digest, error) {
	if t.sum == nil {
		return t.digest(ctx)
	}
	t.sum.mu.Lock()
	defer t.sum.mu.Unlock()
	if t.sum.done {
		return t.sum.digest, t.sum.err
	}
	var old []passed
	if t.sum.trace != nil {
		old = t.sum.trace.old
	}
	d, err := t.digest(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if t.sum.trace != nil {
			*t.sum.trace = trace{old: old}
		}
		return "", err
	}
	t.sum.digest, t.sum.err, t.sum.done = d, err, true
	return d, err
}

// sum is a digest that is worked out once.
type sum struct {
	mu     sync.Mutex
	done   bool
	digest digest.Digest
	err    error
	trace  *trace // nil: it leaves none
}

// until passes bytes on until ctx ends.
type until struct {
	ctx context.Context
	io.Writer
}

func (u until) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(p)
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

func (t *Tree) digest(ctx context.Context) (digest.Digest, error) {
	d, epoch := digest.Canonical.Hash(), time.Unix(0, 0)
	w := newPlainTar(until{ctx, d})
	to := tarEntries(w)
	if t.sum != nil && t.sum.trace != nil {
		to = t.sum.trace.begin(d, w)
	}
	err := t.writeEntries(to, ociStyle(func(*Node) time.Time { return epoch }))
	return digest.NewDigest(digest.Canonical, d), err
}

// tarOrder is the entries of a directory by their names in the tar, where a
// whiteout's begins with ".wh.".
func tarOrder(t *Tree, d *Node) []Entry {
	tarName := func(e Entry) string {
		if t.Node(e.Ino).IsWhiteout() {
			return WhiteoutPrefix + e.Name
		}
		return e.Name
	}
	entries := slices.Collect(d.Dir.All())
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(tarName(a), tarName(b)) })
	return entries
}
