package fs

import (
	"archive/tar"
	"io"
	"slices"
	"time"
)

// Dialect is the way in which an engine makes a layer of what happened in a
// container. The dialects are different layers with the same meaning: they
// have different canonical digests wherever an entry was copied up without
// being changed, or a directory was made anew.
type Dialect string

const (
	// DockerNative is what docker commit and the classic builder write: the
	// writable layer as it is, opaque directories marked as such.
	DockerNative Dialect = "docker-native"
	// BuildKit is what BuildKit writes, and docker commit where the storage
	// driver finds changes by comparing: what docker diff names, deletions one
	// by one, never an opaque directory.
	BuildKit Dialect = "buildkit"
	// Containerd is what containerd's differ writes: the same and, of a file
	// with a new link, the names that it had before.
	Containerd Dialect = "containerd"
)

// tarStyle is how the entries of a layer tar are written.
type tarStyle struct {
	order    func(*Tree, *Node) []Entry
	mtime    func(*Node) time.Time
	types    uint32 // of the mode, the type bits that its field holds
	whiteout func(*tar.Header)
	opaque   func(*tar.Header, *Node)
}

// WriteTar writes a layer as engines that speak d do: names in their order,
// whole seconds, and in Docker 20.10's tars type bits in the mode field. For
// what OCI asks for see [Tree.WriteTar].
func (d Dialect) WriteTar(w io.Writer, t *Tree) error {
	s := tarStyle{
		order:    func(t *Tree, d *Node) []Entry { return slices.Collect(d.Dir.All()) },
		mtime:    func(n *Node) time.Time { return time.Unix(n.Mtime/1e9, 0) },
		whiteout: func(*tar.Header) {},
		opaque:   func(*tar.Header, *Node) {},
	}
	if d == DockerNative {
		s.types = S_IFMT
		s.whiteout = func(h *tar.Header) { h.Mode = 0o600 }
		s.opaque = func(h *tar.Header, n *Node) { h.Mode, h.ModTime = int64(n.Mode&0o7777), time.Unix(0, 0) }
	}
	return t.writeTar(w, s)
}
