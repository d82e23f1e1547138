//go:build linux

package embedded_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// TestAsOrdinaryUser runs all tests again, or a tenth of them, as nobody, who
// may map no id but his own.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the tests run as an ordinary user anyway")
	}
	all, err := exec.Command("/proc/self/exe", "-test.list=^Test").Output()
	require.NoError(t, err)
	names := strings.Fields(string(all))
	run := "^(" + strings.Join(testenv.Some(names, len(names)/10), "|") + ")$"
	again := exec.Command("/proc/self/exe", append(testenv.Flags(), "-test.run="+run)...)
	again.Env = append(os.Environ(), "HOME=/tmp")
	again.Dir = "/"
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := again.CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestSubordinateIDs has newuidmap map a range of ids for nobody. His entries
// in /etc/subuid and /etc/subgid are bound over the real files where only
// this test sees them.
func TestSubordinateIDs(t *testing.T) {
	if *part == "subordinate" {
		rangeOfIDs(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a user subordinate ids")
	}
	for _, tool := range []string{"newuidmap", "newgidmap", "unshare", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Lacking(t, "%s is missing", tool)
		}
	}
	ids := filepath.Join(t.TempDir(), "ids")
	require.NoError(t, os.WriteFile(ids, []byte("nobody:300000:65536\n"), 0o644))
	exe, err := os.Executable()
	require.NoError(t, err)
	copied := "/tmp/twinlayer-range-test"
	require.NoError(t, exec.Command("install", "-m755", exe, copied).Run())
	defer os.Remove(copied)
	script := "touch /etc/subuid /etc/subgid; mount --bind $0 /etc/subuid && mount --bind $0 /etc/subgid && cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups " + copied + " -test.v -test.run TestSubordinateIDs -part subordinate"
	again := exec.Command("unshare", "-m", "sh", "-c", script, ids)
	again.Env = append(os.Environ(), "HOME=/tmp")
	out, err := again.CombinedOutput()
	require.NoError(t, err, string(out))
}

func rangeOfIDs(t *testing.T) {
	e := engine(t)
	info, err := e.Info(timeout(t))
	require.NoError(t, err)
	require.Equal(t, sim.Info{Engine: "embedded engine (overlayfs, rootless)", Rootless: true, Arch: platform.Host(), IDs: 65537}, info)
	s := spec("id", "-u")
	s.User = "ana"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Stdout: "1000\n"}, out)
}

func TestInfo(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		info, err := e.Info(timeout(t))
		require.NoError(t, err)
		want := map[string]sim.Info{
			"root":     {Engine: "embedded engine (overlayfs)", Arch: platform.Host()},
			"single":   {Engine: "embedded engine (overlayfs, rootless)", Rootless: true, Arch: platform.Host(), IDs: 1},
			"ordinary": {Engine: "embedded engine (overlayfs, rootless)", Rootless: true, Arch: platform.Host(), IDs: 1},
			"range":    {Engine: "embedded engine (overlayfs, rootless)", Rootless: true, Arch: platform.Host(), IDs: 65537},
		}[filepath.Base(t.Name())]
		require.Equal(t, want, info)
		require.Equal(t, "embedded", e.Name())
	})
}
