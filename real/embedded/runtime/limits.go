//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are a container's cgroups: one of version 2, or one a controller of
// version 1.
type Limits struct {
	dirs  []string
	procs []*os.File // what processes are written to, wherever the writer is
}

// controller is a limit in both versions' words.
type controller struct {
	name   string
	values map[string]string // by file
	v2     map[string]string
}

func controllers(memory, pids int64) (all []controller) {
	if memory > 0 {
		bytes := strconv.FormatInt(memory, 10)
		// As docker does: as much swap again. Where swap is not accounted for,
		// there are no files for it.
		all = append(all, controller{"memory",
			map[string]string{"memory.limit_in_bytes": bytes, "memory.memsw.limit_in_bytes?": strconv.FormatInt(2*memory, 10)},
			map[string]string{"memory.max": bytes, "memory.swap.max?": bytes}})
	}
	if pids > 0 {
		max := map[string]string{"pids.max": strconv.FormatInt(pids, 10)}
		all = append(all, controller{"pids", max, max})
	}
	return all
}

// NewLimits makes cgroups for a container of this name. An error says what to
// do about it.
func NewLimits(name string, memory, pids int64) (*Limits, error) {
	l := &Limits{}
	for _, c := range controllers(memory, pids) {
		if err := l.add(name, c); err != nil {
			l.Remove()
			return nil, fmt.Errorf("this machine does not let twinlayer limit %s (%w): start twinlayer as root, or, where systemd runs, by systemd-run --user --scope -p Delegate=yes twinlayer", c.name, err)
		}
	}
	return l, nil
}

func (l *Limits) add(name string, c controller) error {
	base, unified, err := cgroupFor(c.name)
	if err != nil {
		return err
	}
	sweep(base)
	values := c.values
	if unified {
		values = c.v2
		if err := delegate(base, c.name); err != nil {
			return err
		}
	}
	dir := filepath.Join(base, cgroupPrefix+name)
	if err := os.Mkdir(dir, 0o755); err != nil && !(unified && errors.Is(err, os.ErrExist)) {
		return err
	}
	if len(l.dirs) == 0 || l.dirs[len(l.dirs)-1] != dir {
		l.dirs = append(l.dirs, dir)
	}
	for file, value := range values {
		file, optional := strings.CutSuffix(file, "?")
		if err := write(filepath.Join(dir, file), value); err != nil && !optional {
			return err
		}
	}
	procs, err := os.OpenFile(filepath.Join(dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err == nil {
		l.procs = append(l.procs, procs)
	}
	return err
}

const cgroupPrefix = "twinlayer-"

// sweep removes the cgroups of containers whose engine was killed. One that
// has processes cannot be removed.
func sweep(base string) {
	old, _ := filepath.Glob(filepath.Join(base, cgroupPrefix+"*"))
	for _, dir := range old {
		var st unix.Stat_t
		if unix.Stat(dir, &st) == nil && time.Since(time.Unix(st.Ctim.Unix())) > time.Minute {
			os.Remove(dir)
		}
	}
}

// delegate hands a controller to the cgroups below base (cgroups(7)).
func delegate(base, controller string) error {
	file := filepath.Join(base, "cgroup.subtree_control")
	on, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, c := range strings.Fields(string(on)) {
		if c == controller {
			return nil
		}
	}
	return write(file, "+"+controller)
}

// cgroupFor is the directory below which a controller's cgroups can be made:
// our own one of version 1, or the one beside ours of version 2, since a
// cgroup with processes has none below it there.
func cgroupFor(controller string) (base string, unified bool, err error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" {
			base = path.Dir(f[2])
		}
		if hasWord(f[1], controller) {
			mountPoint, err := cgroupMount("cgroup", controller)
			return filepath.Join(mountPoint, f[2]), false, err
		}
	}
	mountPoint, err := cgroupMount("cgroup2", "")
	return filepath.Join(mountPoint, base), true, err
}

func hasWord(list, word string) bool { return strings.Contains(","+list+",", ","+word+",") }

// cgroupMount is where a hierarchy is mounted.
func cgroupMount(fstype, option string) (string, error) {
	all, err := mountTable()
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if m.fstype == fstype && (option == "" || hasWord(m.options, option)) {
			return m.target, nil
		}
	}
	return "", fmt.Errorf("no cgroups are mounted")
}

// enter puts a process into the cgroups, if there are any.
func (l *Limits) enter(pid int) error {
	if l == nil {
		return nil
	}
	for _, procs := range l.procs {
		if _, err := procs.WriteString(strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("limiting the container: %w", err)
		}
	}
	return nil
}

// Remove removes the cgroups, when the last process has left them.
func (l *Limits) Remove() {
	for _, procs := range l.procs {
		procs.Close()
	}
	for _, dir := range l.dirs {
		for range 200 { // a killed process is not gone at once
			if err := os.Remove(dir); err == nil || errors.Is(err, os.ErrNotExist) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func write(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}
