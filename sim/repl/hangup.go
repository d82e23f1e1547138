//go:build !js

package repl

import (
	"os"
	"syscall"
)

// hangups are the signals that tell the program to end.
var hangups = []os.Signal{syscall.SIGTERM, syscall.SIGHUP}
