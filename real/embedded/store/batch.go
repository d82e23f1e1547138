//go:build linux

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"twinlayer/fs"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Batch gathers blobs and layers that get their names together, after one
// sync of the disk. It is used by one goroutine.
type Batch struct {
	s    *Store
	dir  string
	done []move
}

type move struct{ from, to string }

// Batch begins a batch. It must be ended with Commit or Abort; Abort after
// Commit does nothing.
func (s *Store) Batch() (*Batch, error) {
	dir, err := os.MkdirTemp(filepath.Join(s.session, "new"), "")
	if err != nil {
		return nil, unusable(s.dir, err)
	}
	return &Batch{s: s, dir: dir}, nil
}

// Abort removes what was gathered.
func (b *Batch) Abort() { os.RemoveAll(b.dir) }

// Commit makes all that was gathered durable and gives it its names.
func (b *Batch) Commit() error {
	defer b.Abort()
	if len(b.done) == 0 {
		return nil
	}
	if err := b.sync(); err != nil {
		return unusable(b.s.dir, err)
	}
	for _, m := range b.done {
		if err := m.do(); err != nil {
			return unusable(b.s.dir, err)
		}
	}
	return b.sync()
}

// sync writes the store's file system out.
func (b *Batch) sync() error {
	dir, err := os.Open(b.s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}

// do renames. A layer that another engine finished first is as good as ours.
func (m move) do() error {
	err := os.Rename(m.from, m.to)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// place notes that the returned path of the batch will become to.
func (b *Batch) place(to string) string {
	from := filepath.Join(b.dir, strconv.Itoa(len(b.done)))
	b.done = append(b.done, move{from, to})
	return from
}

// Blob adds a blob of known content.
func (b *Batch) Blob(d digest.Digest, content []byte) error {
	if got := digest.FromBytes(content); got != d {
		return corrupt("blob", d, got)
	}
	if err := os.WriteFile(b.place(b.s.blobPath(d)), content, 0o644); err != nil {
		return unusable(b.s.dir, err)
	}
	return nil
}

func corrupt(what string, want, got digest.Digest) error {
	return fmt.Errorf("%s %s is corrupt: what came has the digest %s; pull again, and if it stays so, the registry or the way to it is broken", what, want, got)
}

// Layer adds a layer: its blob as it streams by, and its tree, unpacked from
// the same stream. Neither stays when one of the two digests is wrong.
func (b *Batch) Layer(blob, diffID digest.Digest, r io.Reader) error {
	file, err := os.Create(b.place(b.s.blobPath(blob)))
	if err != nil {
		return unusable(b.s.dir, err)
	}
	defer file.Close()
	sum := digest.SHA256.Digester()
	packed := io.TeeReader(r, io.MultiWriter(file, sum.Hash()))
	if err := b.unpack(diffID, packed); err != nil {
		return fmt.Errorf("layer %s: %w", blob, b.s.Explain(err))
	}
	// What follows the compressed data belongs to the blob too.
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return fmt.Errorf("layer %s: %w", blob, b.s.Explain(err))
	}
	if sum.Digest() != blob {
		return corrupt("layer", blob, sum.Digest())
	}
	return nil
}

// unpack makes the layer's directory from its possibly compressed tar.
func (b *Batch) unpack(diffID digest.Digest, packed io.Reader) error {
	dir := b.place(b.s.layerPath(diffID))
	if err := os.MkdirAll(filepath.Join(dir, "tree"), 0o755); err != nil {
		return unusable(b.s.dir, err)
	}
	plain, err := fs.Decompress(packed, fs.DefaultLimits)
	if err != nil {
		return err
	}
	defer plain.Close()
	sum := digest.SHA256.Digester()
	size, err := Unpack(filepath.Join(dir, "tree"), io.TeeReader(plain, sum.Hash()))
	if err != nil {
		return err
	}
	if sum.Digest() != diffID {
		return corrupt("content with diffID", diffID, sum.Digest())
	}
	return os.WriteFile(filepath.Join(dir, "size"), strconv.AppendInt(nil, size, 10), 0o644)
}
