package userland

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var hostSignals = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT}

func hostTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func setHostUmask(mask uint32) { unix.Umask(int(mask)) }

func hostUmask() uint32 {
	mask := unix.Umask(0o022)
	unix.Umask(mask)
	return uint32(mask)
}

func exitStatus(failed *exec.ExitError) int {
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return failed.ExitCode()
}

// hostReplace is execve(2) with the child's streams as descriptors 0 to 2.
func hostReplace(child *Process) {
	streams := []any{hostReader(child.Stdin), hostWriter(child.Stdout), hostWriter(child.Stderr)}
	var files []*os.File
	for _, s := range streams {
		f, ok := s.(*os.File)
		if !ok {
			return
		}
		files = append(files, f)
	}
	if os.Chdir(child.Dir) != nil {
		return
	}
	for fd, f := range files {
		if int(f.Fd()) != fd && unix.Dup2(int(f.Fd()), fd) != nil {
			return
		}
	}
	unix.Exec(child.Path, child.Args, child.Env)
}

// hostKernel is the real kernel.
type hostKernel struct{}

func (hostKernel) Uname() Uname {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return Uname{}
	}
	return Uname{
		Sysname: unix.ByteSliceToString(u.Sysname[:]), Nodename: unix.ByteSliceToString(u.Nodename[:]),
		Release: unix.ByteSliceToString(u.Release[:]), Version: unix.ByteSliceToString(u.Version[:]),
		Machine: unix.ByteSliceToString(u.Machine[:]),
	}
}

func (hostKernel) SetHostname(name string) error { return unix.Sethostname([]byte(name)) }

func (hostKernel) Kill(pid, signal int) error { return unix.Kill(pid, unix.Signal(signal)) }

func (hostKernel) Processes() []ProcessInfo {
	entries, _ := os.ReadDir("/proc")
	var list []ProcessInfo
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := hostProcessInfo(pid); ok {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b ProcessInfo) int { return a.PID - b.PID })
	return list
}

func hostProcessInfo(pid int) (ProcessInfo, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	info, err := os.Stat(dir)
	if err != nil {
		return ProcessInfo{}, false
	}
	p := ProcessInfo{PID: pid}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.UID = int(st.Uid)
	}
	line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	if args := strings.TrimRight(string(line), "\x00"); args != "" {
		p.Args = strings.Split(args, "\x00")
		return p, true
	}
	comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
	p.Args = []string{"[" + strings.TrimSpace(string(comm)) + "]"}
	return p, true
}

func (hostKernel) Mounts() []Mount {
	text, _ := os.ReadFile("/proc/mounts")
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var list []Mount
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 4 {
			list = append(list, Mount{unescape.Replace(f[0]), unescape.Replace(f[1]), f[2], f[3]})
		}
	}
	return list
}

func (hostKernel) Statfs(path string) (Statfs, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Statfs{}, err
	}
	return Statfs{
		BlockSize: s.Bsize, FundamentalBlock: s.Frsize, Blocks: int64(s.Blocks), Free: int64(s.Bfree),
		Available: int64(s.Bavail), Files: int64(s.Files), FreeFiles: int64(s.Ffree), NameLen: s.Namelen,
		Type: statfsName(int64(s.Type)), ID: uint64(uint32(s.Fsid.Val[0])) | uint64(uint32(s.Fsid.Val[1]))<<32,
	}, nil
}

// statfsName is the name of a file system's magic number, as stat -f has it.
func statfsName(magic int64) string {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext2/ext3"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.PROC_SUPER_MAGIC:
		return "proc"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	}
	return "UNKNOWN"
}
