package fs

import (
	iofs "io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func pathErr(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &iofs.PathError{Op: op, Path: name, Err: err}
}

// rename is rename(2) and nothing before it: os.Rename refuses a directory
// as the target on its own.
func rename(oldname, newname string) error {
	if err := unix.Rename(oldname, newname); err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: err}
	}
	return nil
}

func (hostFS) Mknod(name string, mode uint32, dev uint64) error {
	return pathErr("mknod", name, unix.Mknod(name, mode, int(dev)))
}

func (hostFS) Rmdir(name string) error { return pathErr("rmdir", name, unix.Rmdir(name)) }

func (hostFS) Unlink(name string) error { return pathErr("unlink", name, unix.Unlink(name)) }

func (hostFS) Utimes(name string, atime, mtime time.Time, follow bool) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	times := []unix.Timespec{timespec(atime), timespec(mtime)}
	return pathErr("utimensat", name, unix.UtimesNanoAt(unix.AT_FDCWD, name, times, flags))
}

func timespec(t time.Time) unix.Timespec {
	if t.IsZero() {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}

func (hostFS) Access(name string, mode uint32) error {
	return pathErr("access", name, unix.Faccessat(unix.AT_FDCWD, name, mode, unix.AT_EACCESS))
}

func statOf(info os.FileInfo) Stat {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return portableStat(info)
	}
	return Stat{
		Dev: uint64(s.Dev), Ino: s.Ino, Nlink: uint64(s.Nlink), Mode: s.Mode, UID: s.Uid, GID: s.Gid,
		Rdev: uint64(s.Rdev), Size: s.Size, Blocks: s.Blocks,
		Atime: time.Unix(s.Atim.Unix()), Mtime: time.Unix(s.Mtim.Unix()), Ctime: time.Unix(s.Ctim.Unix()),
	}
}
