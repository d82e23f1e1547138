//go:build linux

package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// Batch gathers blobs and layers that get their names together, after one
// sync of the disk. It is safe for concurrent use, but for its end.
type Batch struct {
	// Cached keeps the layers of the batch in the store, whether or not an
	// image of the index has them.
	Cached bool

	s   *Store
	dir string

	mu     sync.Mutex
	made   int
	moves  []move
	synced int   // so many of moves
	length int64 // of the layers' tars
	layers map[digest.Digest]Layer
	open   []*os.File // locked until the end

	flushing sync.WaitGroup
	flushes  atomic.Bool // now
	flushed  error       // what flushing ended with
}

type move struct{ from, to string }

// Batch begins a batch. It must be ended with Commit or Abort; Abort after
// Commit does nothing.
func (s *Store) Batch() (*Batch, error) {
	dir, err := os.MkdirTemp(filepath.Join(s.session, "new"), "")
	if err != nil {
		return nil, unusable(s.dir, err)
	}
	return &Batch{s: s, dir: dir, layers: map[digest.Digest]Layer{}}, nil
}

// Abort removes what was gathered.
func (b *Batch) Abort() {
	overlay.RemoveAll(b.dir)
	for _, f := range b.open {
		f.Close()
	}
}

// Place gives what was gathered its names, and leaves it to the disk's own
// time to become durable. Layers go with the next [Store.Collect], should
// nobody hold them.
func (b *Batch) Place() error {
	defer b.Abort()
	return b.s.locked(b.rename)
}

func (b *Batch) rename() error {
	for _, m := range b.moves {
		if err := m.do(); err != nil {
			return unusable(b.s.dir, err)
		}
	}
	return nil
}

// Commit makes all that was gathered durable, gives it its names and, in the
// same moment for every other session, has update change the index. What has
// its name before it is durable would, after a power cut, be part of no image
// and go at the next start.
func (b *Batch) Commit(update func(*Index) error) error {
	defer b.Abort()
	if err := b.Sync(); err != nil {
		return err
	}
	return b.s.locked(func() error {
		if err := b.rename(); err != nil {
			return err
		}
		return b.s.update(update, func(*os.File) error { return b.s.sync() })
	})
}

// muchData is how much is made durable before the store is locked; it may take
// long. What is less waits for the disk once, in Commit.
const muchData = 8 << 20

// Sync makes what was gathered so far durable, ahead of Commit, if that takes
// long.
func (b *Batch) Sync() error {
	if b.synced == len(b.moves) || b.length < muchData && !b.Cached {
		return nil
	}
	b.synced = len(b.moves)
	b.flushing.Wait()
	return unusable(b.s.dir, errors.Join(b.flushed, b.s.sync()))
}

// sync writes the store's file system out.
func (s *Store) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// do renames. A layer that another engine finished first is as good as ours.
func (m move) do() error {
	err := os.Rename(m.from, m.to)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// temp is a new path in the batch.
func (b *Batch) temp() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	return filepath.Join(b.dir, strconv.Itoa(b.made))
}

// name notes that from will become to.
func (b *Batch) name(from, to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moves = append(b.moves, move{from, to})
}

// Blob adds a blob.
func (b *Batch) Blob(content []byte) (digest.Digest, error) {
	d := digest.FromBytes(content)
	file := b.temp()
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return "", unusable(b.s.dir, err)
	}
	b.name(file, b.s.blobPath(d))
	return d, nil
}

// Layer adds a layer from its tar, which may be compressed, and reads that to
// its end. A compressed one is kept as it came, too.
func (b *Batch) Layer(packed io.Reader) (Layer, error) {
	file, err := os.Create(b.temp())
	if err != nil {
		return Layer{}, unusable(b.s.dir, err)
	}
	defer file.Close()
	l, err := b.layer(packed, file)
	if err != nil {
		return Layer{}, err
	}
	if l.Blob == nil {
		return l, os.Remove(file.Name())
	}
	b.name(file.Name(), b.s.blobPath(l.Blob.Digest))
	return l, nil
}

