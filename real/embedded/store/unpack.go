//go:build linux

package store

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// Attributes of our own on files of a layer, where the user namespace cannot
// hold what the image says. Only regular files and directories can have them
// (xattr(7)); a symlink's owner is lost.
const (
	ownerAttr  = "user.twinlayer.owner"  // "uid:gid"
	deviceAttr = "user.twinlayer.device" // "c major:minor", on an empty file
	opaqueAttr = "user.overlay.opaque"   // "y": overlayfs's own
)

// Unpack writes the entries of an uncompressed layer tar below dir, in the
// form that overlayfs reads as a lower layer: whiteouts are character devices
// 0:0, opaque directories carry [opaqueAttr]. Every path is resolved as if
// dir were the root (openat2(2), RESOLVE_IN_ROOT), so no entry gets out of
// it. It reads r to its end, writes the tar's frame (see [Tar]), and returns
// the bytes of the regular files and of the tar. The contents of files whose
// place another entry takes are moved to the directory lost.
func Unpack(dir, lost string, r io.Reader, frame io.Writer) (size, length int64, err error) {
	u, err := newUnpacker(dir, lost, r, frame)
	if err != nil {
		return 0, 0, err
	}
	defer u.close()
	if err := u.all(tar.NewReader(u.in)); err != nil {
		return 0, 0, err
	}
	if err := u.finish(); err != nil {
		return 0, 0, err
	}
	_, err = io.Copy(io.Discard, u.in)
	return u.size, u.in.n, errors.Join(err, u.frame.close())
}

func newUnpacker(dir, lost string, r io.Reader, frame io.Writer) (*unpacker, error) {
	f, err := newFrameWriter(frame)
	if err != nil {
		return nil, err
	}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	u := &unpacker{
		lost: lost, number: map[string]int{}, frame: f,
		in:  &recorder{r: bufio.NewReaderSize(r, 256<<10), frame: f},
		buf: make([]byte, 256<<10), times: map[string]time.Time{},
	}
	u.place = place{root: root, parent: -1, losing: u.save}
	return u, nil
}

type unpacker struct {
	place
	in     *recorder
	frame  *frameWriter
	lost   string
	files  int            // in the frame so far
	number map[string]int // of those that are in the tree, by their true names
	buf    []byte
	size   int64
	links  [][2]string          // name and target of links that came too early
	times  map[string]time.Time // of directories, set when they are filled
}

func (u *unpacker) all(in *tar.Reader) error {
	for {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the tar: %w", err)
		}
		if err := u.entry(h, in); err != nil {
			return fmt.Errorf("unpacking %q: %w", h.Name, err)
		}
	}
}

// finish does what had to wait for the last entry.
func (u *unpacker) finish() error {
	for _, l := range u.links {
		if err := u.link(l[0], l[1]); err != nil {
			return fmt.Errorf("unpacking %q: hard link to %q: %w", l[0], l[1], err)
		}
	}
	for name, t := range u.times {
		if err := u.setTime(name, t); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unpacking %q: setting its time: %w", name, err)
		}
	}
	return nil
}

func (u *unpacker) entry(h *tar.Header, in io.Reader) error {
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	switch {
	case h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case base == fs.OpaqueMarker:
		return u.opaque(path.Dir(name))
	case strings.HasPrefix(base, fs.WhiteoutPrefix+fs.WhiteoutPrefix):
		return nil // aufs's own bookkeeping
	case strings.HasPrefix(base, fs.WhiteoutPrefix):
		return u.whiteout(path.Join(path.Dir(name), base[len(fs.WhiteoutPrefix):]), h.ModTime)
	case h.Typeflag == tar.TypeLink:
		return u.tryLink(name, h.Linkname)
	case h.Typeflag == tar.TypeDir:
		return u.dir(name, h)
	}
	return u.file(name, h, in)
}

// cleanName is the path below the root that a tar's name means; "." is the
// root itself.
func cleanName(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("the name leads out of the layer")
		}
	}
	return path.Clean("./" + name), nil
}

