//go:build linux

package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func batch(t testing.TB, s *Store) *Batch {
	t.Helper()
	b, err := s.Batch()
	require.NoError(t, err)
	t.Cleanup(b.Abort)
	return b
}

type entry struct {
	tar.Header
	body string
}

func reg(name, body string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}, body}
}

func node(typ byte, name, link string) entry {
	return entry{tar.Header{Name: name, Typeflag: typ, Mode: 0o755, Linkname: link}, ""}
}

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		require.NoError(t, w.WriteHeader(&e.Header))
		_, err := w.Write([]byte(e.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// added unpacks a tar into the store.
func added(t testing.TB, s *Store, packed []byte) Layer {
	t.Helper()
	b := batch(t, s)
	b.Cached = true
	l, err := b.Layer(bytes.NewReader(packed))
	require.NoError(t, err)
	require.NoError(t, b.Place())
	return l
}

func content(t testing.TB, r io.ReadCloser, err error) []byte {
	t.Helper()
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// tars are those that are hard to give back from what was unpacked.
func tars(t testing.TB) map[string][]byte {
	sparse := pack(t, reg("big", strings.Repeat("x", 100000)))
	return map[string][]byte{
		"empty": pack(t), "nothing": {}, "zeros": make([]byte, 10240), "plain": pack(t, node(tar.TypeDir, "d/", ""), reg("d/f", "hello"), reg("./e", "")),
		"twice":      pack(t, reg("f", "first"), reg("/f", "second"), reg("../f", "third")),
		"linked":     pack(t, reg("f", "first"), node(tar.TypeLink, "g", "f"), reg("/f", "second"), reg("/g", "third")),
		"linkOver":   pack(t, reg("f", "first"), reg("g", "second"), node(tar.TypeLink, "/f", "g")),
		"dirToFile":  pack(t, reg("d/e/f", "first"), reg("d/g", "second"), reg("d", "third")),
		"throughDir": pack(t, node(tar.TypeDir, "real/", ""), node(tar.TypeDir, "other/", ""), node(tar.TypeSymlink, "l", "real"), reg("l/f", "first"), node(tar.TypeSymlink, "/l", "/other"), reg("/l/f", "second")),
		"absolute":   pack(t, node(tar.TypeDir, "real/", ""), node(tar.TypeSymlink, "l", "/real"), reg("l/f", "first"), reg("real/f", "second")),
		"whiteouts":  pack(t, reg(".wh.x", ""), reg("d/.wh..wh..opq", ""), reg(".wh.full", "of something"), reg("full", "yes")),
		"trailing":   append(sparse, "what stands after the end"...),
		"long":       pack(t, reg(strings.Repeat("long/", 60)+"name", "hello")),
	}
}

// A layer's tar comes back bit by bit, and as the tree that reading it makes.
func TestTarSplit(t *testing.T) {
	s := open(t, t.TempDir())
	for name, packed := range tars(t) {
		l := added(t, s, packed)
		require.Equal(t, digest.FromBytes(packed), l.DiffID, name)
		require.EqualValues(t, len(packed), l.Length, name)
		r, err := s.OpenLayer(l.DiffID)
		require.Equal(t, packed, content(t, r, err), name)
		want, err := fs.ReadTar(bytes.NewReader(packed))
		require.NoError(t, err, name)
		got, err := Headers(s.LayerDir(l.DiffID), func(name string) (Content, error) { return os.Open(name) })
		require.NoError(t, err)
		require.Equal(t, digestOf(t, want), digestOf(t, got), name)
	}
}

func digestOf(t testing.TB, tree *fs.Tree) digest.Digest {
	d, err := tree.Digest()
	require.NoError(t, err)
	return d
}

// Random tars whose entries take each other's places come back too.
func TestTarSplitRandom(t *testing.T) {
	s, taken := open(t, t.TempDir()), 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		name := func() string {
			return strings.Repeat("../", r.IntN(5)) + []string{"a", "b", "a/b", "b/a", "a/b/c", "c"}[r.IntN(6)] // one name, spelled in many ways
		}
		var entries []entry
		for range r.IntN(12) {
			switch r.IntN(6) {
			case 0:
				entries = append(entries, node(tar.TypeDir, name()+"/", ""))
			case 1:
				entries = append(entries, node(tar.TypeSymlink, name(), "/"+name()))
			default:
				entries = append(entries, reg(name(), fmt.Sprint("content ", r.Int())))
			}
		}
		packed := pack(t, entries...)
		b := batch(t, s)
		b.Cached = true
		l, err := b.Layer(bytes.NewReader(packed))
		if err != nil {
			continue // a symlink that leads in a circle, for instance
		}
		require.NoError(t, b.Place())
		got, err := s.OpenLayer(l.DiffID)
		require.Equal(t, packed, content(t, got, err), "%d: %v", seed, entries)
		taken++
	}
	require.Greater(t, taken, 30)
}

func TestCompressedLayerKeepsItsBlob(t *testing.T) {
	s := open(t, t.TempDir())
	plain := pack(t, reg("f", "hello"))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(plain)
	z.Close()
	zipped.WriteString("tail") // no gzip
	b := batch(t, s)
	_, err := b.Layer(bytes.NewReader(zipped.Bytes()))
	require.Error(t, err)
	zipped.Truncate(zipped.Len() - 4)
	b = batch(t, s)
	b.Cached = true
	l, err := b.Layer(bytes.NewReader(zipped.Bytes()))
	require.NoError(t, err)
	require.NoError(t, b.Place())
	require.Equal(t, digest.FromBytes(plain), l.DiffID)
	require.Equal(t, digest.FromBytes(zipped.Bytes()), l.Blob.Digest)
	r, err := s.OpenBlob(l.Blob.Digest)
	require.Equal(t, zipped.Bytes(), content(t, r, err))
}

func TestTruncatedLayer(t *testing.T) {
	s := open(t, t.TempDir())
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(pack(t, reg("f", strings.Repeat("hello", 1000))))
	z.Close()
	for _, whole := range [][]byte{zipped.Bytes(), pack(t, reg("f", strings.Repeat("hello", 1000)))} {
		_, err := batch(t, s).Layer(bytes.NewReader(whole[:len(whole)/3]))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	require.Empty(t, list(filepath.Join(s.Dir(), "layers")))
}

// What is damaged or missing is found, with who needs it; a damaged cache goes.
func TestDamage(t *testing.T) {
	s := open(t, t.TempDir())
	cached, l := added(t, s, pack(t, reg("c", "cached"))), added(t, s, pack(t, reg("f", "hello")))
	lost, config := digest.FromString("lost"), digest.FromString("configuration")
	require.NoError(t, s.Update(func(x *Index) error {
		x.Put(Image{ID: config, Tags: []string{"a:1", "b:1"}, Layers: []digest.Digest{l.DiffID, l.DiffID, lost}})
		return nil
	}))
	want := []Damage{
		{"configuration", config, []string{"a:1", "b:1"}, false, "it is missing"},
		{"layer", lost, []string{"a:1", "b:1"}, false, "it is missing"},
	}
	v, err := Verify(t.Context(), s.Dir())
	require.NoError(t, err)
	require.Equal(t, Verified{1, 2, 0, want}, v)
	for file, d := range map[string]digest.Digest{"f": l.DiffID, "c": cached.DiffID} {
		flip(t, filepath.Join(s.LayerTree(d), file))
	}
	v, err = Verify(t.Context(), s.Dir())
	require.NoError(t, err)
	require.ElementsMatch(t, append(want, Damage{"layer", l.DiffID, []string{"a:1", "b:1"}, true, "its digest is another"},
		Damage{"layer", cached.DiffID, nil, true, "its digest is another"}), v.Damaged)
	require.NoError(t, s.Collect())
	require.NoDirExists(t, s.LayerDir(cached.DiffID))
	require.DirExists(t, s.LayerDir(l.DiffID), "an image has it")
	r, err := s.OpenLayer(l.DiffID)
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.ErrorContains(t, err, "layer "+l.DiffID.String()+" is damaged on disk (its digest is another): remove its image")
}

// flip changes one bit of a file.
func flip(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	text[len(text)/2] ^= 1
	require.NoError(t, os.WriteFile(name, text, 0o644))
}

// upper makes an upper directory of a container that changed things.
func upper(t testing.TB) string {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "d/empty"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d/f"), []byte("hello"), 0o640))
	require.NoError(t, os.Link(filepath.Join(dir, "d/f"), filepath.Join(dir, "g")))
	require.NoError(t, os.Symlink("d", filepath.Join(dir, "l")))
	require.NoError(t, unix.Mknod(filepath.Join(dir, "gone"), unix.S_IFCHR, 0))
	require.NoError(t, unix.Mknod(filepath.Join(dir, "socket"), unix.S_IFSOCK|0o600, 0))
	require.NoError(t, unix.Setxattr(filepath.Join(dir, "d"), overlay.OpaqueAttr, []byte("y"), 0))
	return dir
}

func TestUpper(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store"))
	dir := upper(t)
	var ids []digest.Digest
	for _, share := range []bool{true, false} {
		b := batch(t, s)
		b.Cached = true
		l, ok, shared, err := b.Upper(t.Context(), Upper{Dir: dir, Share: share})
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, share, shared)
		require.EqualValues(t, len("hello")+len("d"), l.Size, "a symlink counts with its target, as Docker has it")
		tree := filepath.Join(b.dir, "1", treeName)
		if !share {
			tree = filepath.Join(b.dir, "2", treeName)
		}
		sameTrees(t, dir, tree)
		require.NoError(t, b.Place())
		r, err := s.OpenLayer(l.DiffID)
		require.Equal(t, l.DiffID, digest.FromBytes(content(t, r, err)))
		ids = append(ids, l.DiffID)
	}
	require.Equal(t, ids[0], ids[1], "sharing changes nothing")

	times := func() (all []time.Time) {
		for _, name := range []string{"", "d"} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			all = append(all, info.ModTime())
		}
		return all
	}
	before := times()
	require.NoError(t, overlay.Unshare(dir, filepath.Join(t.TempDir(), "own")))
	require.Equal(t, before, times(), "no directory was changed")
	var st unix.Stat_t
	require.NoError(t, unix.Lstat(filepath.Join(s.LayerTree(ids[0]), "d/f"), &st))
	require.EqualValues(t, 2, st.Nlink, "the layer's own names")
	f, err := os.OpenFile(filepath.Join(dir, "g"), os.O_WRONLY|os.O_TRUNC, 0)
	require.NoError(t, err)
	f.WriteString("other")
	f.Close()
	own, err := os.ReadFile(filepath.Join(dir, "d/f"))
	require.NoError(t, err)
	require.Equal(t, "other", string(own), "its own hard links stay")
	layer, err := os.ReadFile(filepath.Join(s.LayerTree(ids[0]), "d/f"))
	require.NoError(t, err)
	require.Equal(t, "hello", string(layer), "the layer does not see it")
}

// sameTrees holds two directories against each other, but for sockets.
func sameTrees(t testing.TB, want, got string) {
	t.Helper()
	scratch := func() *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), "x"))
		require.NoError(t, err)
		return f
	}
	a, err := overlay.ReadUpper(t.Context(), want, scratch())
	require.NoError(t, err)
	b, err := overlay.ReadUpper(t.Context(), got, scratch())
	require.NoError(t, err)
	var x, y []overlay.Entry
	for _, e := range a[1:] {
		if e.Mode&unix.S_IFMT != unix.S_IFSOCK {
			e.Ino, e.Ctime, e.Mtime = 0, 0, e.Mtime/1e9
			x = append(x, e)
		}
	}
	for _, e := range b[1:] {
		e.Ino, e.Ctime, e.Mtime = 0, 0, e.Mtime/1e9
		y = append(y, e)
	}
	require.Equal(t, x, y)
}

