//go:build linux

package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// anywhere are limits that any machine allows, and a runtime for every
// arrangement of cgroups.
const anywhere = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`

// TestRootlessPodman runs some of the suite's sessions, and a lesson, on the
// Podman of an ordinary user with subordinate ids (subuid(5)). The user has no
// service running: twinlayer starts it each time.
func TestRootlessPodman(t *testing.T) {
	needLinux(t)
	learner, err := user.Lookup(os.Getenv("TWINLAYER_LEARNER"))
	if err != nil || os.Getuid() != 0 {
		lacking(t, "root, and an ordinary user with subordinate ids whom TWINLAYER_LEARNER names,")
	}
	p := program{user: credential(t, learner), env: []string{"STORAGE_DRIVER=overlay"}}
	p.home = homeFor(t, p.user)
	conf := filepath.Join(p.home, "containers.conf")
	require.NoError(t, os.WriteFile(conf, []byte(anywhere), 0o644))
	p.env = append(p.env, "CONTAINERS_CONF="+conf)
	t.Cleanup(func() { p.kill(t) }) // podman's own keeper of the user namespace
	stdout, stderr, exit := p.run(t, "", "engines")
	require.Zero(t, exit, stderr)
	require.Regexp(t, `\npodman +Podman .*, overlay, rootless\)`, stdout)
	c, used := contestant{name: "podman without root", real: "podman"}, &reasons{seen: map[string]bool{}}
	for _, name := range []string{"hello", "detach", "refusals"} {
		conforms(t, p, c, "real/testdata/sessions/"+name+".txt", used)
	}
	passed, output := lessonsPassed(t, p, c, "hello-world")
	require.Equal(t, []string{"hello-world"}, passed, output)
}

func credential(t *testing.T, u *user.User) *syscall.Credential {
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
