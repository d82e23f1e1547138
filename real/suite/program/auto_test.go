//go:build linux

package program

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
)

// forbidden runs twinlayer where no user namespace can be made: in one whose
// own limit is 0.
func forbidden(p suite.Program, t *testing.T, lines string, args ...string) string {
	t.Helper()
	cmd := p.Command()
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"`, suite.Binary}, args...)
	cmd.Stdin = strings.NewReader(lines)
	id := []syscall.SysProcIDMap{{Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: id, GidMappings: id}
	out, err := cmd.Output()
	require.NoError(t, err, string(out))
	return string(out)
}

// TestAuto: the embedded engine where it works, else Docker, else Podman; and
// engines says why one is not usable.
func TestAuto(t *testing.T) {
	suite.NeedLinux(t)
	if os.Getuid() != 0 || slices.ContainsFunc(suite.Contestants(t), func(c suite.Contestant) bool { return c.Lacks() != nil }) {
		testenv.Lacking(t, "Docker or Podman, or root, who may use them, is missing")
	}
	engine := func(out string) string {
		all := suite.ResultsIn(t, out)
		require.Len(t, all, 1, out)
		require.NotNil(t, all[0].Real, out)
		return all[0].Real.Engine
	}
	const line = "docker run --rm hello-world\n"
	p := suite.Program{Home: suite.HomeFor(t, nil), Env: suite.EngineEnv()}
	stdout, stderr, exit := p.Run(t, line, "--json")
	require.Zero(t, exit, stderr)
	require.Equal(t, "embedded", engine(stdout))
	require.Equal(t, "docker", engine(forbidden(p, t, line, "--json")))
	all := strings.Split(forbidden(p, t, "", "engines"), "\n")
	require.Contains(t, all[0], "not usable: ")
	require.Contains(t, all[0], "user.max_user_namespaces is 0")
	require.Regexp(t, `^docker +Docker \d+\.\d+`, all[1])
	require.Regexp(t, `^podman +Podman \d+\.\d+`, all[2])
	p.Env = append(p.Env, "DOCKER_HOST=unix://"+p.Home+"/none")
	require.Equal(t, "podman", engine(forbidden(p, t, line, "--json")))
	require.Regexp(t, `\ndocker +not usable: Docker at unix://\S+ does not answer \(no such file or directory\): start it`, forbidden(p, t, "", "engines"))
}

// TestNotAllowed: of a socket that is root's an ordinary user hears in one
// sentence what to do.
func TestNotAllowed(t *testing.T) {
	suite.NeedLinux(t)
	docker, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if os.Getuid() != 0 || !ok || exec.Command("test", "-S", docker, "-a", "-S", "/run/podman/podman.sock").Run() != nil {
		testenv.Lacking(t, "a socket of Docker's or Podman's that is root's is missing")
	}
	user := suite.Users()["ordinary user"]
	p := suite.Program{User: user, Home: suite.HomeFor(t, user), Env: append(suite.EngineEnv(), "CONTAINER_HOST=unix:///run/podman/podman.sock")}
	for real, says := range map[string]string{
		"docker": "(permission denied): join the group of the socket with \"sudo usermod -aG docker $USER\" and log in again, or run twinlayer as root\n",
		"podman": "(permission denied): use your own with \"systemctl --user start podman.socket\", or run twinlayer as root\n",
	} {
		_, stderr, exit := p.Run(t, "docker images\n", "--real", real)
		require.Equal(t, suite.StatusBroken, exit)
		require.True(t, strings.HasSuffix(stderr, says), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}
