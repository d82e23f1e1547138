package overlay

import (
	"errors"
	"fmt"
	"io"

	"twinlayer/fs"
)

// Entry is one path of a layer, in a form that can travel: the contents of
// all regular files lie one after the other in one file beside it.
type Entry struct {
	Path        string // absolute
	Link        string // the path it is a hard link to; "": what follows counts
	Mode        uint32
	UID, GID    uint32
	Rdev        uint64
	Ino         uint64 // on the disk; 0: it is on none
	Mtime       int64  // nanoseconds since 1970
	Ctime       int64
	Target      string // of a symlink
	Xattrs      []fs.Xattr
	Opaque      bool
	Offset, Len int64 // of the content
	Kept        bool  // the content is not there: it is what it was before
}

// Tree is the layer that the entries make. The contents stay in src; those
// that are kept are before's.
func Tree(entries []Entry, src io.ReaderAt, before *fs.Tree) (*fs.Tree, error) {
	b := fs.NewBuilder()
	for _, e := range entries {
		if err := e.put(b, src, before); err != nil {
			return nil, fmt.Errorf("layer entry %q: %w", e.Path, err)
		}
	}
	return b.Tree(), nil
}

// Entries are the paths of a tree, parents first. It writes the contents to
// dst, one after the other.
func Entries(t *fs.Tree, dst io.Writer) ([]Entry, error) {
	entries := []Entry{entryOf("/", t.Root())}
	first, end := map[fs.Ino]string{}, int64(0)
	for p := range t.All() {
		if name, ok := first[p.Ino]; ok {
			entries = append(entries, Entry{Path: p.Path, Link: name})
			continue
		}
		if !p.IsDir() {
			first[p.Ino] = p.Path
		}
		e := entryOf(p.Path, p.Node)
		if p.IsRegular() {
			e.Offset, e.Len = end, p.Data.Size()
			if _, err := io.Copy(dst, p.Data.Reader()); err != nil {
				return nil, fmt.Errorf("reading %s: %w", p.Path, err)
			}
			end += e.Len
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func entryOf(name string, n *fs.Node) Entry {
	return Entry{
		Path: name, Mode: n.Mode, UID: n.UID, GID: n.GID, Rdev: n.Rdev, Mtime: n.Mtime, Ctime: n.Ctime,
		Target: n.Target, Opaque: n.Opaque, Xattrs: n.Xattrs,
	}
}

func (e *Entry) put(b *fs.Builder, src io.ReaderAt, before *fs.Tree) error {
	if e.Kept {
		n := e.node()
		old := before.Lookup(e.Path)
		if old == nil || old.Size() != e.Len {
			return errors.New("its content is not the one that was kept")
		}
		n.Data = old.Data
		return b.Put(e.Path, n)
	}
	return e.Add(b, src)
}

func (e *Entry) Add(b *fs.Builder, src io.ReaderAt) error {
	if e.Link != "" {
		return b.Link(e.Path, e.Link)
	}
	n := e.node()
	if e.Len > 0 {
		n.Data = fs.FileData(src, e.Offset, e.Len)
	}
	return b.Put(e.Path, n)
}

// node is the entry's inode, without a content.
func (e *Entry) node() fs.Node {
	return fs.Node{
		Mode: e.Mode, UID: e.UID, GID: e.GID, Rdev: e.Rdev, Mtime: e.Mtime, Ctime: e.Ctime,
		Target: e.Target, Opaque: e.Opaque, Xattrs: e.Xattrs,
	}
}

const CapabilityAttr = "security.capability"

// IsDir says whether the entry is a directory.
func (e *Entry) IsDir() bool { return e.Link == "" && e.Mode&fs.S_IFMT == fs.S_IFDIR }
