//go:build linux

package embedded_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// attackImage is busybox with a program that tries system calls.
func attackImage(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("testdata/attack"); err != nil {
		t.Skip("the program's source is not here; where it is, these tests run for every kind of user")
	}
	file := filepath.Join(t.TempDir(), "attack")
	build := exec.Command("go", "build", "-o", file, "./testdata/attack")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	push(t, "attack", v1.Config{Cmd: []string{"/attack"}, Env: []string{"PATH=/bin"}}, busyboxLayer(t), layerTar(program("attack", string(text))))
}

// What docker's default profile lets through and what not, for the first
// process and for one executed later.
func TestSystemCalls(t *testing.T) {
	attackImage(t)
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "attack")
		require.NoError(t, err)
		s := spec()
		s.Image = "attack"
		first, err := run(t, e, s)
		require.NoError(t, err)
		checkCalls(t, first.Stdout, map[string]string{"ptrace of the first process": "EPERM"})
		s = spec("sleep", "1000")
		s.Image = "attack"
		detached(t, e, s)
		later, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"/attack"}})
		require.NoError(t, err)
		checkCalls(t, later.Stdout, map[string]string{"ptrace of the first process": "ok"})
		s = spec()
		s.Image, s.CapAdd = "attack", []string{"SYS_ADMIN"}
		mighty, err := run(t, e, s)
		require.NoError(t, err)
		require.NotContains(t, mighty.Stdout, "mount: EPERM", "CAP_SYS_ADMIN opens mount(2)")
		require.Contains(t, mighty.Stdout, "keyctl: EPERM")
	})
}

func checkCalls(t testing.TB, printed string, also map[string]string) {
	t.Helper()
	want := map[string]string{"clone3": "ENOSYS", "a call of the future": "ENOSYS", "personality, asked": "ok", "socket AF_INET": "ok", "getpid": "ok"}
	for name, answer := range also {
		want[name] = answer
	}
	rows := strings.Split(strings.TrimSpace(printed), "\n")
	require.Greater(t, len(rows), 30)
	for _, row := range rows {
		name, got, _ := strings.Cut(row, ": ")
		expected, ok := want[name]
		if !ok {
			expected = "EPERM"
		}
		require.Equal(t, expected, got, name)
	}
}
