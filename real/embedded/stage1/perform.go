//go:build linux

package stage1

import (
	"syscall"
	"unsafe"
)

// Calls that are more than one system call.
const (
	// Enter makes the string that is its argument the working directory,
	// unless an Enter before it has. Its failure counts if the second argument
	// is not 0.
	Enter uintptr = 1<<31 + iota
	// Inside fails with EXDEV where the working directory is not below the
	// root directory.
	Inside
	// Fork lets a new child of this process's own parent make the calls that
	// follow, and ends this process.
	Fork
	// Await waits for one byte.
	Await
	// Signals makes every signal do what it does by default, and wait for
	// nothing, whatever was so when twinlayer was started (nohup(1)).
	Signals
)

// perform makes the calls. After a Fork the Go runtime's other threads are
// missing: nothing may be allocated, no stack may grow, and no function may be
// called that looks whether it should (//go:nosplit).
//
//go:norace
func perform(calls [][7]uintptr) {
	for i := range calls {
		errno := perform1(uint32(i), &calls[i])
		if errno != 0 {
			tell(uint32(i), errno, 0)
			exit(255)
		}
	}
}

//go:nosplit
//go:norace
func exit(status uintptr) { syscall.RawSyscall(syscall.SYS_EXIT_GROUP, status, 0, 0) }

//go:nosplit
//go:norace
func perform1(i uint32, c *[7]uintptr) syscall.Errno {
	switch c[0] {
	case Enter:
		return enter(c[1], c[2])
	case Inside:
		return inside()
	case Fork:
		return fork(i)
	case Await:
		return await()
	case Signals:
		return signals()
	}
	_, _, errno := syscall.RawSyscall6(c[0], c[1], c[2], c[3], c[4], c[5], c[6])
	return errno
}

var (
	entered bool
	cwd     [4096]byte // PATH_MAX
	message Message

	defaults [8]uint64 // struct sigaction: SIG_DFL; or an empty mask
)

//go:nosplit
//go:norace
func enter(dir, counts uintptr) syscall.Errno {
	if entered {
		return 0
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, dir, 0, 0)
	if entered = errno == 0; !entered && counts != 0 {
		return errno
	}
	return 0
}

// inside: the kernel puts "(unreachable)" before the name of a directory that
// the root directory does not lead to (getcwd(2)).
//
//go:nosplit
//go:norace
func inside() syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_GETCWD, uintptr(unsafe.Pointer(&cwd)), uintptr(len(cwd)), 0)
	if errno == 0 && cwd[0] != '/' {
		return syscall.EXDEV
	}
	return errno
}

//go:nosplit
//go:norace
func fork(i uint32) syscall.Errno {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, syscall.CLONE_PARENT|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno == 0 && pid != 0 {
		tell(i, 0, uint32(pid))
		exit(0)
	}
	return errno
}

//go:nosplit
//go:norace
func await() syscall.Errno {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, Conn, uintptr(unsafe.Pointer(&cwd)), 1)
	if errno == 0 && n != 1 {
		return syscall.EPIPE // the engine has given up
	}
	return errno
}

// signals: two of them keep what they do (sigaction(2)).
//
//go:nosplit
//go:norace
func signals() syscall.Errno {
	const last, setMask, maskSize = 64, 2, 8
	for n := uintptr(1); n <= last; n++ {
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, n, uintptr(unsafe.Pointer(&defaults)), 0, maskSize, 0, 0)
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&defaults)), 0, maskSize, 0, 0)
	return errno
}

//go:nosplit
//go:norace
func tell(call uint32, errno syscall.Errno, pid uint32) {
	message.Call, message.Errno, message.PID = call, uint32(errno), pid
	syscall.RawSyscall(syscall.SYS_WRITE, Conn, uintptr(unsafe.Pointer(&message)), uintptr(MessageSize))
}
