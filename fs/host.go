package fs

import (
	iofs "io/fs"
	"os"
	"time"

	"github.com/spf13/afero"
)

// hostFS is the system's own file system.
type hostFS struct{}

var _ FS = hostFS{}

// Host is the file system of the machine that this program runs on, from its
// root. Names must be absolute.
func Host() FS { return hostFS{} }

func (hostFS) Name() string { return "host" }

func (h hostFS) Create(name string) (afero.File, error) {
	return h.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (h hostFS) Open(name string) (afero.File, error) { return h.OpenFile(name, os.O_RDONLY, 0) }

func (hostFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return HostFile{f}, nil
}

func (hostFS) Mkdir(name string, perm os.FileMode) error    { return os.Mkdir(name, perm) }
func (hostFS) MkdirAll(name string, perm os.FileMode) error { return os.MkdirAll(name, perm) }
func (hostFS) Remove(name string) error                     { return os.Remove(name) }
func (hostFS) RemoveAll(name string) error                  { return os.RemoveAll(name) }
func (hostFS) Rename(oldname, newname string) error         { return rename(oldname, newname) }
func (hostFS) Link(oldname, newname string) error           { return os.Link(oldname, newname) }
func (hostFS) Chmod(name string, mode os.FileMode) error    { return os.Chmod(name, mode) }
func (hostFS) Chown(name string, uid, gid int) error        { return os.Chown(name, uid, gid) }
func (hostFS) Lchown(name string, uid, gid int) error       { return os.Lchown(name, uid, gid) }
func (hostFS) SymlinkIfPossible(target, name string) error  { return os.Symlink(target, name) }
func (hostFS) ReadlinkIfPossible(name string) (string, error) {
	return os.Readlink(name)
}

func (hostFS) Chtimes(name string, atime, mtime time.Time) error {
	return os.Chtimes(name, atime, mtime)
}

func (hostFS) Stat(name string) (os.FileInfo, error) { return hostInfo(os.Stat(name)) }

func (hostFS) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	info, err := hostInfo(os.Lstat(name))
	return info, true, err
}

// hostInfo puts a *Stat behind what the os package tells.
func hostInfo(info os.FileInfo, err error) (os.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return NewInfo(info.Name(), statOf(info)), nil
}

// StatOf is what the os package tells of a file of [Host].
func StatOf(info os.FileInfo) Stat { return statOf(info) }

// HostFile is an open file of [Host]. A process can be started with its File.
type HostFile struct{ *os.File }

var _ afero.File = HostFile{}

// Stat tells of the open inode.
func (f HostFile) Stat() (os.FileInfo, error) { return hostInfo(f.File.Stat()) }

// Readdir is Readdirnames with what Lstat tells of each.
func (f HostFile) Readdir(n int) ([]os.FileInfo, error) {
	list, err := f.File.Readdir(n)
	for i, info := range list {
		list[i] = NewInfo(info.Name(), statOf(info))
	}
	return list, err
}

// portableStat is what the os package knows of a file on any system.
func portableStat(info os.FileInfo) Stat {
	mode := uint32(S_IFREG)
	switch t := info.Mode().Type(); {
	case t.IsDir():
		mode = S_IFDIR
	case t&iofs.ModeSymlink != 0:
		mode = S_IFLNK
	case t&iofs.ModeNamedPipe != 0:
		mode = S_IFIFO
	case t&iofs.ModeSocket != 0:
		mode = S_IFSOCK
	case t&iofs.ModeCharDevice != 0:
		mode = S_IFCHR
	case t&iofs.ModeDevice != 0:
		mode = S_IFBLK
	}
	when := info.ModTime()
	return Stat{
		Nlink: 1, Mode: mode | Perm(info.Mode()), Size: info.Size(),
		Blocks: (info.Size() + 511) / 512, Atime: when, Mtime: when, Ctime: when,
	}
}
