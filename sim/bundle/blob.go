package bundle

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
	"twinlayer/sim"
)

// plain is a layer as a blob without compression, whose digest is the diffID.
// The tar is written anew each time it is opened, so an executable in it stays
// in its file: for a layer of 15 MB that costs a tenth of compressing it.
func plain(tree *fs.Tree) (sim.Blob, error) {
	digester := digest.Canonical.Digester()
	var size counter
	err := tree.WriteTar(io.MultiWriter(digester.Hash(), &size))
	return sim.Blob{
		Descriptor: ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageLayer, Digest: digester.Digest(), Size: int64(size),
		},
		Open: func() (io.ReadCloser, error) { return stream(tree), nil },
		Tree: func() (*fs.Tree, error) { return tree, nil },
	}, err
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// stream is the layer's tar, written as it is read. Closing it ends the
// writer.
func stream(tree *fs.Tree) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(tree.WriteTar(w)) }()
	return r
}

// gzipped is a plain blob compressed, kept in memory.
func gzipped(blob sim.Blob) (sim.Blob, error) {
	in, err := blob.Open()
	if err != nil {
		return sim.Blob{}, err
	}
	defer in.Close()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := io.Copy(z, in); err != nil {
		return sim.Blob{}, err
	}
	if err := z.Close(); err != nil {
		return sim.Blob{}, err
	}
	blob.Descriptor = ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromBytes(out.Bytes()), Size: int64(out.Len()),
	}
	blob.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }
	return blob, nil
}
