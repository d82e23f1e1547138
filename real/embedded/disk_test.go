//go:build linux

package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
	"twinlayer/sim"
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

// TestMakingRoom: on a full disk what needs room is refused, and what makes room
// works.
func TestMakingRoom(t *testing.T) {
	ref := busybox(t)
	mounted(t, "size=24m", func(dir string) {
		e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		for _, err := range makingRoom(t, e, ref) {
			t.Error(err)
		}
	})
}

// makingRoom fills the disk, and returns what does not go as it should then.
func makingRoom(t *testing.T, e *embedded.Engine, ref string) (wrong []error) {
	_, pulled := e.Pull(timeout(t), ref)
	_, imported := e.Import(timeout(t), sim.Import{Root: bytes.NewReader(layerTar(file("x", "1"))), Ref: "small", Created: time.Now()})
	s := spec("dd", "if=/dev/urandom", "of=/big", "bs=64k")
	_, made := e.Create(timeout(t), s)
	_, started := e.Start(timeout(t), s.ID, false)
	wrong = append(wrong, pulled, imported, made, started)

	_, err := e.Commit(timeout(t), sim.Commit{Container: s.ID, Ref: "big", Created: time.Now()})
	wrong = append(wrong, isRefusal("commit", err))
	_, err = e.Create(timeout(t), spec("true"))
	wrong = append(wrong, isRefusal("create", err))

	_, err = e.RemoveImage(timeout(t), "small", false)
	wrong = append(wrong, err, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))
	after := spec("true")
	_, made = e.Create(timeout(t), after)
	_, started = e.Start(timeout(t), after.ID, false)
	return slices.DeleteFunc(append(wrong, made, started), func(err error) bool { return err == nil })
}

// isRefusal is nil if err is an answer that says what to do on a full disk.
func isRefusal(doing string, err error) error {
	if errors.As(err, new(*sim.Refusal)) && errorContains(err, ": free some space") {
		return nil
	}
	return fmt.Errorf("%s on a full disk: %w", doing, err)
}
