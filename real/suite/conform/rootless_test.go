//go:build linux

package conform

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
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
	suite.NeedLinux(t)
	if os.Getuid() != 0 {
		testenv.Lacking(t, "not root, who can start the program as another user")
	}
	learner, err := user.Lookup(testenv.Learner(t))
	require.NoError(t, err)
	p := suite.Program{User: credential(t, learner), Env: []string{"STORAGE_DRIVER=overlay"}}
	p.Home = suite.HomeFor(t, p.User)
	conf := filepath.Join(p.Home, "containers.conf")
	require.NoError(t, os.WriteFile(conf, []byte(anywhere), 0o644))
	p.Env = append(p.Env, "CONTAINERS_CONF="+conf)
	t.Cleanup(func() { p.Kill(t) }) // podman's own keeper of the user namespace
	stdout, stderr, exit := p.Run(t, "", "engines")
	require.Zero(t, exit, stderr)
	require.Regexp(t, `\npodman +Podman .*, overlay, rootless\)`, stdout)
	c, used := suite.Contestant{Name: "podman without root", Real: "podman"}, &suite.Reasons{Seen: map[string]bool{}}
	for _, name := range []string{"hello", "detach", "refusals"} {
		suite.Conforms(t, p, c, "real/testdata/sessions/"+name+".txt", used)
	}
	passed, output := suite.LessonsPassed(t, p, c, "hello-world")
	require.Equal(t, []string{"hello-world"}, passed, output)
}

func credential(t *testing.T, u *user.User) *syscall.Credential {
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
