package fs

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// What a tar means is what Docker makes of it with its overlay2 driver
// (moby/go-archive, Unpack), entry after entry, in a root directory of its
// own:
//
//   - Names are cleaned as text: "../x" is "/x", and so is "a/../x". The entry
//     "." is passed over; "/" is the root.
//   - Symlinks of the tar itself are followed on the way to a name, never at
//     its end. Directories that are missing on the way are made.
//   - What stands in the way is removed, with all below it, but for a directory
//     where a directory comes: that gets new attributes.
//   - A hard link needs its target to be there, and gives it its attributes.
//   - Directories get their times in the end, by their names.
//   - In a layer, ".wh.NAME" hides NAME, which must not be there, and
//     ".wh..wh..opq" marks its directory as opaque. No name may come twice.
//     Elsewhere such names mean nothing.
//
// All this is decided here, for the tree and for a directory on disk alike.

// Disk is a directory that a tar is unpacked into, as the tree is. Paths are
// absolute, the directories on the way are there, and none is a symlink.
type Disk interface {
	// Make makes a new inode, without owner, mode, attributes and times. Of a
	// regular file it reads the body to its end, and leaves zeros out if the
	// file is sparse.
	Make(name string, n *Node, body io.Reader, sparse bool) error
	// Link gives what is at target another name.
	Link(name, target string) error
	// Remove removes a file or an empty directory.
	Remove(name string, n *Node) error
}

// TarError is the error of a tar that Docker does not unpack. It says what
// Docker says.
type TarError struct {
	how string // the unpacking process ended
	err error
}

func (e *TarError) Error() string {
	return fmt.Sprintf("Error processing tar file(%s): %v", e.how, e.err)
}

func (e *TarError) Unwrap() error { return e.err }

// failed is a TarError in the words of a Go program's failed system call.
func failed(call string, err error) error {
	text := err.Error()
	var no Errno
	if errors.As(err, &no) {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	if call != "" {
		text = call + ": " + text
	}
	return &TarError{"exit status 1", &said{text, err}}
}

// said is an error with another text.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// ReadTar reads an uncompressed layer tar (image-spec, layer.md) into a tree.
// Whiteouts become [Whiteout] nodes and opaque markers set Opaque. File
// contents are kept in memory, unless r is also an io.ReaderAt: then they stay
// there.
func ReadTar(r io.Reader) (*Tree, error) {
	src, _ := r.(io.ReaderAt)
	return newUnpacker(r, src, nil, true).all()
}

// Unpack reads an uncompressed layer tar and does to a directory, which is
// empty, what it asks for. The tree that it returns is the one that [ReadTar]
// reads, without contents: owners, modes, attributes and times of the
// directory are still to be set as it says.
func Unpack(r io.Reader, to Disk) (*Tree, error) {
	return newUnpacker(r, nil, to, true).all()
}

// unpacker is a tar on its way into a tree, and onto a disk if there is one.
type unpacker struct {
	t      *Tree
	disk   Disk // nil: none
	layer  bool // it is a layer's
	stream *counted
	src    io.ReaderAt     // where the tar's bytes are, too; nil: nowhere
	seen   map[string]bool // names of a layer
	times  []dirTime
	last   tarDir // the directory used last
}

type dirTime struct {
	name  string
	mtime int64
}

// tarDir is a directory of the tree.
type tarDir struct {
	asked string // for which it was found
	dir   Ino    // 0: none
	real  string // its path without symlinks; "" is the root
}

func newUnpacker(r io.Reader, src io.ReaderAt, to Disk, layer bool) *unpacker {
	return &unpacker{
		t: emptyTree(), disk: to, layer: layer, stream: &counted{r: r}, src: src, seen: map[string]bool{},
	}
}

func (u *unpacker) all() (*Tree, error) {
	in := tar.NewReader(u.stream)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return u.finish()
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if err := u.entry(h, in); err != nil {
			return nil, err
		}
	}
}

// unreadable is why a tar cannot be read on: it is none, it ends too soon, or
// where it comes from fails.
func unreadable(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) {
		return failed("", err)
	}
	return fmt.Errorf("reading the tar: %w", err)
}

// entry is an entry of the tar and where it goes.
type entry struct {
	*tar.Header
	body io.Reader
	name string // absolute
	base string
	in   tarDir
	err  error // why there is no such place: nothing can be put there
}

