//go:build linux

package overlay

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Unshare gives every file of an upper directory that has a second name
// elsewhere a content of its own again. Hard links among its files stay, and
// so do the times of directories. scratch is a path on the same file system
// at which nothing is.
func Unshare(dir, scratch string) error {
	u := unsharer{scratch: scratch, parted: map[uint64]string{}}
	return u.dir(dir)
}

func (u *unsharer) dir(dir string) error {
	return reach(dir, func(name string) error {
		entries, err := os.ReadDir(name)
		for _, e := range entries {
			if e.IsDir() {
				err = errors.Join(err, u.dir(filepath.Join(dir, e.Name())))
			} else {
				err = errors.Join(err, u.file(filepath.Join(dir, e.Name())))
			}
		}
		return err
	})
}

type unsharer struct {
	scratch string
	parted  map[uint64]string // by the inode that was shared
}

func (u *unsharer) file(path string) error {
	return reach(path, func(name string) error {
		dir := filepath.Dir(name) + "/."
		var st, before unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil || st.Nlink == 1 || st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0 {
			return err
		}
		if err := unix.Stat(dir, &before); err != nil {
			return err
		}
		err := u.copy(path, name, &st)
		if err == nil {
			err = os.Rename(u.scratch, name)
		}
		if err != nil {
			os.Remove(u.scratch)
			return err
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, dir, []unix.Timespec{before.Atim, before.Mtim}, 0)
	})
}

// copy copies the file at path, which name reaches.
func (u *unsharer) copy(path, name string, st *unix.Stat_t) error {
	if first, ok := u.parted[st.Ino]; ok {
		return Link(first, u.scratch)
	}
	u.parted[st.Ino] = path
	return copyNode(name, u.scratch, st)
}

// copyNode makes to another file that is in all but its inode like from.
func copyNode(from, to string, st *unix.Stat_t) (err error) {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		err = copyContent(from, to)
	case unix.S_IFLNK:
		var target string
		if target, err = os.Readlink(from); err == nil {
			err = os.Symlink(target, to)
		}
	default:
		err = unix.Mknod(to, st.Mode, int(st.Rdev))
	}
	if err != nil {
		return err
	}
	return copyInode(from, to, st)
}

// copyInode gives to the owner, mode, attributes and times of from.
func copyInode(from, to string, st *unix.Stat_t) error {
	err := os.Lchown(to, int(st.Uid), int(st.Gid))
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		err = errors.Join(err, unix.Chmod(to, st.Mode&0o7777))
	}
	for _, attr := range listAttrs(from) {
		if value, ok := getAttr(from, attr); ok {
			err = errors.Join(err, unix.Lsetxattr(to, attr, []byte(value), 0))
		}
	}
	return errors.Join(err, unix.UtimesNanoAt(unix.AT_FDCWD, to, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW))
}

// copyContent copies a file's content: by reference where the file system can
// do that (ioctl_ficlone(2)), else within the kernel, holes as holes.
func copyContent(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) == nil {
		return nil
	}
	info, err := in.Stat()
	if err != nil {
		return err
	}
	for at := int64(0); at < info.Size(); {
		begin, end, err := data(in, at, info.Size())
		if err != nil {
			return err
		}
		if err := copyPiece(out, in, begin, end); err != nil {
			return err
		}
		at = end
	}
	return out.Truncate(info.Size())
}

// copyPiece copies the bytes [from, to); io.CopyN uses copy_file_range(2).
func copyPiece(out, in *os.File, from, to int64) error {
	if _, err := in.Seek(from, io.SeekStart); err != nil {
		return err
	}
	if _, err := out.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(out, in, to-from)
	return err
}

func CopyDir(from, to string, opaque bool) error {
	return reach2(from, to, func(from, to string) error {
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
		if err := CopyAttributes(from, to); err != nil || !opaque {
			return err
		}
		return unix.Setxattr(to, OpaqueAttr, []byte("y"), 0)
	})
}
