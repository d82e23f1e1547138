//go:build linux

package overlay

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// folder is a directory that somebody else may change while it is read or
// written. A container can exchange any name in it for a fifo, a device, a
// symlink or another directory (renameat2(2), RENAME_EXCHANGE): so every name
// is resolved by itself, from the open directory that has it, no symlink is
// followed, and only what is known to be a regular file is opened to be read.
// Nor is there a path that could be too long (PATH_MAX), however deep it lies.
type folder struct {
	*visit
	up   *folder // nil: the top
	name string
	fd   int   // -1: not open now
	id   inode // as it was opened first
}

type inode struct{ dev, ino uint64 }

func inodeOf(st *unix.Stat_t) inode { return inode{st.Dev, st.Ino} }

// visit is what all folders below one top have in common. When ctx ends, so
// does everything that is done in them.
type visit struct {
	Ctx  context.Context
	open []*folder // but for the top, those opened first first
	here *folder   // the thread's working directory
}

// mostOpen is how many folders of a visit are open at once: a container can
// nest more directories than a process can have open files.
const mostOpen = 128

// openFolder opens the top of a visit, which nobody can exchange.
func OpenFolder(ctx context.Context, dir string) (*folder, error) {
	f := &folder{visit: &visit{Ctx: ctx}, name: dir, fd: -1}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return f, f.opened(fd)
}

