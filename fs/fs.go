package fs

import (
	iofs "io/fs"
	"time"

	"github.com/spf13/afero"
)

// FS is a file system as a process sees it: afero's interface, and what Linux
// has beside it. The model's [Sys] offers it over a union; [Host] offers it
// over the real root. Errors wrap an [Errno] on Linux and in the model.
//
// The FileInfo that Stat, LstatIfPossible, and a File's Stat and Readdir
// return has a *[Stat] behind Sys().
type FS interface {
	afero.Fs
	afero.Symlinker // LstatIfPossible, SymlinkIfPossible, ReadlinkIfPossible

	// Link makes newname another name of oldname's inode (link(2)); a
	// symlink is linked itself, not followed.
	Link(oldname, newname string) error
	// Lchown changes the owner of name itself; -1 keeps an id (lchown(2)).
	Lchown(name string, uid, gid int) error
	// Mknod makes a fifo, socket, device or empty file; mode carries the
	// S_IF bits (mknod(2)). The umask applies.
	Mknod(name string, mode uint32, dev uint64) error
	// Rmdir removes an empty directory and nothing else (rmdir(2)).
	Rmdir(name string) error
	// Unlink removes a name that is no directory (unlink(2)).
	Unlink(name string) error
	// Utimes sets times; follow says whether a symlink's target is meant
	// (utimensat(2)). A zero time leaves that time as it is.
	Utimes(name string, atime, mtime time.Time, follow bool) error
	// Access says whether the caller may read (4), write (2), execute (1)
	// name or whether it exists (0) (access(2)).
	Access(name string, mode uint32) error
}

// The file types of a mode (inode(7)).
const (
	S_IFMT   = 0o170000
	S_IFSOCK = 0o140000
	S_IFLNK  = 0o120000
	S_IFREG  = 0o100000
	S_IFBLK  = 0o060000
	S_IFDIR  = 0o040000
	S_IFCHR  = 0o020000
	S_IFIFO  = 0o010000

	S_ISUID = 0o4000
	S_ISGID = 0o2000
	S_ISVTX = 0o1000
)

// Flags of open(2) that package os has not, for [Sys.OpenFile].
const (
	O_DIRECTORY = 1 << 28 // ENOTDIR unless it is a directory
	O_NOFOLLOW  = 1 << 29 // ELOOP if it is a symlink
)

// Stat is what stat(2) tells of an inode.
type Stat struct {
	Dev        uint64 // the file system it is on; the model numbers its mounts
	Ino, Nlink uint64
	Mode       uint32 // S_IF type and permissions
	UID, GID   uint32
	Rdev       uint64 // of a device, as Linux encodes it; see Mkdev
	Size       int64  // bytes
	Blocks     int64  // of 512 bytes
	Atime      time.Time
	Mtime      time.Time
	Ctime      time.Time
}

// Mkdev is the device number with the given major and minor, as glibc's
// makedev(3) encodes it.
func Mkdev(major, minor uint32) uint64 {
	return uint64(major&0xfff)<<8 | uint64(minor&0xff) |
		uint64(major&^0xfff)<<32 | uint64(minor&^0xff)<<12
}

// Major is the major part of a device number.
func Major(dev uint64) uint32 {
	return uint32(dev>>8&0xfff) | uint32(dev>>32&^0xfff)
}

// Minor is the minor part of a device number.
func Minor(dev uint64) uint32 {
	return uint32(dev&0xff) | uint32(dev>>12&^0xff)
}

// ModeString is a mode as ls -l writes it: "drwxr-xr-x".
func ModeString(mode uint32) string {
	types := map[uint32]byte{
		S_IFDIR: 'd', S_IFLNK: 'l', S_IFCHR: 'c', S_IFBLK: 'b', S_IFIFO: 'p', S_IFSOCK: 's',
	}
	b := []byte("-rwxrwxrwx")
	if c, ok := types[mode&S_IFMT]; ok {
		b[0] = c
	}
	for i := range 9 {
		if mode&(0o400>>i) == 0 {
			b[i+1] = '-'
		}
	}
	special := func(bit uint32, at int, set, unset byte) {
		switch {
		case mode&bit == 0:
		case b[at] == 'x':
			b[at] = set
		default:
			b[at] = unset
		}
	}
	special(S_ISUID, 3, 's', 'S')
	special(S_ISGID, 6, 's', 'S')
	special(S_ISVTX, 9, 't', 'T')
	return string(b)
}

// FileMode is mode as io/fs writes it.
func FileMode(mode uint32) iofs.FileMode {
	m := iofs.FileMode(mode & 0o777)
	switch mode & S_IFMT {
	case S_IFDIR:
		m |= iofs.ModeDir
	case S_IFLNK:
		m |= iofs.ModeSymlink
	case S_IFIFO:
		m |= iofs.ModeNamedPipe
	case S_IFSOCK:
		m |= iofs.ModeSocket
	case S_IFCHR:
		m |= iofs.ModeDevice | iofs.ModeCharDevice
	case S_IFBLK:
		m |= iofs.ModeDevice
	}
	for bit, name := range map[uint32]iofs.FileMode{
		S_ISUID: iofs.ModeSetuid, S_ISGID: iofs.ModeSetgid, S_ISVTX: iofs.ModeSticky,
	} {
		if mode&bit != 0 {
			m |= name
		}
	}
	return m
}

// Perm is the permission bits, suid, sgid and sticky among them, that an
// io/fs mode stands for.
func Perm(m iofs.FileMode) uint32 {
	mode := uint32(m.Perm())
	if m&iofs.ModeSetuid != 0 {
		mode |= S_ISUID
	}
	if m&iofs.ModeSetgid != 0 {
		mode |= S_ISGID
	}
	if m&iofs.ModeSticky != 0 {
		mode |= S_ISVTX
	}
	return mode
}

// Event is one thing that a modelled file system or machine did: the
// operation, the path it was done to, and why.
type Event struct {
	Op   string `json:"op"`   // "copy-up", "whiteout", "create", "mount", …
	Path string `json:"path"` // absolute, as the process sees it
	Why  Phrase `json:"phrase"`
}
