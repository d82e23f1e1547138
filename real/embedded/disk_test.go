//go:build linux

package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
)

// mounted calls test on a goroutine that alone sees a small tmpfs at dir; the
// engines it starts see it too.
func mounted(t *testing.T, options string, test func(dir string)) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := errors.Join(
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("small", dir, "tmpfs", 0, options))
		if err == nil {
			test(dir)
		}
		done <- err
	}()
	require.NoError(t, <-done)
}

func TestFullDisk(t *testing.T) {
	ref := busybox(t)
	mounted(t, "size=1m", func(dir string) {
		e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		_, err = e.Pull(timeout(t), ref)
		if !errorContains(err, ": free some space") {
			t.Error(err)
		}
		for _, kept := range []string{"layers/*", "blobs/sha256/*", "sessions/*/new/*"} {
			if left, _ := filepath.Glob(filepath.Join(dir, kept)); len(left) > 0 {
				t.Error(left)
			}
		}
	})
}

func TestReadOnlyStore(t *testing.T) {
	mounted(t, "ro", func(dir string) {
		_, err := embedded.Start(embedded.Config{DataDir: filepath.Join(dir, "data")})
		if !errors.As(err, new(*embedded.Unavailable)) || !errorContains(err, "cannot be written to") {
			t.Error(err)
		}
	})
}
