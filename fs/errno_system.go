//go:build linux || js

package fs

import (
	"errors"
	"syscall"
)

func systemErrno(err error) (int, bool) {
	var e syscall.Errno
	ok := errors.As(err, &e)
	return int(e), ok
}
