//go:build !linux

package fs

import (
	iofs "io/fs"
	"os"
	"time"
)

func rename(oldname, newname string) error { return os.Rename(oldname, newname) }

func (hostFS) Mknod(name string, _ uint32, _ uint64) error {
	return &iofs.PathError{Op: "mknod", Path: name, Err: ENOSYS}
}

func (hostFS) Rmdir(name string) error { return removeOnly("rmdir", name, true) }

func (hostFS) Unlink(name string) error { return removeOnly("unlink", name, false) }

// Utimes cannot set the times of a symlink here, and takes a zero time as
// os.Chtimes does: it stays.
func (hostFS) Utimes(name string, atime, mtime time.Time, follow bool) error {
	if info, err := os.Lstat(name); !follow && err == nil && info.Mode()&iofs.ModeSymlink != 0 {
		return &iofs.PathError{Op: "utimes", Path: name, Err: ENOSYS}
	}
	return os.Chtimes(name, atime, mtime)
}

// Access looks at the owner's permission bits: the os package knows no more.
func (hostFS) Access(name string, mode uint32) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case Perm(info.Mode())>>6&mode != mode:
		return &iofs.PathError{Op: "access", Path: name, Err: EACCES}
	}
	return nil
}

func statOf(info os.FileInfo) Stat { return portableStat(info) }

// removeOnly removes name if it is a directory, or if it is none, as wanted.
func removeOnly(op, name string, dir bool) error {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir() && !dir:
		return &iofs.PathError{Op: op, Path: name, Err: EISDIR}
	case !info.IsDir() && dir:
		return &iofs.PathError{Op: op, Path: name, Err: ENOTDIR}
	}
	return os.Remove(name)
}
