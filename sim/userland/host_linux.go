package userland

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

var hostSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// hostPipeSignal sees to SIGPIPE. A shell writes to pipes of its own, whose
// reader may be gone, and must outlive that; the runtime's handler ends it for
// its standard output alone. It is what stays of Notify. Where SIGPIPE is
// inherited as ignored, the runtime is told.
func hostPipeSignal(shell bool) {
	var now [4]uintptr // struct sigaction, as the kernel has it; the handler is first
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGPIPE), 0, uintptr(unsafe.Pointer(&now)), 8, 0, 0)
	const ignored = 1 // SIG_IGN
	switch {
	case now[0] == ignored:
		signal.Ignore(syscall.SIGPIPE)
	case shell:
		c := make(chan os.Signal, 1)
		notify(c, syscall.SIGPIPE)
		signal.Stop(c)
	}
}

// abort ends this process by SIGABRT; the first one of a container, which the
// kernel spares, in its way.
func abort() {
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	os.Exit(128 + int(syscall.SIGABRT))
}

func hostTerminal(f *os.File) bool {
	var settings syscall.Termios
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return errno == 0
}

func setHostUmask(mask uint32) { syscall.Umask(int(mask)) }

func hostUmask() uint32 {
	mask := syscall.Umask(0o022)
	syscall.Umask(mask)
	return uint32(mask)
}

func exitStatus(failed *exec.ExitError) int {
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return failed.ExitCode()
}

// hostReplace is execve(2) with the child's streams as descriptors 0 to 2.
func hostReplace(_ context.Context, child *Process) (status int, ok bool) {
	streams := []any{hostReader(child.Stdin), hostWriter(child.Stdout), hostWriter(child.Stderr)}
	var files []*os.File
	for _, s := range streams {
		f, ok := s.(*os.File)
		if !ok {
			return 0, false
		}
		files = append(files, f)
	}
	if child.Dir != began && os.Chdir(child.Dir) != nil {
		return 0, false
	}
	for fd, f := range files {
		if int(f.Fd()) != fd && syscall.Dup3(int(f.Fd()), fd, 0) != nil {
			return 0, false
		}
	}
	syscall.Exec(child.Path, child.Args, child.Env)
	return 0, false
}

// hostReap waits for the children that have ended and that nobody else waits
// for, up to the first one of another kind, which is about to go.
func hostReap(waitedFor func(pid int) bool) {
	const all, exited, look = 0, 4, 0x01000000 // P_ALL, WEXITED, WNOWAIT
	for {
		var info [16]uint64 // siginfo_t; si_pid is its fifth int
		_, _, errno := syscall.RawSyscall6(syscall.SYS_WAITID, all, 0, uintptr(unsafe.Pointer(&info)), exited|look|syscall.WNOHANG, 0, 0)
		pid := (*[32]int32)(unsafe.Pointer(&info))[4]
		if errno != 0 || pid == 0 || waitedFor(int(pid)) {
			return
		}
		if _, err := syscall.Wait4(int(pid), nil, 0, nil); err != nil {
			return
		}
	}
}

// hostKernel is the real kernel.
type hostKernel struct{}

func (hostKernel) Uname() Uname {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return Uname{}
	}
	return Uname{
		Sysname: cString(u.Sysname[:]), Nodename: cString(u.Nodename[:]), Release: cString(u.Release[:]),
		Version: cString(u.Version[:]), Machine: cString(u.Machine[:]),
	}
}

// cString is the text before the NUL; C's char has a sign on some machines.
func cString[char int8 | uint8](chars []char) string {
	var b strings.Builder
	for _, c := range chars {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func (hostKernel) SetHostname(name string) error { return syscall.Sethostname([]byte(name)) }

func (hostKernel) Kill(pid, signal int) error { return syscall.Kill(pid, syscall.Signal(signal)) }

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
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return Statfs{}, err
	}
	return Statfs{
		BlockSize: int64(s.Bsize), FundamentalBlock: int64(s.Frsize), Blocks: int64(s.Blocks), Free: int64(s.Bfree),
		Available: int64(s.Bavail), Files: int64(s.Files), FreeFiles: int64(s.Ffree), NameLen: int64(s.Namelen),
		Type: statfsName(int64(s.Type)), ID: uint64(uint32(s.Fsid.X__val[0])) | uint64(uint32(s.Fsid.X__val[1]))<<32,
	}, nil
}

// statfsNames are the names of file systems' magic numbers (statfs(2)), as
// stat -f has them.
var statfsNames = map[int64]string{
	0xef53: "ext2/ext3", 0x794c7630: "overlayfs", 0x01021994: "tmpfs", 0x9fa0: "proc", 0x58465342: "xfs",
	0x9123683e: "btrfs",
}

func statfsName(magic int64) string {
	if name, ok := statfsNames[magic]; ok {
		return name
	}
	return "UNKNOWN"
}