// whiteout hides a name of the layers below. Beside an entry of its own layer
// it only cuts off what is below that.
func (u *unpacker) whiteout(name string, at time.Time) error {
	dir, base, err := u.at(name)
	if err != nil {
		return err
	}
	err = unix.Mknodat(dir, base, unix.S_IFCHR, 0)
	if !errors.Is(err, unix.EEXIST) {
		return errors.Join(err, u.setTime(name, at))
	}
	if st, err := u.stat(name); err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return err
	}
	return u.opaque(name)
}

func (u *unpacker) opaque(name string) error {
	if _, err := u.makeDir(name); err != nil {
		return err
	}
	return u.setAttr(name, opaqueAttr, "y")
}

func (u *unpacker) tryLink(name, target string) error {
	err := u.link(name, target)
	if errors.Is(err, unix.ENOENT) {
		u.links = append(u.links, [2]string{name, target})
		return nil
	}
	return err
}

func (u *unpacker) link(name, target string) error {
	target, err := cleanName(target)
	if err != nil {
		return err
	}
	if target == name {
		return nil
	}
	from, old, err := u.at(target)
	if err != nil {
		return err
	}
	if from, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return err
	}
	defer unix.Close(from)
	if err := unix.Fstatat(from, old, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if err := u.clear(name); err != nil {
		return err
	}
	dir, base, err := u.at(name)
	if err != nil {
		return err
	}
	return unix.Linkat(from, old, dir, base, 0)
}

// dir makes a directory, or gives one that is there new attributes.
func (u *unpacker) dir(name string, h *tar.Header) error {
	hid, err := u.makeDir(name)
	if err != nil {
		return err
	}
	u.times[name] = h.ModTime
	if err := u.attributes(name, h); err != nil || !hid {
		return err
	}
	return u.setAttr(name, opaqueAttr, "y")
}

// file makes anything that is no directory. What stands in its place is rare,
// and looked for only then.
func (u *unpacker) file(name string, h *tar.Header, in io.Reader) error {
	if name == "." {
		return errNoRoot
	}
	dir, base, err := u.at(name)
	if err != nil {
		return err
	}
	err = u.create(dir, base, h, in)
	if errors.Is(err, unix.EEXIST) {
		if err := u.clear(name); err != nil {
			return err
		}
		if dir, base, err = u.at(name); err == nil {
			err = u.create(dir, base, h, in)
		}
	}
	if err != nil {
		return err
	}
	if err := u.attributes(name, h); err != nil {
		return err
	}
	return u.setTime(name, h.ModTime)
}

var devices = map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}

func (u *unpacker) create(dir int, base string, h *tar.Header, in io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeGNUSparse:
		return u.regular(dir, base, h, in)
	case tar.TypeSymlink:
		return unix.Symlinkat(h.Linkname, dir, base)
	case tar.TypeFifo, tar.TypeChar, tar.TypeBlock:
		return u.device(dir, base, h)
	}
	return fmt.Errorf("unknown entry type %q", h.Typeflag)
}

func (u *unpacker) regular(dir int, base string, h *tar.Header, in io.Reader) error {
	f, err := create(dir, base)
	if err != nil {
		return err
	}
	if isSparse(h) {
		err = u.sparse(f, h.Size, in)
	} else {
		err = u.content(f, base, in)
	}
	return errors.Join(err, f.Close())
}

// content copies a file's content, which the frame leaves out.
func (u *unpacker) content(f *os.File, base string, in io.Reader) error {
	u.in.elide = true
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, in, u.buf)
	u.in.elide = false
	u.size += n
	if n == 0 || err != nil {
		return err
	}
	name := path.Join(u.real, base)
	u.files++
	u.number[name] = u.files
	return u.frame.content(name, n)
}

// device makes a fifo or device. A user namespace may not make real devices
// (mknod(2)); an empty file that says what it stands for takes their place.
func (u *unpacker) device(dir int, base string, h *tar.Header) error {
	rdev := unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	err := unix.Mknodat(dir, base, devices[h.Typeflag]|0o600, int(rdev))
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	f, err := create(dir, base)
	if err != nil {
		return err
	}
	defer f.Close()
	kind := map[byte]string{tar.TypeChar: "c", tar.TypeBlock: "b"}[h.Typeflag]
	note := fmt.Sprintf("%s %d:%d", kind, h.Devmajor, h.Devminor)
	return unix.Fsetxattr(int(f.Fd()), deviceAttr, []byte(note), 0)
}
