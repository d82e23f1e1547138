//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// forbidden runs twinlayer where no user namespace can be made: in one whose
// own limit is 0.
func (p program) forbidden(t *testing.T, lines string, args ...string) string {
	t.Helper()
	cmd := p.command()
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"`, binary}, args...)
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
	needLinux(t)
	if os.Getuid() != 0 || len(contestants(t)) < 5 {
		lacking(t, "Docker or Podman, or root, who may use them,")
	}
	engine := func(out string) string {
		var r sim.Result
		require.NoError(t, json.Unmarshal([]byte(out), &r), out)
		require.NotNil(t, r.Real, out)
		return r.Real.Engine
	}
	const line = "docker run --rm hello-world\n"
	p := program{home: homeFor(t, nil), env: engineEnv()}
	stdout, stderr, exit := p.run(t, line, "--json")
	require.Zero(t, exit, stderr)
	require.Equal(t, "embedded", engine(stdout))
	require.Equal(t, "docker", engine(p.forbidden(t, line, "--json")))
	all := strings.Split(p.forbidden(t, "", "engines"), "\n")
	require.Contains(t, all[0], "not usable: ")
	require.Contains(t, all[0], "user.max_user_namespaces is 0")
	require.Regexp(t, `^docker +Docker \d+\.\d+`, all[1])
	require.Regexp(t, `^podman +Podman \d+\.\d+`, all[2])
	p.env = append(p.env, "DOCKER_HOST=unix://"+p.home+"/none")
	require.Equal(t, "podman", engine(p.forbidden(t, line, "--json")))
	require.Regexp(t, `\ndocker +not usable: Docker at unix://\S+ does not answer \(no such file or directory\): start it`, p.forbidden(t, "", "engines"))
}

// TestNotAllowed: of a socket that is root's an ordinary user hears in one
// sentence what to do.
func TestNotAllowed(t *testing.T) {
	needLinux(t)
	docker, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if os.Getuid() != 0 || !ok || exec.Command("test", "-S", docker, "-a", "-S", "/run/podman/podman.sock").Run() != nil {
		lacking(t, "a socket of Docker's or Podman's that is root's")
	}
	user := users()["ordinary user"]
	p := program{user: user, home: homeFor(t, user), env: append(engineEnv(), "CONTAINER_HOST=unix:///run/podman/podman.sock")}
	for real, says := range map[string]string{
		"docker": "(permission denied): join the group of the socket with \"sudo usermod -aG docker $USER\" and log in again, or run twinlayer as root\n",
		"podman": "(permission denied): use your own with \"systemctl --user start podman.socket\", or run twinlayer as root\n",
	} {
		_, stderr, exit := p.run(t, "docker images\n", "--real", real)
		require.Equal(t, exitBroken, exit)
		require.True(t, strings.HasSuffix(stderr, says), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}
