//go:build linux

package helper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/overlay"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// pidWord stands in evidence for the host's number of the container's first
// process, which only the caller knows.
const pidWord = "{pid}"

// facts are what the engine can tell of a container.
func (h *helper) facts(ctx context.Context, key string) ([]sim.Evidence, error) {
	c, err := h.find(key)
	if err != nil {
		return nil, err
	}
	pid := 0
	if r := c.current(); r != nil && h.status(c).Status == sim.Running {
		pid = r.proc.PID()
	}
	all := []sim.Evidence{h.mountFact(c, pid), c.upperFact(ctx)}
	all = append(all, c.diskFacts(ctx)...)
	if file, ok := c.largestFile(ctx); ok {
		all = append(all, h.inodeFact(c, file), cacheFact(file))
	}
	if pid != 0 {
		all = append(all, processFacts(pid)...)
	}
	return all, nil
}

// mountFact is the command that mounts the container's root.
func (h *helper) mountFact(c *container, pid int) sim.Evidence {
	e := sim.Evidence{What: sayMountCommand, Shown: fmt.Sprintf(
		"mount -t overlay overlay -o lowerdir=%s,upperdir=%s,workdir=%s,userxattr,volatile %s",
		strings.Join(c.lower(), ":"), c.path("upper"), c.path("work"), h.store.Merged())}
	if pid != 0 {
		e.Again = "grep ' / / ' /proc/" + pidWord + "/mountinfo"
	}
	return e
}

const mostRows = 200

var errEnough = errors.New("enough")

// upperFact lists the upper directory, marks of overlayfs too.
func (c *container) upperFact(ctx context.Context) sim.Evidence {
	var told []say.Phrase
	var rows []string
	err := overlay.Walk(ctx, c.path("upper"), func(name string, s *overlay.Stat) error {
		if len(rows) == mostRows {
			rows = append(rows, "…")
			return errEnough
		}
		rows = append(rows, upperRow(name, s))
		return nil
	})
	switch {
	case err != nil && err != errEnough:
		rows = append(rows, err.Error())
	case rows == nil:
		told = []say.Phrase{sayEmpty}
	}
	return sim.Evidence{What: sayUpperDir, Told: told,
		Shown: strings.Join(rows, "\n"), Again: "ls -lR " + c.path("upper") + "; getfattr -dR -m user.overlay " + c.path("upper")}
}

func upperRow(name string, s *overlay.Stat) string {
	size := fmt.Sprint(s.Size)
	if s.Type() == unix.S_IFCHR || s.Type() == unix.S_IFBLK {
		size = fmt.Sprintf("%d, %d", unix.Major(s.Rdev), unix.Minor(s.Rdev))
	}
	row := fmt.Sprintf("%s %d:%d %8s %s", fs.ModeString(s.Mode), s.Uid, s.Gid, size, name)
	if mark := s.Opaque(); s.IsDir() && mark != "" {
		row += fmt.Sprintf("  (user.overlay.opaque=%q)", mark)
	}
	return row
}

// diskFacts are what the layers and the container take on the disk.
func (c *container) diskFacts(ctx context.Context) []sim.Evidence {
	var rows, names []string
	for _, dir := range append([]string{c.path("upper")}, c.layers...) {
		rows = append(rows, fmt.Sprintf("%d\t%s", diskUse(ctx, dir), dir))
		names = append(names, dir)
	}
	return []sim.Evidence{{What: sayDiskUse,
		Shown: strings.Join(rows, "\n"), Again: "du -s -B1 " + strings.Join(names, " ")}}
}

// diskUse counts as du does: blocks, an inode once.
func diskUse(ctx context.Context, dir string) int64 {
	var top unix.Stat_t
	unix.Lstat(dir, &top)
	seen, n := map[uint64]bool{}, top.Blocks*512
	overlay.Walk(ctx, dir, func(_ string, s *overlay.Stat) error {
		if s.Nlink == 1 || s.IsDir() || !seen[s.Ino] {
			seen[s.Ino] = true
			n += s.Blocks * 512
		}
		return nil
	})
	return n
}

