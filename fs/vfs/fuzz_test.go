package vfs

import (
	"bytes"
	"fmt"
	"testing"

	"twinlayer/fs"

	"github.com/stretchr/testify/require"
)

// script makes operations in the form of the observed cases out of a fuzzer's
// bytes: three bytes are one operation.
func script(b []byte) (ops [][]any) {
	path := func(c byte) string {
		names := []string{"a", "b", "c"}
		p := "t/" + names[c%3]
		if c/3%2 == 1 {
			p += "/" + names[c/6%3]
		}
		return p
	}
	for ; len(b) >= 3; b = b[3:] {
		p, q := path(b[1]), path(b[2])
		ops = append(ops, [][]any{
			{"write", p, "w|creat", fmt.Sprint(b[2])}, {"write", p, "w|append", fmt.Sprint(b[2])}, {"truncate", p, float64(b[2])},
			{"mkdir", p, "755"}, {"unlink", p}, {"rmdir", p}, {"rmtree", p}, {"rename", p, q}, {"rename", p, q, "exchange"}, {"link", p, q},
			{"symlink", "x", p}, {"mknod", p, "p", 0.0, 0.0}, {"chmod", p, fmt.Sprintf("%o", 0o600|uint32(b[2]&7))},
			{"chown", p, float64(b[2] % 3), -1.0}, {"utimens", p, "omit", 1000.0 + float64(b[2])}, {"setxattr", p, "user.k", fmt.Sprint(b[2])},
		}[b[0]%16])
	}
	return ops
}

// seeds are scripts that touch everything at least once.
func seeds(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 3, 7, 9, 3, 1, 7, 0, 2, 4, 3, 0})
	f.Add([]byte{0, 0, 1, 9, 0, 1, 12, 0, 5, 8, 0, 1, 6, 0, 0, 3, 0, 0})
	f.Add([]byte{10, 2, 0, 11, 1, 0, 13, 1, 2, 14, 1, 9, 15, 2, 3, 2, 0, 4, 5, 1, 0, 1, 0, 1})
}

// fuzzLayer is what the scripts begin with.
func fuzzLayer(t testing.TB) *fs.Tree {
	b := fs.NewBuilder()
	for name, n := range map[string]fs.Node{
		"/t/a":   {Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("lower"))},
		"/t/b/a": {Mode: fs.S_IFREG | 0o4755, Data: fs.DataOf([]byte("suid"))},
		"/t/b/b": {Mode: fs.S_IFLNK | 0o777, Target: "a"},
		"/t/c":   {Mode: fs.S_IFDIR | 0o1777},
	} {
		require.NoError(t, b.Put(name, n))
	}
	return b.Tree()
}

// FuzzHistory: every state that was kept is the same at the end as it was
// when it was kept, whatever came after, and what Diff finds between two
// states is what makes one of the other.
func FuzzHistory(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 300 {
			return
		}
		w := newWorld([]*fs.Tree{fuzzLayer(t)})
		kept := []*fs.Tree{w.sys.Mounts.Snapshot().Root().Upper()}
		was := []string{must(kept[0].Digest()).String()}
		for _, op := range script(b) {
			w.do(op)
			now := w.sys.Mounts.Snapshot().Root().Upper()
			kept, was = append(kept, now), append(was, must(now.Digest()).String())
		}
		for i, tree := range kept {
			require.Equal(t, was[i], must(tree.Digest()).String(), "state %d", i)
			next := kept[min(i+1, len(kept)-1)]
			got, err := fs.Apply(tree, fs.Diff(tree, next))
			require.NoError(t, err)
			require.Equal(t, must(next.Digest()), must(got.Digest()), "from state %d to the next", i)
			require.Empty(t, fs.Diff(got, next))
		}
	})
}

// FuzzRoundTrip: what a container changed goes out as a tar, in either
// dialect, and comes in again with an equal digest.
func FuzzRoundTrip(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld([]*fs.Tree{fuzzLayer(t)})
		for _, op := range script(b[:min(len(b), 300)]) {
			w.do(op)
		}
		requireRoundTrip(t, w.sys.Mounts.Root().Upper())
		for _, d := range []fs.Dialect{fs.DockerNative, fs.BuildKit, fs.Containerd} {
			layer, err := w.sys.Mounts.Root().Layer(d)
			require.NoError(t, err)
			requireRoundTrip(t, layer)
		}
	})
}

func requireRoundTrip(t testing.TB, tree *fs.Tree) {
	want, err := tree.Digest()
	if err != nil {
		return // names or times that tar cannot write
	}
	var out bytes.Buffer
	require.NoError(t, tree.WriteTar(&out))
	back, err := fs.ReadTar(&out)
	require.NoError(t, err)
	require.Equal(t, want, must(back.Digest()))
}
