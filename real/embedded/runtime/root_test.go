//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMountOld mounts many layers as kernels before 6.8 must be asked to.
func TestMountOld(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount without a user namespace")
	}
	const layers = 150
	dir := t.TempDir()
	r := Root{Dir: dir, Upper: "upper", Work: "work", Merged: filepath.Join(dir, "merged")}
	for _, sub := range []string{"upper", "work", "merged"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	for i := range layers {
		layer := fmt.Sprintf("%064d", i)
		require.NoError(t, os.Mkdir(filepath.Join(dir, layer), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, layer, fmt.Sprint(i)), nil, 0o644))
		r.Lower = append(r.Lower, layer)
	}
	var seen []os.DirEntry
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := errors.Join(
			unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Chdir(dir),
			r.mountOld([]string{"upperdir=upper", "workdir=work", "userxattr", "volatile"}))
		seen, _ = os.ReadDir(r.Merged)
		done <- err
	}()
	require.NoError(t, <-done)
	require.Len(t, seen, layers)
}

func TestLookPath(t *testing.T) {
	env := []string{"PATH=/nosuch:/bin:/usr/bin"}
	file, err := lookPath("sh", env)
	require.NoError(t, err)
	require.Equal(t, "/bin/sh", file)
	_, err = lookPath("nosuch", env)
	require.EqualError(t, err, `exec: "nosuch": executable file not found in $PATH`)
	_, err = lookPath("", env)
	require.EqualError(t, err, `exec: "": executable file not found in $PATH`)
}

func TestIdentity(t *testing.T) {
	p := Process{User: "4711", Env: []string{"HOME=/kept"}}
	who, err := p.identity()
	require.NoError(t, err)
	require.Equal(t, &identity{uid: 4711, groups: []uint32{0}}, who)
	require.Equal(t, []string{"HOME=/kept"}, p.Env)
	p = Process{User: "root:12"}
	who, err = p.identity()
	require.NoError(t, err)
	require.EqualValues(t, 12, who.gid)
	require.Contains(t, p.Env, "HOME=/root")
}
