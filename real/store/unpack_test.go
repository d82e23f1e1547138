//go:build linux

package store

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/fs/tartest"
	"twinlayer/fs/testenv"
)

var (
	tarCount = flag.Int("tars", 400, "random tars that TestTarsRandom unpacks")
	tarsUser = flag.Bool("tarsuser", false, "be the process that TestTarsUser starts, in a user namespace")
	tarSeed  = flag.Uint64("tarseed", 1, "seed of the first of them; each next one has the next")
)

// both is a tar unpacked into a directory, and read by the model.
type both struct {
	top  string
	side string // a directory beside the one that is unpacked into
	was  []string
}

func newBoth(t testing.TB) *both {
	b := &both{top: t.TempDir()}
	b.side = filepath.Join(b.top, "side")
	require.NoError(t, os.Mkdir(b.side, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(b.side, "a"), []byte("outside"), 0o600))
	b.was = b.outside(t)
	return b
}

// outside lists what no tar may touch.
func (b *both) outside(t testing.TB) []string {
	contents, err := os.Create(filepath.Join(b.top, "contents"))
	require.NoError(t, err)
	defer contents.Close()
	entries, err := overlay.ReadUpper(t.Context(), b.side, contents)
	require.NoError(t, err)
	tree, err := overlay.Tree(entries, contents, nil)
	require.NoError(t, err)
	list, err := tartest.List(tree, time.Now().Add(time.Hour))
	require.NoError(t, err)
	above, err := os.ReadDir(b.top)
	require.NoError(t, err)
	for _, e := range above {
		list = append(list, e.Name())
	}
	return list
}

// result is what a tar came to, as the cases have it.
func result(t testing.TB, tree *fs.Tree, size int64, err error) []string {
	var refused *fs.TarError
	if errors.As(err, &refused) {
		return []string{"error " + tartest.Said(refused)}
	}
	require.NoError(t, err)
	list, err := tartest.List(tree, time.Now())
	require.NoError(t, err)
	return append([]string{fmt.Sprint("size ", size)}, list...)
}

// compare unpacks a tar and reads it, and holds both against each other: the
// same tree and size or the same error, the tar again from what was unpacked,
// and nothing outside. It returns the result.
func (b *both) compare(t testing.TB, packed []byte, what any) []string {
	model, err := fs.ReadTar(bytes.NewReader(packed))
	var size int64
	if err == nil {
		size = model.Bytes()
	}
	want := result(t, model, size, err)
	dir := filepath.Join(b.top, "layer")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, treeName), 0o755))
	split, err := os.Create(filepath.Join(dir, splitName))
	require.NoError(t, err)
	size, length, err := Unpack(filepath.Join(dir, treeName), filepath.Join(dir, lostName), bytes.NewReader(packed), split)
	require.NoError(t, split.Close())
	contents, fileErr := os.Create(filepath.Join(dir, "contents"))
	require.NoError(t, fileErr)
	defer contents.Close()
	var tree *fs.Tree
	if err == nil {
		require.EqualValues(t, len(packed), length)
		tree = b.unpacked(t, dir, contents, packed)
	}
	require.Equal(t, want, result(t, tree, size, err), "%+v", what)
	require.NoError(t, os.RemoveAll(dir))
	require.Equal(t, b.was, b.outside(t), "%+v", what)
	return want
}

// unpacked is the directory as a tree; it gives the tar back.
func (b *both) unpacked(t testing.TB, dir string, contents *os.File, packed []byte) *fs.Tree {
	entries, err := overlay.ReadUpper(t.Context(), filepath.Join(dir, treeName), contents)
	require.NoError(t, err)
	tree, err := overlay.Tree(entries, contents, nil)
	require.NoError(t, err)
	r, err := OpenTar(dir)
	require.Equal(t, packed, content(t, r, err))
	_, err = Headers(dir, func(name string) (Content, error) { return os.Open(name) })
	require.NoError(t, err)
	return tree
}

// needsRoot skips what sets owners and makes devices.
func needsRoot(t testing.TB) {
	if os.Getuid() != 0 {
		t.Skip("only root can make what such tars ask for")
	}
}

// TestTars: the engine unpacks what Docker unpacks.
func TestTars(t *testing.T) {
	needsRoot(t)
	b := newBoth(t)
	cases, err := tartest.Cases()
	require.NoError(t, err)
	for _, c := range cases {
		require.Equal(t, c.Result, b.compare(t, tartest.Pack(c.Entries), c.Name), c.Name)
	}
}