func (e *entry) real() string { return e.in.real + "/" + e.base }

// entry puts an entry in its place. One that comes twice is the last that
// Docker unpacks.
func (u *unpacker) entry(h *tar.Header, body io.Reader) error {
	clean := path.Clean(h.Name)
	if err := u.named(h, body, clean); err != nil || !u.layer {
		return err
	}
	if u.seen[clean] {
		_, err := u.finish()
		return cmp.Or(err, error(&TarError{"duplicates of file paths not supported", errors.New("")}))
	}
	u.seen[clean] = true
	return nil
}

func (u *unpacker) named(h *tar.Header, body io.Reader, clean string) error {
	if h.Typeflag == tar.TypeXGlobalHeader || clean == "." {
		return nil
	}
	e := entry{Header: h, body: body, name: path.Clean("/" + clean)}
	if e.name == "/" {
		return u.root(&e)
	}
	e.base = path.Base(e.name)
	if e.in, e.err = u.dir(path.Dir(e.name)); errors.As(e.err, new(*TarError)) {
		return e.err
	}
	return u.put(&e)
}

// root gives the root the attributes of an entry that names it.
func (u *unpacker) root(e *entry) error {
	if e.Typeflag != tar.TypeDir {
		return failed("unlinkat .//", EBUSY)
	}
	u.times = append(u.times, dirTime{e.name, mtime(e.Header)})
	return u.dress(RootIno, e.Header)
}

func (u *unpacker) put(e *entry) error {
	if e.err == nil {
		if err := u.makeWay(e); err != nil {
			return err
		}
	}
	switch hidden, whiteout := strings.CutPrefix(e.base, WhiteoutPrefix); {
	case u.layer && e.base == OpaqueMarker:
		return u.opaque(path.Dir(e.name))
	case u.layer && whiteout:
		return u.whiteout(e, hidden)
	}
	if e.err == nil {
		e.err = tooLong(e.base, e.name, e.real())
	}
	switch e.Typeflag {
	case tar.TypeDir:
		return u.directory(e)
	case tar.TypeLink:
		return u.link(e)
	case tar.TypeReg:
		return u.create(e, Node{Mode: S_IFREG}, "open "+e.name)
	case tar.TypeSymlink:
		return u.symlink(e)
	case tar.TypeFifo:
		return u.create(e, Node{Mode: S_IFIFO}, "")
	case tar.TypeChar, tar.TypeBlock:
		return u.create(e, device(e.Header), "")
	}
	return failed("", fmt.Errorf("unhandled tar header type %d", e.Typeflag))
}

// tooLong is ENAMETOOLONG where Linux has no such name or path.
func tooLong(base string, paths ...string) error {
	long := func(name string) bool { return len(name) >= PathMax }
	if len(base) > NameMax || slices.ContainsFunc(paths, long) {
		return ENAMETOOLONG
	}
	return nil
}

// makeWay removes what stands where an entry comes.
func (u *unpacker) makeWay(e *entry) error {
	old := u.t.Child(e.in.dir, e.base)
	if old == 0 || u.t.Node(old).IsDir() && e.Typeflag == tar.TypeDir {
		return nil
	}
	u.last = tarDir{}
	return u.remove(e.in.dir, e.base, e.real())
}

// remove removes a name and all below it, the deepest first.
func (u *unpacker) remove(d Ino, base, real string) error {
	i := u.t.Child(d, base)
	n := *u.t.Node(i)
	for kid := range n.Dir.All() {
		if err := u.remove(i, kid.Name, real+"/"+kid.Name); err != nil {
			return err
		}
	}
	u.t.Unlink(d, base, false)
	if u.disk == nil {
		return nil
	}
	return u.disk.Remove(real, &n)
}

// opaque marks a directory. On anything else the mark is without effect.
func (u *unpacker) opaque(name string) error {
	i, err := u.follow(name)
	if err != nil {
		return failed(fmt.Sprintf("setxattr(%q, trusted.overlay.opaque=y)", name), err)
	}
	if u.t.Node(i).IsDir() {
		u.t.Edit(i).Opaque = true
	}
	return nil
}

