//go:build unix

package docker

import (
	"errors"
	"syscall"
)

// alive says whether a process with this id runs.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, syscall.EPERM))
}
