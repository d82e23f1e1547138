//go:build linux

// Package stage1 is the first process of a container, and what docker exec
// starts in one, until it becomes the user's program: started as [Stage], the
// program makes the system calls that it is handed, the last of which is
// execve, in this package's init function.
//
// What enters a container that runs has memory of its own for that, which
// holds nothing but its calls, and forks ([Fork]) into the namespaces only when
// it has nothing left that a process of the container could want of it.
//
// Go initialises packages in the order of their import paths, each after those
// that it imports. This one imports next to nothing, so its turn comes before
// that of the rest of the program, which takes several times as long as a
// container needs to start. Nothing may be imported here that imports unicode.
package stage1

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Stage is the argv[0] of a container's first process.
const Stage = "twinlayer-init"

// Conn is the descriptor that the calls come from. It closes with execve; a
// [Message] tells what happens before.
const Conn = 3

func init() {
	if len(os.Args) > 0 && os.Args[0] == Stage {
		work()
		exit(255)
	}
}

// Message tells what became of a call, which is counted from 0: that it failed,
// with which error, and with it the whole; or, with Errno 0, the process that a
// [Fork] has made.
type Message struct{ Call, Errno, PID uint32 }

// MessageSize is how many bytes a Message has.
const MessageSize = int(unsafe.Sizeof(Message{}))

func work() {
	syscall.CloseOnExec(Conn)
	var size [4]byte
	if !read(size[:]) {
		return
	}
	r := &reader{rest: make([]byte, number(size[:]))}
	if !read(r.rest) {
		return
	}
	var calls [][7]uintptr
	for len(r.rest) > 0 {
		calls = append(calls, r.call())
	}
	perform(calls)
	runtime.KeepAlive(r)
}

func read(b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Read(Conn, b)
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

func (r *reader) call() (args [7]uintptr) {
	for i := range r.word() {
		args[i] = r.arg()
	}
	return args
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
