package fs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// layerTar writes headers as they are; a file's content is its name.
func layerTar(t testing.TB, headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		require.NoError(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := io.WriteString(w, h.Name)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// everything is a layer in no good order: files before their directories.
func everything(t testing.TB) []byte {
	at := time.Unix(1700000000, 0)
	return layerTar(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "z/file", Mode: 0o4755, Uid: 1, Gid: 2, ModTime: at, Uname: "ana",
			PAXRecords: map[string]string{"SCHILY.xattr.user.b": "2", "SCHILY.xattr.user.a": "1"}},
		tar.Header{Typeflag: tar.TypeLink, Name: "a/hard", Linkname: "z/file", Mode: 0o4755, Uid: 1, Gid: 2, ModTime: at},
		tar.Header{Typeflag: tar.TypeDir, Name: "a/", Mode: 0o1777, ModTime: at},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./a/link", Linkname: "../z/file", ModTime: at},
		tar.Header{Typeflag: tar.TypeFifo, Name: "a/fifo", Mode: 0o600, ModTime: at},
		tar.Header{Typeflag: tar.TypeChar, Name: "a/null", Mode: 0o666, Devmajor: 1, Devminor: 3, ModTime: at},
		tar.Header{Typeflag: tar.TypeReg, Name: "a/.wh.gone", Size: 0},
		tar.Header{Typeflag: tar.TypeReg, Name: "q/.wh..wh..opq", Size: 0},
		tar.Header{Typeflag: tar.TypeReg, Name: "q/kept", Mode: 0o644, ModTime: at},
		tar.Header{Typeflag: tar.TypeReg, Name: "q/.wh.gone", Size: 0},
		tar.Header{Typeflag: tar.TypeReg, Name: "q/.wh..wh.plnk", Size: 0},
	)
}

func TestReadTar(t *testing.T) {
	tree, err := ReadTar(bytes.NewBuffer(everything(t)))
	require.NoError(t, err)
	file := tree.Lookup("/z/file")
	require.Equal(t, uint32(S_IFREG|0o4755), file.Mode)
	require.EqualValues(t, 2, file.Nlink)
	require.Same(t, file, tree.Lookup("/a/hard"))
	require.Equal(t, Xattrs{{"user.a", "1"}, {"user.b", "2"}}, file.Xattrs)
	require.True(t, tree.Lookup("/a/gone").IsWhiteout())
	require.True(t, tree.Lookup("/q").Opaque)
	require.True(t, tree.Lookup("/q/gone").IsWhiteout())
	require.True(t, tree.Lookup("/q/.wh.plnk").IsWhiteout())
	require.False(t, tree.Lookup("/q/kept").IsWhiteout())
	require.Equal(t, "../z/file", tree.Lookup("/a/link").Target)
	require.Equal(t, Mkdev(1, 3), tree.Lookup("/a/null").Rdev)
}

func TestTarRoundTrip(t *testing.T) {
	tree, err := ReadTar(bytes.NewReader(everything(t))) // contents stay in the tar
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, tree.WriteTar(&b))
	back, err := ReadTar(&b)
	require.NoError(t, err)
	require.Equal(t, must(tree.Digest()), must(back.Digest()))
	require.Equal(t, must(tree.Lookup("/z/file").Data.Bytes()), must(back.Lookup("/z/file").Data.Bytes()))
	require.Equal(t, tree.Lookup("/z/file").Mtime, back.Lookup("/z/file").Mtime)
}

// TestDigest holds the canonical digest against its definition, written out
// by hand.
func TestDigest(t *testing.T) {
	tree, err := ReadTar(bytes.NewBuffer(everything(t)))
	require.NoError(t, err)
	epoch := time.Unix(0, 0)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "a/", Mode: 0o1777},
		{Typeflag: tar.TypeReg, Name: "a/.wh.gone"},
		{Typeflag: tar.TypeFifo, Name: "a/fifo", Mode: 0o600},
		{Typeflag: tar.TypeReg, Name: "a/hard", Mode: 0o4755, Uid: 1, Gid: 2, Size: 6,
			PAXRecords: map[string]string{"SCHILY.xattr.user.a": "1", "SCHILY.xattr.user.b": "2"}},
		{Typeflag: tar.TypeSymlink, Name: "a/link", Mode: 0o777, Linkname: "../z/file"},
		{Typeflag: tar.TypeChar, Name: "a/null", Mode: 0o666, Devmajor: 1, Devminor: 3},
		{Typeflag: tar.TypeDir, Name: "q/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "q/.wh..wh..opq"},
		{Typeflag: tar.TypeReg, Name: "q/.wh..wh.plnk"},
		{Typeflag: tar.TypeReg, Name: "q/.wh.gone"},
		{Typeflag: tar.TypeReg, Name: "q/kept", Mode: 0o644, Size: 6},
		{Typeflag: tar.TypeDir, Name: "z/", Mode: 0o755},
		{Typeflag: tar.TypeLink, Name: "z/file", Mode: 0o4755, Uid: 1, Gid: 2, Linkname: "a/hard",
			PAXRecords: map[string]string{"SCHILY.xattr.user.a": "1", "SCHILY.xattr.user.b": "2"}},
	} {
		h.ModTime = epoch
		require.NoError(t, w.WriteHeader(&h))
		switch h.Name {
		case "a/hard":
			io.WriteString(w, "z/file")
		case "q/kept":
			io.WriteString(w, "q/kept")
		}
	}
	require.NoError(t, w.Close())
	sum := sha256.Sum256(b.Bytes())
	require.Equal(t, hex.EncodeToString(sum[:]), must(tree.Digest()).Encoded())
}
