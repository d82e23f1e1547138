//go:build linux

package stage1_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/real/embedded/stage1"
)

// stage hands calls to a first process, and returns what that answers and
// what it, or what it has become, prints.
func stage(t *testing.T, calls *stage1.Calls) (answer []uint32, printed string) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	near, far := os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	var out strings.Builder
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{stage1.Stage}, Env: []string{"GODEBUG=inittrace=1"},
		Stdout: &out, Stderr: &out, ExtraFiles: []*os.File{far},
	}
	require.NoError(t, cmd.Start())
	far.Close()
	_, err = near.Write(calls.Bytes())
	require.NoError(t, err)
	var f [stage1.MessageSize]byte
	if n, _ := near.Read(f[:]); n > 0 {
		answer = []uint32{binary.NativeEndian.Uint32(f[:]), binary.NativeEndian.Uint32(f[4:])}
	}
	near.Close()
	cmd.Wait()
	return answer, out.String()
}

// A stage makes its calls and becomes the program, before the packages of the
// program are initialised that take time.
func TestStage(t *testing.T) {
	var calls stage1.Calls
	calls.Add(unix.SYS_UMASK, 0o77)
	calls.Add(unix.SYS_CHDIR, "/usr")
	calls.Add(unix.SYS_EXECVE, "/bin/sh", []string{"sh", "-c", "umask; pwd; echo $A $B; :", ""}, []string{"A=", "B=two words"})
	answer, printed := stage(t, &calls)
	require.Empty(t, answer)
	require.Contains(t, printed, "\n0077\n/usr\ntwo words\n")
	require.Contains(t, printed, "init os ")
	require.NotContains(t, printed, "init unicode ")
	require.NotContains(t, printed, "init regexp ")
}

func TestStageFails(t *testing.T) {
	var calls stage1.Calls
	calls.Add(unix.SYS_CHDIR, "/")
	calls.Add(unix.SYS_CHDIR, "/no such directory")
	calls.Add(unix.SYS_EXECVE, "/bin/echo", []string{"echo", "wrong"}, []string{})
	answer, printed := stage(t, &calls)
	require.Equal(t, []uint32{1, uint32(unix.ENOENT)}, answer)
	require.NotContains(t, printed, "wrong")
}
