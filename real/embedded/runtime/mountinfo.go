//go:build linux

package runtime

import (
	"os"
	"slices"
	"strings"
)

// mounted is a mount that we see (proc_pid_mountinfo(5)).
type mounted struct{ target, fstype, options string }

func mountTable() (all []mounted, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if ok && len(l) > 4 && len(r) > 2 {
			all = append(all, mounted{unescape.Replace(l[4]), r[0], r[2]})
		}
	}
	return all, err
}

// unescape puts back what the kernel writes in octal.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountsBelow are the places below dir where something is mounted, but not
// those inside of one another.
func mountsBelow(dir string) (outermost []string, err error) {
	all, err := mountTable()
	var below []string
	for _, m := range all {
		if strings.HasPrefix(m.target, dir+"/") {
			below = append(below, m.target)
		}
	}
	slices.Sort(below)
	for _, target := range below {
		inside := func(other string) bool { return target == other || strings.HasPrefix(target, other+"/") }
		if !slices.ContainsFunc(outermost, inside) {
			outermost = append(outermost, target)
		}
	}
	return outermost, err
}
