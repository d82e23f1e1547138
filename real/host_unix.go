//go:build unix

package real

import "syscall"

// nonblock keeps the opening of a fifo from waiting for its other end.
const nonblock = syscall.O_NONBLOCK
