package fs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
)

// spoolFile is an empty file for the contents of a layer.
func spoolFile(t testing.TB) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func gzipped(t testing.TB, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		_, err := z.Write(p)
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	return b.Bytes()
}

func zstandard(t testing.TB, p []byte) []byte {
	z, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return z.EncodeAll(p, nil)
}

// TestReadLayer: one tar in every compression is one tree and one diffID.
func TestReadLayer(t *testing.T) {
	plain := everything(t)
	want := must(must(ReadTar(bytes.NewReader(plain))).Digest())
	for name, blob := range map[string][]byte{
		"plain": plain, "gzip": gzipped(t, plain), "gzip in members": gzipped(t, plain[:700], plain[700:]), "zstd": zstandard(t, plain),
	} {
		for _, spool := range []Spool{nil, spoolFile(t)} {
			tree, diffID, err := ReadLayer(bytes.NewReader(blob), spool, DefaultLimits)
			require.NoError(t, err, name)
			require.Equal(t, digest.FromBytes(plain), diffID, name)
			require.Equal(t, want, must(tree.Digest()), name)
		}
	}
}

// TestSpoolKeepsContents: what stays in memory does not grow with the files.
func TestSpoolKeepsContents(t *testing.T) {
	spool := spoolFile(t)
	tree, _, err := ReadLayer(bytes.NewReader(everything(t)), spool, DefaultLimits)
	require.NoError(t, err)
	require.Equal(t, "z/file", string(must(tree.Lookup("/z/file").Data.Bytes())))
	require.NoError(t, spool.Close())
	_, err = tree.Lookup("/z/file").Data.Bytes()
	require.ErrorIs(t, err, os.ErrClosed)
}

// hostile is a tar header that an honest writer refuses to write.
func rawHeader(name string, size int64, typ byte) []byte {
	var h [512]byte
	copy(h[:], name)
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x000000000\x00")
	if size < 1<<33 {
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
	} else {
		h[124] = 0x80
		for i := range 8 {
			h[135-i] = byte(size >> (8 * i))
		}
	}
	copy(h[136:], "00000000000\x00        ")
	h[156] = typ
	copy(h[257:], "ustar  \x00")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h[:]
}

// paxName is a tar of one empty file, whose name a PAX record gives.
func paxName(name string) []byte {
	record := fmt.Sprintf("%d path=%s\n", len(name)+len("00 path=\n"), name)
	out := append(rawHeader("pax", int64(len(record)), tar.TypeXHeader), record...)
	out = append(out, make([]byte, 512-len(record))...)
	return append(append(out, rawHeader("x", 0, tar.TypeReg)...), make([]byte, 1024)...)
}

func TestHostileLayers(t *testing.T) {
	deep := strings.Repeat("d/", 3000)
	for name, c := range map[string]struct {
		blob []byte
		says string
	}{
		"hard link leads out":  {layerTar(t, tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "../../etc/passwd"}), "link /etc/passwd /x: no such file or directory"},
		"hard link to nothing": {layerTar(t, tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "/etc/passwd"}), "link /etc/passwd /x: no such file or directory"},
		"file as a parent":     {layerTar(t, tar.Header{Typeflag: tar.TypeReg, Name: "x"}, tar.Header{Typeflag: tar.TypeReg, Name: "x/y"}), "open /x/y: not a directory"},
		"NUL in a name":        {paxName("a\x00b"), "invalid tar header"},
		"terabytes claimed":    {rawHeader("big", 1<<42, tar.TypeReg), "unexpected EOF"},
		"negative size":        {append(rawHeader("neg", 0, tar.TypeReg)[:124], append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}, rawHeader("neg", 0, tar.TypeReg)[136:]...)...), "invalid tar header"},
		"no path for Linux":    {layerTar(t, tar.Header{Typeflag: tar.TypeReg, Name: deep + "f"}), "file name too long"},
		"no name for Linux":    {layerTar(t, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("n", 256)}), "file name too long"},
		"cut short":            {everything(t)[:530], "unexpected EOF"},
		"gzip cut short":       {gzipped(t, everything(t))[:200], "unexpected EOF"},
		"not a tar":            {[]byte(strings.Repeat("this is no tar. ", 64)), "invalid tar header"},
		"unknown type":         {append(rawHeader("x", 0, 'Z'), make([]byte, 1024)...), "unhandled tar header type 90"},
	} {
		_, _, err := ReadLayer(bytes.NewReader(c.blob), spoolFile(t), DefaultLimits)
		require.ErrorContains(t, err, c.says, name)
		require.ErrorAs(t, err, new(*TarError), name)
	}
}

