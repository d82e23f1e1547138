//go:build linux

package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
)

// Unpack writes what an uncompressed layer tar holds below dir, in the form
// that overlayfs reads as a lower layer: whiteouts are character devices 0:0,
// opaque directories carry [opaqueAttr]. What the tar means is decided by
// [fs.Unpack]; no symlink is followed here. It reads r to its end, writes the
// tar's tar-split (see [Tar]), and returns the bytes of the layer's files and of
// the tar. The contents of files whose place another entry takes are moved to
// the directory lost.
func Unpack(dir, lost string, r io.Reader, split io.Writer) (size, length int64, err error) {
	u, err := newUnpacker(dir, lost, r, split)
	if err != nil {
		return 0, 0, err
	}
	defer u.Close()
	tree, err := fs.Unpack(u.in, u)
	if err != nil {
		return 0, 0, err
	}
	if err := u.dressAll(tree); err != nil {
		return 0, 0, err
	}
	_, err = io.Copy(io.Discard, u.in)
	return tree.Bytes(), u.in.n, errors.Join(err, u.split.close())
}

func newUnpacker(dir, lost string, r io.Reader, split io.Writer) (*unpacker, error) {
	f, err := newSplitWriter(split)
	if err != nil {
		return nil, err
	}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &unpacker{
		RootedDir: overlay.RootedDir{Root: root, Parent: -1}, lost: lost, number: map[string]int{}, split: f,
		in:  &recorder{r: bufio.NewReaderSize(r, 256<<10), split: f},
		buf: make([]byte, 256<<10),
	}, nil
}

// unpacker is the directory that a tar is unpacked into.
type unpacker struct {
	overlay.RootedDir
	in     *recorder
	split  *splitWriter
	lost   string
	files  int            // in the tar-split so far
	number map[string]int // of those that are in the tree
	buf    []byte
}

var _ fs.Disk = (*unpacker)(nil)

// Make makes a new inode.
func (u *unpacker) Make(name string, n *fs.Node, body io.Reader, sparse bool) error {
	dir, base, err := u.At(name)
	if err != nil {
		return err
	}
	switch n.Type() {
	case unix.S_IFDIR:
		err = unix.Mkdirat(dir, base, 0o755)
	case unix.S_IFLNK:
		err = unix.Symlinkat(n.Target, dir, base)
	case unix.S_IFREG:
		return u.regular(name, dir, base, body, sparse)
	default:
		err = device(dir, base, n)
	}
	return explain("making", name, err)
}

// Link gives what is at target another name.
func (u *unpacker) Link(name, target string) error {
	from, old, err := u.At(target)
	if err != nil {
		return err
	}
	if from, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return err
	}
	defer unix.Close(from)
	dir, base, err := u.At(name)
	if err != nil {
		return err
	}
	return explain("linking", name, unix.Linkat(from, old, dir, base, 0))
}

// Remove removes a file or an empty directory. A file that the tar-split speaks of
// is moved out of the way of the entry that takes its place.
func (u *unpacker) Remove(name string, n *fs.Node) error {
	dir, base, err := u.At(name)
	if err != nil {
		return err
	}
	file, known := u.number[name]
	switch {
	case n.IsDir():
		u.Forget()
		err = u.rmdir(name)
	case known:
		delete(u.number, name)
		err = u.lose(dir, base, file)
	default:
		err = unix.Unlinkat(dir, base, 0)
	}
	return explain("removing", name, err)
}

func (u *unpacker) rmdir(name string) error {
	dir, base, err := u.At(name)
	if err != nil {
		return err
	}
	return unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
}

func (u *unpacker) lose(dir int, base string, file int) error {
	if err := os.Mkdir(u.lost, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return unix.Renameat(dir, base, unix.AT_FDCWD, filepath.Join(u.lost, strconv.Itoa(file)))
}

func (u *unpacker) regular(name string, dir int, base string, body io.Reader, sparse bool) error {
	f, err := overlay.CreateAt(dir, base)
	if err != nil {
		return explain("making", name, err)
	}
	if sparse {
		err = u.sparse(f, body)
	} else {
		err = u.content(f, name, body)
	}
	return explain("writing", name, errors.Join(err, f.Close()))
}

// content copies a file's content, which the tar-split leaves out.
func (u *unpacker) content(f *os.File, name string, body io.Reader) error {
	u.in.elide = true
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, body, u.buf)
	u.in.elide = false
	if n == 0 || err != nil {
		return err
	}
	u.files++
	u.number[name] = u.files
	return u.split.content(overlay.Relative(name), n)
}

// sparse copies a content and leaves its zeros out. The tar-split keeps all that
// the tar has of it.
func (u *unpacker) sparse(f *os.File, body io.Reader) error {
	piece, zeros := u.buf[:4<<10], make([]byte, 4<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(body, piece)
		if !bytes.Equal(piece[:n], zeros[:n]) {
			if _, err := f.WriteAt(piece[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return f.Truncate(at)
		default:
			return err
		}
	}
}

// device makes a fifo or device. A user namespace may not make real devices
// (mknod(2)); an empty file that says what it stands for takes their place.
func device(dir int, base string, n *fs.Node) error {
	err := unix.Mknodat(dir, base, n.Type(), int(n.Rdev))
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	f, err := overlay.CreateAt(dir, base)
	if err != nil {
		return err
	}
	defer f.Close()
	kind := map[uint32]string{unix.S_IFCHR: "c", unix.S_IFBLK: "b"}[n.Type()]
	note := fmt.Sprintf("%s %d:%d", kind, unix.Major(n.Rdev), unix.Minor(n.Rdev))
	return unix.Fsetxattr(int(f.Fd()), overlay.DeviceAttr, []byte(note), 0)
}

func explain(doing, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unpacking: %s %s: %w", doing, name, err)
}

// dressAll gives every inode of the directory the attributes that the tree has.
func (u *unpacker) dressAll(tree *fs.Tree) error {
	done := map[fs.Ino]bool{}
	for p := range tree.All() {
		if p.Nlink > 1 && !p.IsDir() {
			if done[p.Ino] {
				continue
			}
			done[p.Ino] = true
		}
		if err := u.Dress(p.Path, p.Node); err != nil {
			return explain("finishing", p.Path, err)
		}
	}
	return explain("finishing", "/", u.Dress("/", tree.Root()))
}