// largestFile is the largest file of the image's bottom layer that no layer
// above has too.
func (c *container) largestFile(ctx context.Context) (largest string, ok bool) {
	if len(c.layers) == 0 {
		return "", false
	}
	bottom, size := c.layers[len(c.layers)-1], int64(0)
	overlay.Walk(ctx, bottom, func(name string, s *overlay.Stat) error {
		if s.Type() == unix.S_IFREG && s.Size > size && !c.hidden(name) {
			largest, size = filepath.Join(bottom, name), s.Size
		}
		return nil
	})
	return largest, largest != ""
}

func (c *container) hidden(rel string) bool {
	for _, dir := range append([]string{c.path("upper")}, c.layers[:len(c.layers)-1]...) {
		if _, err := overlay.Find(dir, rel); err == nil {
			return true
		}
	}
	return false
}

// inodeFact shows that all containers of the layer have one and the same file.
func (h *helper) inodeFact(c *container, file string) sim.Evidence {
	bottom := c.layers[len(c.layers)-1]
	rel, _ := filepath.Rel(bottom, file)
	st, _ := overlay.Find(bottom, rel)
	rows := []string{fmt.Sprintf("inode %d\t%s", st.Ino, file)}
	for _, other := range h.all() {
		r := other.current()
		if r == nil || h.status(other).Status != sim.Running || other.layers[len(other.layers)-1] != bottom {
			continue
		}
		if inode, ok := inodeOf(r.proc.PID(), rel); ok {
			rows = append(rows, fmt.Sprintf("inode %d\t/%s in container %s", inode, rel, h.status(other).Name))
		}
	}
	return sim.Evidence{What: sayOneInode,
		Shown: strings.Join(rows, "\n"), Again: "stat -c 'inode %i' " + file + " /proc/" + pidWord + "/root/" + rel}
}

// inodeOf is the inode of a file that a container sees.
func inodeOf(pid int, name string) (uint64, bool) {
	f, err := openInside(pid, name, unix.O_PATH)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	return st.Ino, err == nil
}

// openInside opens a file that a container's process sees. No link leads out of
// the container's root, and none of /proc's is followed (openat2(2)).
func openInside(pid int, name string, flags uint64) (*os.File, error) {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, name, &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	return os.NewFile(uintptr(fd), name), err
}

// readInside is the text of a small file of /proc as a container sees it; ""
// where something else is in its place.
func readInside(pid int, name string) string {
	f, err := openInside(pid, name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return ""
	}
	defer f.Close()
	var fs unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &fs) != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		return ""
	}
	text := make([]byte, 4096)
	n, _ := f.Read(text)
	return strings.TrimSpace(string(text[:n]))
}

// cacheFact tells how much of a file is in memory (mincore(2)).
func cacheFact(file string) sim.Evidence {
	e := sim.Evidence{What: sayPageCache, Again: "fincore " + file}
	pages, all, err := resident(file)
	if err != nil {
		e.Shown = err.Error()
		return e
	}
	e.Shown = fmt.Sprintf("%d of %d pages", pages, all)
	return e
}

func resident(name string) (in, all int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	memory, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Munmap(memory)
	page := os.Getpagesize()
	state := make([]byte, (len(memory)+page-1)/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)), uintptr(unsafe.Pointer(&state[0])))
	if errno != 0 {
		return 0, 0, errno
	}
	for _, s := range state {
		in += int(s & 1)
	}
	return in, len(state), nil
}

// processFacts are those of a container that runs.
func processFacts(pid int) []sim.Evidence {
	var rows []string
	for _, name := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		id, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
		if err == nil {
			rows = append(rows, id)
		}
	}
	boot := readInside(pid, "proc/sys/kernel/random/boot_id")
	cgroup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return []sim.Evidence{
		{What: sayNamespaces, Shown: strings.Join(rows, "\n"), Again: "readlink /proc/" + pidWord + "/ns/*"},
		{What: sayBootIDInside, Shown: boot, Again: "cat /proc/" + pidWord + "/root/proc/sys/kernel/random/boot_id"},
		{What: sayCgroups, Shown: strings.TrimSpace(string(cgroup)), Again: "cat /proc/" + pidWord + "/cgroup"},
	}
}
