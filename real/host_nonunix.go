//go:build !unix

package real

const nonblock = 0
