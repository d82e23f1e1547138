//go:build linux

package runtime

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// lookPath finds a program as runc does, which is as os/exec does, but in the
// PATH of env and with errors in runc's words.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if inProc(name) {
			return name, nil // execve will tell
		}
		if err := executable(name); err != nil {
			return "", runtimeFailure("exec: %q: %v", name, err)
		}
		return name, nil
	}
	for dir := range strings.SplitSeq(getenv(env, "PATH"), ":") {
		file := path.Join("/", dir, name)
		if name != "" && executable(file) == nil {
			return file, nil
		}
	}
	return "", runtimeFailure("exec: %q: executable file not found in $PATH", name)
}

func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return unix.EISDIR
	}
	if err := unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS); err == nil || !errors.Is(err, unix.ENOSYS) {
		return err
	}
	return nil
}

func getenv(env []string, key string) string {
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, key+"="); ok {
			return value
		}
	}
	return ""
}
