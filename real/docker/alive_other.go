//go:build !unix

package docker

import "os"

// alive says whether a process with this id runs.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		p.Release()
	}
	return err == nil
}
