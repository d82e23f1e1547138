//go:build unix

package daemon

import (
	"errors"
	"syscall"
)

// Alive says whether a process with this id runs.
func Alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, syscall.EPERM))
}
