//go:build linux

// Attack makes system calls that a container should not get through with, and
// prints what each of them answers: those of the machine, or, with the argument
// "32", those of its 32-bit forms. With "memory" it looks into other processes.
package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "memory" {
		prey()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "32" {
		compatible()
		return
	}
	terminal()
	buf := make([]byte, 256)
	p := uintptr(unsafe.Pointer(&buf[0]))
	for _, c := range []struct {
		name       string
		n, a, b, c uintptr
	}{
		{"mount", unix.SYS_MOUNT, p, p, p},
		{"umount2", unix.SYS_UMOUNT2, p, 0, 0},
		{"open_tree", unix.SYS_OPEN_TREE, p, p, 0},
		{"fsopen", unix.SYS_FSOPEN, p, 0, 0},
		{"pivot_root", unix.SYS_PIVOT_ROOT, p, p, 0},
		{"unshare", unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0},
		{"setns", unix.SYS_SETNS, 0, 0, 0},
		{"clone3", unix.SYS_CLONE3, p, 64, 0},
		{"clone into a namespace", unix.SYS_CLONE, unix.CLONE_NEWUSER, 0, 0},
		{"keyctl", unix.SYS_KEYCTL, 0, 0, 0},
		{"add_key", unix.SYS_ADD_KEY, p, p, p},
		{"bpf", unix.SYS_BPF, 0, p, 64},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, p, 0, 0},
		{"userfaultfd", unix.SYS_USERFAULTFD, 0, 0, 0},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, 1, p, 0},
		{"kexec_load", unix.SYS_KEXEC_LOAD, 0, 0, p},
		{"init_module", unix.SYS_INIT_MODULE, p, 1, p},
		{"finit_module", unix.SYS_FINIT_MODULE, 0, p, 0},
		{"reboot", unix.SYS_REBOOT, 0, 0, 0},
		{"clock_settime", unix.SYS_CLOCK_SETTIME, 0, p, 0},
		{"sethostname", unix.SYS_SETHOSTNAME, p, 1, 0},
		{"swapon", unix.SYS_SWAPON, p, 0, 0},
		{"acct", unix.SYS_ACCT, p, 0, 0},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, 0, p, 0},
		{"personality of no randomness", unix.SYS_PERSONALITY, 0x40000, 0, 0},
		{"personality, asked", unix.SYS_PERSONALITY, 0xffffffff, 0, 0},
		{"socket AF_VSOCK", unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, 0},
		{"socket AF_ALG", unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		{"socket AF_ALG, spelled long", unix.SYS_SOCKET, 1<<32 | unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		{"socket AF_INET", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0},
		{"a call of the future", 9999, 0, 0, 0},
		{"ptrace of the first process", unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1, 0},
		{"getpid", unix.SYS_GETPID, 0, 0, 0},
	} {
		r, _, errno := unix.RawSyscall6(c.n, c.a, c.b, c.c, 0, 0, 0)
		if (c.n == unix.SYS_CLONE || c.n == unix.SYS_CLONE3) && errno == 0 && r == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) // the child, which is no whole Go program
		}
		tell(c.name, errno)
	}
}

func tell(what string, errno unix.Errno) {
	name := unix.ErrnoName(errno)
	if errno == 0 {
		name = "ok"
	}
	fmt.Printf("%s: %s\n", what, name)
}

// terminal tries to type into the terminal that the engine was started on
// (TIOCSTI, ioctl_tty(2)).
func terminal() {
	_, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	errno, _ := err.(unix.Errno)
	tell("the terminal", errno)
	for fd := range uintptr(3) {
		key := byte('x')
		_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, fd, unix.TIOCSTI, uintptr(unsafe.Pointer(&key)))
		tell(fmt.Sprintf("typing into stream %d", fd), errno)
	}
}

// compatible makes calls by i386's numbers and by x32's.
func compatible() {
	for _, c := range []struct {
		name        string
		i386, x32   uintptr
		one, second uintptr
	}{
		{"mount", 21, 165, 0, 0},
		{"unshare", 310, 272, unix.CLONE_NEWUSER, 0},
		{"keyctl", 288, 250, 0, 0},
		{"bpf", 357, 321, 0, 0},
		{"sethostname", 74, 170, 0, 0},
		{"personality of no randomness", 136, 135, 0x40000, 0},
		{"getpid", 20, 39, 0, 0},
	} {
		fmt.Printf("x32 ")
		_, _, errno := unix.RawSyscall(c.x32|0x40000000, c.one, c.second, 0)
		tell(c.name, errno)
		fmt.Printf("i386 ")
		if r := int32(int80(c.i386, c.one, c.second)); r < 0 && r > -4096 {
			errno = unix.Errno(-r)
		} else {
			errno = 0
		}
		tell(c.name, errno)
	}
}
