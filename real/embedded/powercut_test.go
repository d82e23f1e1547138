//go:build linux

package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// TestPowerCut cuts ext4 off from its disk at random moments of commits, as a
// power cut does. What the disk has then is whole: every image that is named,
// and every one whose commit had returned.
func TestPowerCut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a disk")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		testenv.Lacking(t, "mkfs.ext4 is missing")
	}
	busybox(t)
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(disk, nil, 0o600))
	require.NoError(t, os.Truncate(disk, 64<<20))
	tool(t, "mkfs.ext4", "-q", "-F", disk)
	var kept []string // the images that are to be there
	for i := range 10 {
		alone(t, func() {
			dir := t.TempDir()
			if _, err := try(t, "mount", "-o", "loop", disk, dir); err != nil {
				testenv.Lacking(t, "a loop device is missing")
			}
			kept = append(kept, commitsUntilCut(t, dir, fmt.Sprint("round", i))...)
			unmount(t, dir)

			tool(t, "mount", "-o", "loop", disk, dir)
			defer unmount(t, dir)
			requireSound(t, dir)
			e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
			require.NoError(t, err)
			for _, ref := range kept {
				_, err := e.Image(timeout(t), ref)
				require.NoError(t, err)
			}
			require.NoError(t, e.Close())
		})
	}
	require.NotEmpty(t, kept)
	t.Logf("%d commits had returned", len(kept))
}

// unmount waits until no process uses the disk any more: those that were
// killed are not gone at once.
func unmount(t *testing.T, dir string) {
	t.Helper()
	gone(t, dir)
	err := unix.Unmount(dir, 0)
	for limit := time.Now().Add(10 * time.Second); err == unix.EBUSY && time.Now().Before(limit); err = unix.Unmount(dir, 0) {
		time.Sleep(10 * time.Millisecond)
	}
	require.NoError(t, err)
}

// alone runs test on a thread with mounts of its own.
func alone(t *testing.T, test func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		require.NoError(t, unix.Unshare(unix.CLONE_NEWNS))
		require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		test()
	}()
	<-done
	switch { // which ended no more than that thread
	case t.Failed():
		t.FailNow()
	case t.Skipped():
		t.SkipNow()
	}
}

// commitsUntilCut commits one small change after another, cuts the power a
// little later, and returns what had been committed.
func commitsUntilCut(t *testing.T, dir, name string) (done []string) {
	t.Helper()
	e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
	require.NoError(t, err)
	_, err = e.Pull(timeout(t), "busybox")
	require.NoError(t, err)
	s := spec("sh", "-c", "echo "+name+" > /x; head -c 300000 /dev/urandom > /y")
	_, err = run(t, e, s)
	require.NoError(t, err)
	var commits sync.WaitGroup
	commits.Go(func() {
		for n := 0; ; n++ {
			ref := fmt.Sprintf("%s:%d", name, n)
			if _, err := e.Commit(timeout(t), sim.Commit{Container: s.ID, Ref: ref, Created: time.Now(), Comment: ref}); err != nil {
				return
			}
			done = append(done, ref)
		}
	})
	time.Sleep(rand.N(100 * time.Millisecond))
	require.NoError(t, cutPower(dir))
	commits.Wait()
	e.Close()
	return done
}

// cutPower has a file system write nothing more, its journal neither
// (FS_IOC_SHUTDOWN, linux/fs.h).
func cutPower(dir string) error {
	const shutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	flag := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		return errno
	}
	return nil
}
