package fs

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// readBytes is a content that notes how much of it was read.
type readBytes struct {
	*bytes.Reader
	n int
}

func (r *readBytes) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.Reader.ReadAt(p, off)
	r.n += n
	return n, err
}

// A digest that is worked out after another one is the same as from scratch,
// whatever has changed, and what comes before the change is not read for it.
func TestDigestAfter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const length = 700_000
	content := func() *readBytes {
		return &readBytes{bytes.NewReader(bytes.Repeat([]byte{byte(random.Int())}, length)), 0}
	}
	names := []string{"/a", "/b/1", "/b/2", "/c", "/d", "/e/x", "/f", "/g"}
	files := map[string]*readBytes{}
	modes := map[string]uint32{}
	tree := func() *Tree {
		b := NewBuilder()
		for name, c := range files {
			require.NoError(t, b.Put(name, Node{Mode: S_IFREG | modes[name], Data: FileData(c, 0, length)}))
		}
		return b.Tree()
	}
	var before *Tree
	for range 60 {
		switch name := names[random.IntN(len(names))]; random.IntN(4) {
		case 0:
			modes[name] = uint32(random.IntN(0o777))
		case 1:
			delete(files, name)
		default:
			files[name] = content()
		}
		now := tree()
		now.DigestAfter(before)
		got, err := now.Digest()
		require.NoError(t, err)
		want, err := tree().Digest()
		require.NoError(t, err)
		require.Equal(t, want, got)
		before = now
	}
	for _, name := range names {
		files[name] = content()
	}
	first := tree()
	first.DigestAfter(nil)
	_, err := first.Digest()
	require.NoError(t, err)
	for _, c := range files {
		c.n = 0
	}
	files["/f"] = content()
	second := tree()
	second.DigestAfter(first)
	_, err = second.Digest()
	require.NoError(t, err)
	read := ""
	for _, name := range names {
		read += fmt.Sprint(name, " ", files[name].n/length, "\n")
	}
	require.Equal(t, "/a 0\n/b/1 0\n/b/2 0\n/c 0\n/d 0\n/e/x 0\n/f 1\n/g 1\n", read)
}

// A digest that was interrupted is worked out when it is asked for again, and
// is the same, whatever came before it.
func TestDigestWithin(t *testing.T) {
	made := func(names ...string) *Tree {
		b := NewBuilder()
		for _, name := range names {
			require.NoError(t, b.Put(name, Node{Mode: S_IFREG | 0o644, Data: DataOf(bytes.Repeat([]byte(name), 1<<20))}))
		}
		return b.Tree()
	}
	first := made("/a")
	first.DigestAfter(nil)
	_, err := first.Digest()
	require.NoError(t, err)
	want, err := made("/a", "/b").Digest()
	require.NoError(t, err)
	traced := made("/a", "/b")
	traced.DigestAfter(first)
	for _, tree := range []*Tree{made("/a", "/b"), traced} {
		for left := range 2 {
			_, err := tree.DigestWithin(&endingSoon{context.Background(), left})
			require.ErrorIs(t, err, context.Canceled)
		}
		got, err := tree.Digest()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// endingSoon is a context that ends when it has been asked so often.
type endingSoon struct {
	context.Context
	left int
}

func (e *endingSoon) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}