func (f *folder) opened(fd int) error {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	if err == nil && f.id != (inode{}) && f.id != inodeOf(&st) {
		err = unix.ENOENT // another one has its name now
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	f.fd, f.id = fd, inodeOf(&st)
	if f.up == nil {
		return nil
	}
	if len(f.open) == mostOpen {
		f.open[0].shut()
	}
	f.open = append(f.open, f)
	return nil
}

// at is the open directory, for the *at calls.
func (f *folder) at() (int, error) {
	if err := f.Ctx.Err(); err != nil || f.fd >= 0 {
		return f.fd, err
	}
	up, err := f.up.at()
	if err != nil {
		return -1, err
	}
	fd, err := unix.Openat(up, f.name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		err = f.opened(fd)
	}
	return f.fd, err
}

// sub is the directory name; it is opened when it is first used.
func (f *folder) sub(name string) *folder {
	return &folder{visit: f.visit, up: f, name: name, fd: -1}
}

// shut ends the use of a folder, or interrupts it.
func (f *folder) shut() {
	if f.fd < 0 {
		return
	}
	unix.Close(f.fd)
	f.fd = -1
	if f.here == f {
		f.here = nil
	}
	if i := slices.Index(f.open, f); i >= 0 {
		f.open = slices.Delete(f.open, i, i+1)
	}
}

// close ends the visit whose top f is.
func (f *folder) Close() {
	for len(f.open) > 0 {
		f.open[len(f.open)-1].shut()
	}
	f.shut()
}

// path is for people.
func (f *folder) path(name string) string {
	parts := []string{name}
	for ; f != nil; f = f.up {
		parts = append(parts, f.name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// dirent is one name of a directory, and what is there as far as the file
// system tells (DT_*, readdir(3)).
type dirent struct {
	name string
	kind uint8
}

// names are the names in the directory, sorted. One that has just been
// removed has none.
func (f *folder) names() (all []dirent, err error) {
	fd, err := f.at()
	if err == nil {
		_, err = unix.Seek(fd, 0, unix.SEEK_SET)
	}
	buf := make([]byte, 32<<10)
	for n := 1; err == nil && n > 0; {
		if n, err = unix.ReadDirent(fd, buf); err == nil {
			all, err = appendNames(all, buf[:n]), f.Ctx.Err()
		}
	}
	if err := gone(err); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// appendNames takes names out of what getdents64(2) returned.
func appendNames(all []dirent, b []byte) []dirent {
	const reclen, kind, name = 16, 18, 19
	for len(b) > name {
		n := int(b[reclen]) | int(b[reclen+1])<<8
		text := unix.ByteSliceToString(b[name:n])
		if text != "." && text != ".." {
			all = append(all, dirent{text, b[kind]})
		}
		b = b[n:]
	}
	return all
}

// gone takes it for no error that a name, or a directory above it, is no
// longer there or no longer what it was.
func gone(err error) error { return Ignore(err, unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENXIO) }

// stat reads the inode that has a name; nil where there is none.
func (f *folder) stat(name string) (*Stat, error) {
	s := &Stat{in: f, name: name}
	at, err := f.at()
	if err == nil {
		err = unix.Fstatat(at, name, &s.Stat_t, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err := gone(err); err != nil {
		return nil, &os.PathError{Op: "lstat", Path: f.path(name), Err: err}
	}
	if s.Mode == 0 {
		return nil, nil
	}
	return s, nil
}

// target is what a symlink points to, "" where there is none any more.
func (f *folder) target(name string) (string, error) {
	at, err := f.at()
	if err != nil {
		return "", gone(err)
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(at, name, buf)
	return string(buf[:max(n, 0)]), Ignore(gone(err), unix.EINVAL)
}

// attrs are the attributes that say what a file is; see [readAttrs]. There is
// no system call for them that begins at an open directory, so the thread goes
// there: it must have a working directory of its own (see [aside]).
func (f *folder) attrs(name string) (fs.Xattrs, error) {
	if err := f.enter(); err != nil {
		return nil, gone(err)
	}
	return readAttrs(name), nil
}

func (f *folder) enter() error {
	at, err := f.at()
	if err != nil || f.here == f {
		return err
	}
	if err := unix.Fchdir(at); err != nil {
		return err
	}
	f.here = f
	return nil
}

// Aside calls do on a thread with a working directory of its own. These threads
// stay, and wait for more: any thread may have started a process that the
// kernel ends with it (PR_SET_PDEATHSIG), as docker's client starts ssh.
func Aside(do func() error) error {
	job := asideJob{do, make(chan error, 1)}
	select {
	case asideJobs <- job:
	default:
		go job.stay()
	}
	return <-job.result
}

type asideJob struct {
	do     func() error
	result chan error
}

var asideJobs = make(chan asideJob)

// stay does the job and, on the same thread, all that come.
func (job asideJob) stay() {
	runtime.LockOSThread() // and never unlock
	apart := unix.Unshare(unix.CLONE_FS)
	for ; ; job = <-asideJobs {
		err := apart
		if err == nil {
			err = job.do()
			unix.Chdir("/") // holds no file system
		}
		job.result <- err
	}
}

// Descriptors is /proc/self/fd. It is open from the beginning, because it can
// not be found on a thread whose root directory is a container's.
var Descriptors = sync.OnceValues(func() (int, error) {
	return unix.Open("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
})

// file opens a regular file to read; nil where there is none any more. What
// it is, is found out before it is opened: to open a fifo takes for ever, and
// to open a device may do something.
func (f *folder) File(name string) (*os.File, error) {
	at, err := f.at()
	if err != nil {
		return nil, gone(err)
	}
	fd, err := unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, gone(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, err
	}
	return f.reopen(fd, name)
}

// reopen opens to read what is known by a descriptor. A lease on a file
// (fcntl(2), F_SETLEASE) is broken by that, but its holder has a while.
func (f *folder) reopen(fd int, name string) (*os.File, error) {
	all, err := Descriptors()
	for err == nil {
		var opened int
		opened, err = unix.Openat(all, strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(opened), name), nil
		}
		if errors.Is(err, unix.EAGAIN) {
			time.Sleep(10 * time.Millisecond)
			err = f.Ctx.Err()
		}
	}
	return nil, &os.PathError{Op: "open", Path: f.path(name), Err: err}
}

// cursor finds folders by the paths of their entries. Going from a path to one
// beside or below it costs what lies between them.
type Cursor struct {
	At   *folder
	path string // of at; "": the top
}

// in is the folder that has an absolute path, and the path's last part; of "/"
// that is the top and ".".
func (c *Cursor) In(name string) (*folder, string) {
	end := strings.LastIndexByte(name, '/')
	dir, base := name[:end], cmp.Or(name[end+1:], ".")
	for dir != c.path && !below(dir, c.path) {
		c.At.shut()
		c.At, c.path = c.At.up, c.path[:strings.LastIndexByte(c.path, '/')]
	}
	for dir != c.path {
		part, _, _ := strings.Cut(dir[len(c.path)+1:], "/")
		c.At, c.path = c.At.sub(part), dir[:len(c.path)+1+len(part)]
	}
	return c.At, base
}

// below says whether a path lies below the directory dir.
func below(name, dir string) bool {
	return len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}