// whiteout hides a name of the layers below.
func (u *unpacker) whiteout(e *entry, hidden string) error {
	name, err := path.Join(path.Dir(e.name), hidden), e.err
	e.base = hidden
	switch {
	case err != nil:
	case hidden == "" || hidden == "." || hidden == ".." || u.t.Child(e.in.dir, hidden) != 0:
		err = EEXIST
	default:
		err = tooLong(hidden, name, e.real())
	}
	if err != nil {
		return failed(fmt.Sprintf("failed to mknod(%q, S_IFCHR, 0)", name), err)
	}
	_, err = u.insert(e, Whiteout(mtime(e.Header)))
	return err
}

// directory makes a directory, or gives one that is there new attributes.
func (u *unpacker) directory(e *entry) (err error) {
	i := u.t.Child(e.in.dir, e.base)
	switch {
	case e.err != nil:
		return failed("mkdir "+e.name, e.err)
	case i == 0:
		i, err = u.insert(e, Node{Mode: S_IFDIR})
	}
	if err != nil {
		return err
	}
	u.times = append(u.times, dirTime{e.name, mtime(e.Header)})
	return u.dress(i, e.Header)
}

func (u *unpacker) symlink(e *entry) error {
	call := "symlink " + e.Linkname + " " + e.name
	switch {
	case e.Linkname == "":
		return failed(call, ENOENT)
	case len(e.Linkname) >= PathMax:
		return failed(call, ENAMETOOLONG)
	}
	return u.create(e, Node{Mode: S_IFLNK | 0o777, Target: e.Linkname}, call)
}

func (u *unpacker) link(e *entry) error {
	target := path.Clean("/" + e.Linkname)
	i, real, err := u.target(target)
	switch {
	case err == nil && u.t.Node(i).IsDir():
		err = EPERM
	case err == nil:
		err = e.err
	}
	if err != nil {
		return failed("link "+target+" "+e.name, err)
	}
	u.t.Link(e.in.dir, e.base, i)
	if u.disk != nil {
		if err := u.disk.Link(e.real(), real); err != nil {
			return err
		}
	}
	return u.dress(i, e.Header)
}

// target is the inode that a hard link is to name, and its path without
// symlinks. A symlink at its end is not followed (link(2)).
func (u *unpacker) target(name string) (Ino, string, error) {
	d, err := u.follow(path.Dir(name))
	base := path.Base(name)
	switch {
	case err != nil:
		return 0, "", err
	case name == "/":
		return RootIno, "", nil
	case !u.t.Node(d).IsDir():
		return 0, "", ENOTDIR
	case len(base) > NameMax || len(name) >= PathMax:
		return 0, "", ENAMETOOLONG
	}
	i := u.t.Child(d, base)
	if i == 0 {
		return 0, "", ENOENT
	}
	return i, u.t.realPath(d) + "/" + base, nil
}

// create makes an inode that is no directory; call is how that fails.
func (u *unpacker) create(e *entry, n Node, call string) error {
	if e.err != nil {
		return failed(call, e.err)
	}
	if n.IsRegular() && u.disk == nil {
		data, err := u.content(e)
		if err != nil {
			return err
		}
		n.Data = data
	} else if n.IsRegular() {
		n.Data = n.Data.Truncate(e.Size)
	}
	i, err := u.insert(e, n)
	if err != nil {
		return err
	}
	return u.dress(i, e.Header)
}

func (u *unpacker) insert(e *entry, n Node) (Ino, error) {
	i := u.t.Insert(e.in.dir, e.base, n)
	if u.disk == nil {
		return i, nil
	}
	sparse := n.IsRegular() && isSparse(e.Header)
	if sparse && e.Size > sparseMax {
		return 0, tooSparse(e.Size)
	}
	body := &bodyReader{r: e.body}
	err := u.disk.Make(e.real(), u.t.Node(i), body, sparse)
	if body.err != nil {
		return 0, unreadable(body.err)
	}
	return i, err
}

// bodyReader tells errors of the tar from those of the disk.
type bodyReader struct {
	r   io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// finish does what had to wait for the last entry.
func (u *unpacker) finish() (*Tree, error) {
	for _, d := range u.times {
		i, err := u.follow(d.name)
		if err != nil {
			return nil, failed("chtimes "+d.name, err)
		}
		n := u.t.Edit(i)
		n.Mtime, n.Ctime = d.mtime, d.mtime
	}
	return u.t.Freeze(), nil
}