// Absolute names, names that lead out and symlinks that lead out are harmless:
// as Docker takes them, the layer's root is the root, and has nothing above it.
func TestHarmlessLayers(t *testing.T) {
	tree, _, err := ReadLayer(bytes.NewReader(layerTar(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "/etc/x"},
		tar.Header{Typeflag: tar.TypeReg, Name: "../y"},
		tar.Header{Typeflag: tar.TypeReg, Name: "a/../../z"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "out", Linkname: "../../../etc/passwd"})), nil, DefaultLimits)
	require.NoError(t, err)
	for _, name := range []string{"/etc/x", "/y", "/z"} {
		require.NotNil(t, tree.Lookup(name), name)
	}
	require.Equal(t, "../../../etc/passwd", tree.Lookup("/out").Target)
	_, _, err = ReadLayer(bytes.NewReader(layerTar(t,
		tar.Header{Typeflag: tar.TypeSymlink, Name: "out", Linkname: "/etc"},
		tar.Header{Typeflag: tar.TypeReg, Name: "out/x"})), nil, DefaultLimits)
	require.ErrorContains(t, err, "open /out/x: no such file or directory", "nothing is written through a symlink that leads nowhere")
}

// zeros is an endless stream of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bomb is a gzip of a tar of one file of 16 GiB of zeros, made as it is read.
func bomb() io.Reader {
	r, w := io.Pipe()
	go func() {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		_, err := io.Copy(z, io.MultiReader(bytes.NewReader(rawHeader("zeros", 16<<30, tar.TypeReg)), io.LimitReader(zeros{}, 16<<30)))
		w.CloseWithError(errors.Join(err, z.Close()))
	}()
	return r
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error)           { return len(p), nil }
func (nowhere) ReadAt(p []byte, _ int64) (int, error) { return 0, io.EOF }

func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	before := testenv.Heap()
	in := bomb()
	defer in.(io.Closer).Close()
	_, _, err := ReadLayer(in, nowhere{}, DefaultLimits)
	require.ErrorContains(t, err, "decompression bomb")
	require.Less(t, testenv.Heap(), before+32<<20)
	_, _, err = ReadLayer(bytes.NewReader(gzipped(t, everything(t))), nil, Limits{Bytes: 1024})
	require.ErrorContains(t, err, "more than the 1024 bytes that are allowed")
}

// broken fails after a while, as a network does.
type broken struct{ n int }

func (b *broken) Read(p []byte) (int, error) {
	if b.n -= len(p); b.n < 0 {
		return 0, errors.New("connection reset")
	}
	clear(p)
	return len(p), nil
}

// TestReadLayerEnds: no reader is left behind, however the reading ends.
func TestReadLayerEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		_, _, err := ReadLayer(io.MultiReader(bytes.NewReader(rawHeader("f", 1<<30, tar.TypeReg)), &broken{8 << 20}), nowhere{}, DefaultLimits)
		require.ErrorContains(t, err, "connection reset")
		_, _, err = ReadLayer(io.MultiReader(bytes.NewReader(layerTar(t, tar.Header{Typeflag: tar.TypeCont, Name: "x"})), io.LimitReader(zeros{}, 8<<20)), nowhere{}, DefaultLimits)
		require.Error(t, err)
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 5*time.Second, time.Millisecond)
}

// FuzzReadLayer: whatever the bytes, there is a tree or an error, and what was
// read goes out and comes in again with an equal digest.
func FuzzReadLayer(f *testing.F) {
	f.Add(everything(f))
	f.Add(gzipped(f, everything(f)))
	f.Add(zstandard(f, everything(f)))
	f.Add(layerTar(f, tar.Header{Typeflag: tar.TypeReg, Name: "../x"}))
	f.Add(rawHeader("big", 1<<42, tar.TypeReg))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, diffID, err := ReadLayer(bytes.NewReader(b), nil, Limits{Bytes: 1 << 22})
		if err != nil {
			return
		}
		require.Len(t, diffID.Encoded(), 2*sha256.Size)
		if tree.Bytes() < 1<<20 {
			requireRoundTrip(t, tree)
		}
	})
}

func requireRoundTrip(t testing.TB, tree *Tree) {
	want, err := tree.Digest()
	if err != nil {
		return // names or times that tar cannot write
	}
	var out bytes.Buffer
	require.NoError(t, tree.WriteTar(&out))
	back, err := ReadTar(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.Equal(t, want, must(back.Digest()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