func TestUpperLatest(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store"))
	ids := map[digest.Digest]bool{}
	for range 2 {
		b := batch(t, s)
		l, ok, shared, err := b.Upper(t.Context(), Upper{Dir: upper(t), Share: true, Latest: time.Unix(1e9, 0)})
		require.NoError(t, err)
		require.True(t, ok)
		require.False(t, shared, "the layer's times are not the container's")
		ids[l.DiffID] = true
		time.Sleep(10 * time.Millisecond)
	}
	require.Len(t, ids, 1, "the same files make the same layer")
}

// A directory that is not needed any more becomes the layer's, and that is the
// same as one that was unpacked.
func TestUpperTaken(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store"))
	latest := time.Unix(1e9, 0)
	b := batch(t, s)
	unpacked, _, _, err := b.Upper(t.Context(), Upper{Dir: upper(t), Latest: latest})
	require.NoError(t, err)
	dir := upper(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "socket")))
	require.NoError(t, os.Chmod(dir, 0o700))
	taken, ok, shared, err := b.Upper(t.Context(), Upper{Dir: dir, Latest: latest, Share: true, Take: true})
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, shared)
	require.Equal(t, unpacked, taken)
	sameTrees(t, filepath.Join(b.dir, "2", treeName), filepath.Join(b.dir, "3", treeName))
	root, err := os.Stat(filepath.Join(b.dir, "3", treeName))
	require.NoError(t, err)
	require.EqualValues(t, 0o755, root.Mode().Perm(), "a layer does not tell of its root")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestUpperRefusals(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store"))
	dir := t.TempDir()
	_, ok, _, err := batch(t, s).Upper(t.Context(), Upper{Dir: dir})
	require.NoError(t, err)
	require.False(t, ok, "an empty layer is none")
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".wh.x"), nil, 0o644))
	_, _, _, err = batch(t, s).Upper(t.Context(), Upper{Dir: dir})
	require.ErrorContains(t, err, "rename it and commit again")
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	mine, other := open(t, dir), open(t, dir)
	b := batch(t, mine)
	var ids []digest.Digest
	for i := range 4 {
		l, err := b.Layer(bytes.NewReader(pack(t, reg("f", fmt.Sprint(i)))))
		require.NoError(t, err)
		ids = append(ids, l.DiffID)
	}
	config, err := b.Blob([]byte("config"))
	require.NoError(t, err)
	require.NoError(t, b.Commit(func(x *Index) error {
		x.Put(Image{ID: config, Layers: ids[:1]})
		return nil
	}))
	release, err := mine.Hold(ids[1], ids[2])
	require.NoError(t, err)
	again, err := mine.Hold(ids[2])
	require.NoError(t, err)
	have := func() (n []int) {
		require.NoError(t, other.Collect())
		for i, d := range ids {
			if _, ok := mine.Layer(d); ok {
				n = append(n, i)
			}
		}
		return n
	}
	require.Equal(t, []int{0, 1, 2}, have(), "what is held by another session stays")
	release()
	require.Equal(t, []int{0, 2}, have())
	again()
	require.Equal(t, []int{0}, have())
	_, err = mine.ReadBlob(config)
	require.NoError(t, err)
	changed, err := other.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	require.NoError(t, other.Update(func(x *Index) error {
		x.Remove(config)
		return nil
	}))
	require.Equal(t, []int{0}, have(), "what another session still sees stays")
	changed, err = mine.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	require.Empty(t, have())
	require.Empty(t, list(filepath.Join(dir, "blobs", "sha256")))
	require.Empty(t, list(filepath.Join(dir, "sessions", filepath.Base(other.session), "new")))
}
