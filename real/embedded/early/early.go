//go:build linux

// Package early is the first process of a container, until it becomes the
// user's program: started as [Stage], the program makes the system calls that
// it is handed, the last of which is execve, in this package's init function.
//
// Go initialises packages in the order of their import paths, each after those
// that it imports. This one imports next to nothing, so its turn comes before
// that of the rest of the program, which takes several times as long as a
// container needs to start. Nothing may be imported here that imports unicode.
package early

import (
	"os"
	"syscall"
	"unsafe"
)

// Stage is the argv[0] of a container's first process.
const Stage = "twinlayer-init"

// conn is the descriptor that the calls come from. It closes with execve; a
// [Failed] says that a call failed.
const conn = 3

func init() {
	if len(os.Args) > 0 && os.Args[0] == Stage {
		work()
		os.Exit(255)
	}
}

// Failed tells which call failed, from 0, and with which error.
type Failed struct{ Call, Errno uint32 }

// FailedSize is how many bytes a Failed has.
const FailedSize = int(unsafe.Sizeof(Failed{}))

func work() {
	syscall.CloseOnExec(conn)
	var size [4]byte
	if !read(size[:]) {
		return
	}
	r := &reader{rest: make([]byte, number(size[:]))}
	if !read(r.rest) {
		return
	}
	for i := uint32(0); len(r.rest) > 0; i++ {
		if errno := r.call(); errno != 0 {
			f := Failed{i, uint32(errno)}
			syscall.Write(conn, (*[FailedSize]byte)(unsafe.Pointer(&f))[:])
			return
		}
	}
}

func read(b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Read(conn, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// reader takes calls apart. What they point to stays where it is, in rest or
// in kept.
type reader struct {
	rest []byte
	kept [][]uintptr
}

// call makes the next call.
func (r *reader) call() syscall.Errno {
	var args [7]uintptr
	for i := range r.word() {
		args[i] = r.arg()
	}
	_, _, errno := syscall.RawSyscall6(args[0], args[1], args[2], args[3], args[4], args[5], args[6])
	return errno
}

func (r *reader) arg() uintptr {
	switch kind, n := r.word(), r.word(); kind {
	case kindBytes:
		return r.bytes(n)
	case kindList:
		list := make([]uintptr, n+1)
		for i := range n {
			list[i] = r.bytes(r.word())
		}
		return r.keep(list)
	case kindProgram: // struct sock_fprog (seccomp(2))
		return r.keep([]uintptr{uintptr(n / filterSize), r.bytes(n)})
	default:
		return uintptr(n) | uintptr(r.word())<<32
	}
}

func (r *reader) keep(words []uintptr) uintptr {
	r.kept = append(r.kept, words)
	return uintptr(unsafe.Pointer(&words[0]))
}

func (r *reader) word() uint32 {
	n := number(r.rest)
	r.rest = r.rest[4:]
	return n
}

// bytes is the address of the next n bytes; what takes no bytes is given some
// all the same.
func (r *reader) bytes(n uint32) uintptr {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(r.rest)))
	r.rest = r.rest[(n+3)&^3:]
	return at
}

func number(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
