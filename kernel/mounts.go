package kernel

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
)

// Files are what an engine binds over a container's own files: absolute path
// to content.
type Files map[string]string

// ContainerMounts are the file systems that a process in a container sees:
// the overlay root, /proc, /dev, /sys, and the files bound over its own.
func (m Machine) ContainerMounts(root *vfs.Union, files Files, now time.Time) *vfs.Mounts {
	at := now.UnixNano()
	list := []vfs.Mount{
		{Source: "overlay", Target: "/", Type: "overlay", Options: "rw,relatime", FS: root},
		{Source: "proc", Target: "/proc", Type: "proc", Options: "rw,nosuid,nodev,noexec,relatime"},
		{Source: "tmpfs", Target: "/dev", Type: "tmpfs", Options: "rw,nosuid,size=65536k,mode=755", FS: vfs.NewTmpfs(m.devices(at))},
		{Source: "devpts", Target: "/dev/pts", Type: "devpts", Options: "rw,nosuid,noexec,relatime,mode=620,ptmxmode=666", FS: vfs.NewTmpfs(directory(0o755, at))},
		{Source: "shm", Target: "/dev/shm", Type: "tmpfs", Options: "rw,nosuid,nodev,noexec,relatime,size=65536k", FS: vfs.NewTmpfs(directory(fs.S_ISVTX|0o777, at))},
		{Source: "mqueue", Target: "/dev/mqueue", Type: "mqueue", Options: "rw,nosuid,nodev,noexec,relatime", FS: vfs.NewTmpfs(directory(fs.S_ISVTX|0o777, at))},
		{Source: "sysfs", Target: "/sys", Type: "sysfs", Options: "ro,nosuid,nodev,noexec,relatime", FS: vfs.NewPartial(directory(0o555, at))},
	}
	for _, name := range sortedKeys(files) {
		n := fs.Node{Mode: 0o644, Data: fs.DataOf([]byte(files[name])), Mtime: at, Ctime: at}
		list = append(list, vfs.Mount{Source: path.Base(name), Target: name, Type: "bind", Options: "rw,relatime", FS: vfs.NewFile(n)})
	}
	list[1].FS = vfs.NewPartial(m.proc(at, list))
	return vfs.NewMounts(list...)
}

// table is /proc/mounts (proc(5)).
func table(list []vfs.Mount) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s %s %s %s 0 0\n", m.Source, m.Target, m.Type, m.Options)
	}
	return b.String()
}

func sortedKeys(files Files) []string {
	var out []string
	for name := range files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func directory(perm uint32, at int64) *fs.Tree {
	b := fs.NewBuilder()
	put(b, "/", fs.Node{Mode: fs.S_IFDIR | perm, Mtime: at, Ctime: at})
	return b.Tree()
}

// put is Builder.Put of what cannot fail: the trees here are fixed.
func put(b *fs.Builder, name string, n fs.Node) {
	if err := b.Put(name, n); err != nil {
		panic(fmt.Sprintf("kernel: building %s: %v", name, err))
	}
}

// devices is /dev as engines fill it (runtime-spec, config-linux.md, "Default
// Devices"; namespaced terminals are in pts).
func (m Machine) devices(at int64) *fs.Tree {
	b := fs.NewBuilder()
	put(b, "/", fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: at, Ctime: at})
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		put(b, name, fs.Node{Mode: fs.S_IFCHR | 0o666, Rdev: fs.Mkdev(1, minor), Mtime: at, Ctime: at})
	}
	put(b, "tty", fs.Node{Mode: fs.S_IFCHR | 0o666, Rdev: fs.Mkdev(5, 0), Mtime: at, Ctime: at})
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
		"ptmx": "pts/ptmx", "core": "/proc/kcore",
	} {
		if name != "core" || m.Kcore {
			put(b, name, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: target, Mtime: at, Ctime: at})
		}
	}
	for _, name := range []string{"pts", "shm", "mqueue"} {
		put(b, name, fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: at, Ctime: at})
	}
	return b.Tree()
}

// proc is those files of /proc that tell of the kernel: the same in every
// container, because there is one; and what is mounted in this one.
func (m Machine) proc(at int64, mounted []vfs.Mount) *fs.Tree {
	b := fs.NewBuilder()
	put(b, "/", fs.Node{Mode: fs.S_IFDIR | 0o555, Mtime: at, Ctime: at})
	for name, text := range map[string]string{
		"version": m.Banner, "cmdline": m.Cmdline, "sys/kernel/osrelease": m.Release + "\n", "sys/kernel/ostype": m.Sysname + "\n",
		"sys/kernel/version": m.Version + "\n", "sys/kernel/random/boot_id": m.BootID, "mounts": table(mounted),
	} {
		put(b, name, fs.Node{Mode: fs.S_IFREG | 0o444, Data: fs.DataOf([]byte(text)), Mtime: at, Ctime: at})
	}
	return b.Tree()
}
