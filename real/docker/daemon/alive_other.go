//go:build !unix

package daemon

import "os"

// Alive says whether a process with this id runs.
func Alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		p.Release()
	}
	return err == nil
}
