package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
)

// Errno is a Linux error number (errno(3), asm-generic numbering), on every
// platform the same, so that the model fails as Linux does wherever it runs.
type Errno int

// The errors that file operations return.
const (
	EPERM        Errno = 1
	ENOENT       Errno = 2
	ESRCH        Errno = 3
	EINTR        Errno = 4
	EIO          Errno = 5
	ENXIO        Errno = 6
	E2BIG        Errno = 7
	ENOEXEC      Errno = 8
	EBADF        Errno = 9
	EAGAIN       Errno = 11
	ENOMEM       Errno = 12
	EACCES       Errno = 13
	EBUSY        Errno = 16
	EEXIST       Errno = 17
	EXDEV        Errno = 18
	ENODEV       Errno = 19
	ENOTDIR      Errno = 20
	EISDIR       Errno = 21
	EINVAL       Errno = 22
	ENOTTY       Errno = 25
	ETXTBSY      Errno = 26
	EFBIG        Errno = 27
	ENOSPC       Errno = 28
	ESPIPE       Errno = 29
	EROFS        Errno = 30
	EMLINK       Errno = 31
	EPIPE        Errno = 32
	ERANGE       Errno = 34
	ENAMETOOLONG Errno = 36
	ENOSYS       Errno = 38
	ENOTEMPTY    Errno = 39
	ELOOP        Errno = 40
	ENODATA      Errno = 61
	EOVERFLOW    Errno = 75
	ESTALE       Errno = 116
	EOPNOTSUPP   Errno = 95
)

var errnos = map[Errno]struct{ name, text string }{
	EPERM:        {"EPERM", "Operation not permitted"},
	ENOENT:       {"ENOENT", "No such file or directory"},
	ESRCH:        {"ESRCH", "No such process"},
	EINTR:        {"EINTR", "Interrupted system call"},
	EIO:          {"EIO", "Input/output error"},
	ENXIO:        {"ENXIO", "No such device or address"},
	E2BIG:        {"E2BIG", "Argument list too long"},
	ENOEXEC:      {"ENOEXEC", "Exec format error"},
	EBADF:        {"EBADF", "Bad file descriptor"},
	EAGAIN:       {"EAGAIN", "Resource temporarily unavailable"},
	ENOMEM:       {"ENOMEM", "Cannot allocate memory"},
	EACCES:       {"EACCES", "Permission denied"},
	EBUSY:        {"EBUSY", "Device or resource busy"},
	EEXIST:       {"EEXIST", "File exists"},
	EXDEV:        {"EXDEV", "Invalid cross-device link"},
	ENODEV:       {"ENODEV", "No such device"},
	ENOTDIR:      {"ENOTDIR", "Not a directory"},
	EISDIR:       {"EISDIR", "Is a directory"},
	EINVAL:       {"EINVAL", "Invalid argument"},
	ENOTTY:       {"ENOTTY", "Inappropriate ioctl for device"},
	ETXTBSY:      {"ETXTBSY", "Text file busy"},
	EFBIG:        {"EFBIG", "File too large"},
	ENOSPC:       {"ENOSPC", "No space left on device"},
	ESPIPE:       {"ESPIPE", "Illegal seek"},
	EROFS:        {"EROFS", "Read-only file system"},
	EMLINK:       {"EMLINK", "Too many links"},
	EPIPE:        {"EPIPE", "Broken pipe"},
	ERANGE:       {"ERANGE", "Numerical result out of range"},
	ENAMETOOLONG: {"ENAMETOOLONG", "File name too long"},
	ENOSYS:       {"ENOSYS", "Function not implemented"},
	ENOTEMPTY:    {"ENOTEMPTY", "Directory not empty"},
	ELOOP:        {"ELOOP", "Too many levels of symbolic links"},
	ENODATA:      {"ENODATA", "No data available"},
	EOVERFLOW:    {"EOVERFLOW", "Value too large for defined data type"},
	ESTALE:       {"ESTALE", "Stale file handle"},
	EOPNOTSUPP:   {"EOPNOTSUPP", "Operation not supported"},
}

// Error is the text that strerror(3) has for e.
func (e Errno) Error() string {
	if known, ok := errnos[e]; ok {
		return known.text
	}
	return fmt.Sprintf("Unknown error %d", int(e))
}

// Name is e's symbol, such as "ENOENT".
func (e Errno) Name() string {
	if known, ok := errnos[e]; ok {
		return known.name
	}
	return fmt.Sprintf("E%d", int(e))
}

// Is lets errors.Is match the portable errors of io/fs.
func (e Errno) Is(target error) bool {
	switch target {
	case iofs.ErrNotExist:
		return e == ENOENT
	case iofs.ErrExist:
		return e == EEXIST || e == ENOTEMPTY
	case iofs.ErrPermission:
		return e == EACCES || e == EPERM
	}
	return false
}

// ErrnoOf is the error number inside err: the model's own, or the system's
// where the system is Linux; EIO where there is none.
func ErrnoOf(err error) Errno {
	var e Errno
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, iofs.ErrNotExist):
		return ENOENT
	}
	if n, ok := systemErrno(err); ok {
		return Errno(n)
	}
	return EIO
}
