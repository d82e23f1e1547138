package fs

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// mtime is the time that an entry's inode gets: what Linux's times in
// nanoseconds cannot say is 1970 to Docker, and of a symlink it is not checked.
func mtime(h *tar.Header) int64 {
	ns := h.ModTime.UnixNano()
	if h.Typeflag != tar.TypeSymlink && (ns < 0 || h.ModTime.After(time.Unix(0, math.MaxInt64))) {
		return 0
	}
	return ns
}

// device is a device's node: of its numbers, mknod(2) takes 12 and 20 bits.
func device(h *tar.Header) Node {
	typ := map[byte]uint32{tar.TypeChar: S_IFCHR, tar.TypeBlock: S_IFBLK}[h.Typeflag]
	return Node{Mode: typ, Rdev: Mkdev(uint32(h.Devmajor)&0xfff, uint32(h.Devminor)&0xfffff)}
}

// dress gives an inode what an entry says of it. A symlink has no mode of its
// own, and what a hard link says counts for the inode that it names.
func (u *unpacker) dress(i Ino, h *tar.Header) error {
	n := *u.t.Node(i)
	own(&n, h)
	opaque := n.Opaque
	if err := setXattrs(&n, h, u.layer); err != nil {
		return failed("", err)
	}
	n.Opaque = n.Opaque || opaque
	if n.Type() != S_IFLNK {
		n.Mode = n.Type() | uint32(h.Mode)&0o7777
	}
	if n.Type() != S_IFLNK || h.Typeflag != tar.TypeLink {
		n.Mtime = mtime(h)
		n.Ctime = n.Mtime
	}
	u.t.Put(i, &n)
	return nil
}

// own sets the owner, of which the kernel takes 32 bits, and -1 as "leave it
// so". A change of owner takes a file's capabilities away (chown(2)).
func own(n *Node, h *tar.Header) {
	const same = math.MaxUint32
	if uid := uint32(h.Uid); uid != same {
		n.UID = uid
	}
	if gid := uint32(h.Gid); gid != same {
		n.GID = gid
	}
	if !n.IsDir() {
		n.Xattrs = n.Xattrs.Without("security.capability")
	}
}

// setXattrs sets the extended attributes that Linux lets root set, in any
// order of the entry's.
func setXattrs(n *Node, h *tar.Header, layer bool) error {
	for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		name, ok := strings.CutPrefix(key, xattrRecord)
		if !ok {
			continue
		}
		value := h.PAXRecords[key]
		switch err := n.canHave(name, value); {
		case err == EPERM || err == EOPNOTSUPP:
			continue // Docker goes on without it
		case err != nil:
			return err
		}
		if layer && n.IsDir() && name == "trusted.overlay.opaque" && value == "y" {
			n.Opaque = true
		}
		if !reserved(name) {
			n.Xattrs = n.Xattrs.With(name, value)
		}
	}
	return nil
}

// reserved says whether an attribute speaks to overlayfs or to an engine that
// keeps layers on disk, so that an image must not bring it.
func reserved(name string) bool {
	for _, prefix := range []string{"trusted.overlay.", "user.overlay.", "user.twinlayer."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// canHave is what setxattr(2) says to root, of whatever file system.
func (n *Node) canHave(name, value string) error {
	space, err := XattrSpace(name)
	rest := strings.TrimPrefix(name, space+".")
	switch {
	case name == "" || len(name) > NameMax:
		return ERANGE
	case len(value) > XattrMax:
		return E2BIG
	case err != nil:
		return err
	case space == "user" && !n.IsRegular() && !n.IsDir():
		return EPERM
	case space == "system":
		return n.canHaveACL(rest, value)
	case rest == "" || name == "security.capability" && !validCapability(value):
		return EINVAL
	}
	return nil
}

// canHaveACL knows only the two attributes of the system's that there are for
// files (acl(5)); symlinks have none.
func (n *Node) canHaveACL(name, value string) error {
	const version, head, size = 2, 4, 8
	switch {
	case name != "posix_acl_access" && name != "posix_acl_default" || n.Type() == S_IFLNK:
		return EOPNOTSUPP
	case len(value) < head || (len(value)-head)%size != 0 || binary.LittleEndian.Uint32([]byte(value)) != version:
		return EINVAL
	}
	return nil
}

// validCapability says whether a value is one of the two forms of file
// capabilities that can be written (vfs_cap_data of linux/capability.h).
func validCapability(value string) bool {
	if len(value) < 4 {
		return false
	}
	const effective, version2, version3 = 1, 0x02000000, 0x03000000
	switch magic := binary.LittleEndian.Uint32([]byte(value)) &^ effective; magic {
	case version2:
		return len(value) == 20
	case version3:
		return len(value) == 24
	}
	return false
}

// content is a regular file's content: where the tar is, or in memory.
func (u *unpacker) content(e *entry) (*Data, error) {
	if isSparse(e.Header) {
		return readSparse(e.Size, e.body)
	}
	if u.src != nil {
		return FileData(u.src, u.stream.n, e.Size), nil
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, e.body); err != nil {
		return nil, unreadable(err)
	}
	return DataOf(b.Bytes()), nil
}

func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// sparseMax is the longest sparse file that is read: a few bytes of header
// can claim terabytes.
const sparseMax = 16 << 30

func tooSparse(size int64) error {
	return failed("", fmt.Errorf("it claims to be a sparse file of %d bytes, and %d is the most that is read", size, int64(sparseMax)))
}

// sparsePiece is the least that is left out: a block of most file systems.
const sparsePiece = 4 << 10

// readSparse reads a content and leaves its zeros out.
func readSparse(size int64, in io.Reader) (*Data, error) {
	if size > sparseMax {
		return nil, tooSparse(size)
	}
	d := (*Data)(nil).Truncate(size)
	piece, zeros := make([]byte, sparsePiece), make([]byte, sparsePiece)
	for at := int64(0); ; {
		n, err := io.ReadFull(in, piece)
		if !bytes.Equal(piece[:n], zeros[:n]) {
			d = d.WriteAt(piece[:n], at)
		}
		at += int64(n)
		switch {
		case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) && at == size:
			return d, nil
		case err != nil:
			return nil, unreadable(err)
		}
	}
}