// TestTarsRandom: engine and model make the same of any tar.
func TestTarsRandom(t *testing.T) {
	needsRoot(t)
	b := newBoth(t)
	taken, start := 0, time.Now()
	for i := range uint64(*tarCount) {
		r := rand.New(rand.NewPCG(*tarSeed+i, 1))
		entries := tartest.Random(r)
		if got := b.compare(t, tartest.Pack(entries), entries); len(got) > 1 {
			taken++
		}
	}
	t.Logf("%d random tars in %.1f s, %d of them taken, 0 differences", *tarCount, time.Since(start).Seconds(), taken)
	require.Greater(t, taken, *tarCount/5, "too many are refused to show much")
}

// TestTarsUser is TestTarsRandom in a user namespace of one id, where owners
// and devices are noted.
func TestTarsUser(t *testing.T) {
	if *tarsUser {
		b := newBoth(t)
		for i := range uint64(*tarCount / 4) {
			entries := keptForUser(tartest.Random(rand.New(rand.NewPCG(*tarSeed+i, 2))))
			b.compare(t, tartest.Pack(entries), entries)
		}
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestTarsUser$", "-tarsuser", fmt.Sprintf("-tars=%d", *tarCount), fmt.Sprintf("-tarseed=%d", *tarSeed))
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		testenv.Lacking(t, "this machine forbids user namespaces")
	}
	require.NoError(t, err, string(out))
}

// keptForUser leaves out what there is no place for in a user namespace: the
// owners of what can have no attributes, which hard links give as well.
func keptForUser(entries []tartest.Entry) []tartest.Entry {
	for i := range entries {
		if e := &entries[i]; e.Type != 'f' && e.Type != 'd' {
			e.UID, e.GID = 0, 0
		}
	}
	return entries
}

// TestTarSplitDamaged: whatever byte of a tar-split is wrong, the layer is damaged or
// what it was, and reading it ends.
func TestTarSplitDamaged(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, treeName), 0o755))
	packed := pack(t, reg("d/a", "one"), reg("d/b", "two"), node(tar.TypeLink, "c", "d/a"), node(tar.TypeSymlink, "l", "d"), reg(".wh.x", ""))
	var split bytes.Buffer
	_, _, err := Unpack(filepath.Join(dir, treeName), filepath.Join(dir, lostName), bytes.NewReader(packed), &split)
	require.NoError(t, err)
	want, err := fs.ReadTar(bytes.NewReader(packed))
	require.NoError(t, err)
	for i := range split.Len() {
		for bit := range 8 {
			damaged := bytes.Clone(split.Bytes())
			damaged[i] ^= 1 << bit
			require.NoError(t, os.WriteFile(filepath.Join(dir, splitName), damaged, 0o644))
			got, err := Headers(dir, func(name string) (Content, error) { return os.Open(name) })
			if err != nil {
				require.ErrorContains(t, err, "is damaged on disk")
				continue
			}
			require.Equal(t, digestOf(t, want), digestOf(t, got), "byte %d, bit %d", i, bit)
		}
	}
}

// TestTarSplitRecords: numbers and names that no tar-split has.
func TestTarSplitRecords(t *testing.T) {
	dir := t.TempDir()
	for _, record := range []string{
		"f\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "f\x05../xx\x01", "f\x02/x\x01", "r\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "x\x01a",
		"f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
	} {
		z, err := zstd.NewWriter(nil)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, splitName), z.EncodeAll([]byte(record), nil), 0o644))
		_, err = Headers(dir, func(name string) (Content, error) { return os.Open(name) })
		require.ErrorContains(t, err, "is damaged", "%q", record)
	}
}

// FuzzTars chooses what random tars are made of.
func FuzzTars(f *testing.F) {
	needsRoot(f)
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, chosen []byte) {
		entries := tartest.Random(rand.New(tartest.NewChoices(chosen)))
		newBoth(t).compare(t, tartest.Pack(entries), entries)
	})
}

// FuzzUnpack has bytes that may be no tar at all.
func FuzzUnpack(f *testing.F) {
	needsRoot(f)
	cases, err := tartest.Cases()
	require.NoError(f, err)
	for _, c := range cases {
		f.Add(tartest.Pack(c.Entries))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		if len(packed) > 1<<16 {
			return
		}
		newBoth(t).compare(t, packed, nil)
	})
}
