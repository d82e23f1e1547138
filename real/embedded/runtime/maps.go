//go:build linux

package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// MapsFiles says whether a process of the container has a file mapped such
// that what it writes to its memory is written to the file (mmap(2),
// MAP_SHARED).
func (p *Proc) MapsFiles() bool { return slices.ContainsFunc(p.PIDs(), mapsFiles) }

func mapsFiles(pid int) bool {
	maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	for line := range strings.Lines(string(maps)) {
		// "address permissions offset device inode path" (proc_pid_maps(5))
		fields := strings.Fields(line)
		if len(fields) > 5 && strings.HasPrefix(fields[5], "/") && fields[1][1] == 'w' && strings.HasSuffix(fields[1], "s") {
			return true
		}
	}
	return false
}