// layer makes a layer of a stream and copies that, as long as it is
// compressed, into keep.
func (b *Batch) layer(packed io.Reader, keep io.Writer) (Layer, error) {
	sum := digest.SHA256.Digester()
	kept := &keeper{w: keep}
	in := readAhead(io.TeeReader(packed, io.MultiWriter(sum.Hash(), kept)))
	defer in.Close()
	peek := newPeeker(in)
	kept.off.Store(peek.mediaType == "")
	dir := b.temp()
	l, err := b.unpack(dir, peek)
	if err != nil {
		return Layer{}, b.s.Explain(err)
	}
	// What follows the compressed data belongs to the blob too.
	if _, err := io.Copy(io.Discard, peek); err != nil {
		return Layer{}, b.s.Explain(err)
	}
	if peek.mediaType != "" {
		l.Blob = &ocispec.Descriptor{MediaType: peek.mediaType, Digest: sum.Digest(), Size: kept.n}
	}
	return l, b.add(dir, l)
}

// add completes a layer's directory.
func (b *Batch) add(dir string, l Layer) error {
	meta, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, metaName), meta, 0o644); err != nil {
		return unusable(b.s.dir, err)
	}
	if b.Cached {
		if err := os.WriteFile(filepath.Join(dir, cachedName), nil, 0o644); err != nil {
			return unusable(b.s.dir, err)
		}
	}
	b.name(dir, b.s.layerPath(l.DiffID))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.layers[l.DiffID] = l
	b.length += l.Length
	return nil
}

// Have is the layer of this diffID, of the batch or else of the store.
func (b *Batch) Have(diffID digest.Digest) (Layer, bool) {
	b.mu.Lock()
	l, ok := b.layers[diffID]
	b.mu.Unlock()
	if ok {
		return l, true
	}
	return b.s.Layer(diffID)
}

// unpack makes the layer's directory from its possibly compressed tar.
func (b *Batch) unpack(dir string, packed io.Reader) (l Layer, err error) {
	if err := os.MkdirAll(filepath.Join(dir, treeName), 0o755); err != nil {
		return l, err
	}
	split, err := os.Create(filepath.Join(dir, splitName))
	if err != nil {
		return l, err
	}
	defer split.Close()
	unpacked, err := fs.Decompress(packed, fs.DefaultLimits)
	if err != nil {
		return l, err
	}
	defer unpacked.Close()
	plain := readAhead(&flusher{Reader: unpacked, b: b})
	defer plain.Close()
	sum := digest.SHA256.Digester()
	l.Size, l.Length, err = Unpack(filepath.Join(dir, treeName), filepath.Join(dir, lostName), io.TeeReader(plain, sum.Hash()), split)
	l.DiffID = sum.Digest()
	return l, err
}

// flusher has the disk write what was unpacked while more is, so that less is
// left to wait for at the end.
type flusher struct {
	io.Reader
	b *Batch
	n int64 // bytes since it was told last
}

const flushEvery = 32 << 20

func (f *flusher) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if f.n += int64(n); f.n >= flushEvery {
		f.n = 0
		f.b.flush()
	}
	return n, err
}

func (b *Batch) flush() {
	if !b.flushes.CompareAndSwap(false, true) {
		return
	}
	b.flushing.Go(func() {
		defer b.flushes.Store(false)
		err := b.s.sync()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.flushed = errors.Join(b.flushed, err)
	})
}

// keeper writes what it gets, unless it is off.
type keeper struct {
	w   io.Writer
	off atomic.Bool // who reads ahead may write meanwhile
	n   int64
}

func (k *keeper) Write(p []byte) (int, error) {
	k.n += int64(len(p))
	if k.off.Load() {
		return len(p), nil
	}
	return k.w.Write(p)
}

// Corrupt is the error of content that has another digest than it should.
func Corrupt(what string, want, got digest.Digest) error {
	return fmt.Errorf("%s %s is corrupt: what came has the digest %s; try again, and if it stays so, where it comes from or the way to it is broken", what, want, got)
}
