//go:build linux

package embedded_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

func TestRun(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		out, err := run(t, e, spec("sh", "-c", "echo out; echo err >&2; exit 3"))
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "out\n", Stderr: "err\n", Exit: 3}, out)
	})
}

func TestExitBySignal(t *testing.T) {
	e := engine(t)
	out, err := run(t, e, spec("sh", "-c", "sh -c 'kill -9 $$'; exit $?"))
	require.NoError(t, err)
	require.Equal(t, 137, out.Exit)
}

func TestExecutionFails(t *testing.T) {
	const prefix = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "
	each(t, func(t *testing.T, e *embedded.Engine) {
		for _, c := range []struct {
			program, cause string
			exit           int
		}{
			{"nosuch", `exec: "nosuch": executable file not found in $PATH`, 127},
			{"/nosuch", `exec: "/nosuch": stat /nosuch: no such file or directory`, 127},
			{"/etc/motd", `exec: "/etc/motd": permission denied`, 126},
			{"/etc", `exec: "/etc": is a directory`, 126},
		} {
			s := spec(c.program)
			_, err := run(t, e, s)
			refused(t, err, prefix+c.cause+": unknown", c.exit)
			all, err := e.Containers(timeout(t))
			require.NoError(t, err)
			require.Equal(t, sim.Created, all[0].Status)
		}
	})
}

func TestNoProgram(t *testing.T) {
	e := engine(t)
	out, err := run(t, e, spec("sh", "-c", "echo nonsense > /x; chmod +x /x; exec /x"))
	require.NoError(t, err)
	require.Equal(t, 127, out.Exit, "a shell runs a file without #! itself")
	push(t, "nonsense", v1.Config{Cmd: []string{"/x"}}, layerTar(program("x", "nonsense")))
	_, err = e.Pull(timeout(t), "nonsense")
	require.NoError(t, err)
	s := spec()
	s.Image = "nonsense"
	out, err = run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, sim.Output{Stderr: "exec /x: exec format error\n", Exit: 255}, out)
}

func program(name, body string) entry {
	e := file(name, body)
	e.Mode = 0o755
	return e
}

func TestEnvironment(t *testing.T) {
	e := engine(t)
	s := spec("env")
	s.Env, s.TTY, s.Hostname = []string{"MINE=1", "IMAGE=no"}, true, "here"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, "PATH=/bin\nHOSTNAME=here\nTERM=xterm\nMINE=1\nIMAGE=no\nHOME=/root\n", out.Stdout)
}

func TestHostname(t *testing.T) {
	e := engine(t)
	s := spec("sh", "-c", "hostname; cat /etc/hostname; cat /etc/hosts | head -1")
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, s.ID[:12]+"\n"+s.ID[:12]+"\n127.0.0.1\tlocalhost\n", out.Stdout)
}

func TestUser(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		as := func(user string) (sim.Output, error) {
			s := spec("sh", "-c", "id; echo $HOME; echo x > /dev/stdout; umask")
			s.User = user
			return run(t, e, s)
		}
		_, err := as("nosuch")
		refused(t, err, "unable to find user nosuch: no matching entries in passwd file", 1)
		_, err = as("root:nosuch")
		refused(t, err, "unable to find group nosuch: no matching entries in group file", 1)

		info, err := e.Info(timeout(t))
		require.NoError(t, err)
		out, err := as("ana")
		if info.IDs == 1 {
			require.ErrorContains(t, err, "/etc/subuid")
			return
		}
		require.NoError(t, err)
		require.Equal(t, "uid=1000(ana) gid=1000(ana) groups=50(staff),1000(ana)\n/home/ana\nx\n0022\n", out.Stdout)
		out, err = as("1234:50")
		require.NoError(t, err)
		require.Equal(t, "uid=1234 gid=50(staff) groups=50(staff)\n/\nx\n0022\n", out.Stdout)
	})
}

func TestWorkingDirectory(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "pwd; ls -ld /new/dir | cut -c1-10 2>/dev/null || ls -ld /new/dir")
		s.Dir = "/new/dir"
		_, err := e.Create(timeout(t), s)
		require.NoError(t, err)
		changes, err := e.Changes(timeout(t), s.ID)
		require.NoError(t, err)
		require.Equal(t, []fs.Change{{Kind: fs.Add, Path: "/new"}, {Kind: fs.Add, Path: "/new/dir"}}, changes, "docker makes it with the container")
		out, err := e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(out.Stdout, "/new/dir\ndrwxr-xr-x"), out.Stdout)
		s = spec("pwd")
		s.Dir = "/etc/motd"
		_, err = e.Create(timeout(t), s)
		refused(t, err, "Cannot mkdir: /etc/motd is not a directory", 1)
		s.ID, s.Name, s.Dir = id(), "rel", "rel"
		_, err = e.Create(timeout(t), s)
		refused(t, err, "the working directory 'rel' is invalid, it needs to be an absolute path", 1)
	})
}

func TestStdinIsEmpty(t *testing.T) {
	e := engine(t)
	s := spec("cat")
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, sim.Output{}, out)
	s = spec("cat")
	s.Interactive = true
	out, err = run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, sim.Output{}, out)
}

func TestCancelledRun(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "echo begun; touch /begun; sleep 1000")
		_, err := e.Create(timeout(t), s)
		require.NoError(t, err)
		out, err := e.Start(cancelledAt(t, e, s.ID, "/begun"), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, sim.Output{Stdout: "begun\n", Exit: 137}, out)
	})
}

func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "echo x >> /log; cat /log")
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, "x\n", out.Stdout)
		out, err = e.Start(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, "x\nx\n", out.Stdout)
	})
}

func TestManyAtOnce(t *testing.T) {
	e := engine(t)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			s := spec("sh", "-c", "hostname > /mine; cat /mine")
			out, err := run(t, e, s)
			if err != nil || out.Stdout != s.ID[:12]+"\n" {
				t.Errorf("%v, %v", out, err)
			}
			changes, err := e.Changes(timeout(t), s.ID)
			if err != nil || len(changes) != 1 {
				t.Errorf("%v, %v", changes, err)
			}
			if err := e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	left, err := e.Containers(timeout(t))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestHugeOutput(t *testing.T) {
	e := engine(t)
	out, err := run(t, e, spec("sh", "-c", "head -c 200000000 /dev/zero; echo end >&2"))
	require.NoError(t, err)
	require.Less(t, len(out.Stdout), 2<<20)
	require.Contains(t, out.Stdout, "more bytes were not kept")
	require.Equal(t, "end\n", out.Stderr)
}

func TestBinaryOutput(t *testing.T) {
	e := engine(t)
	require.Equal(t, "\xff\x00\xfe", sh(t, e, `printf '\377\000\376'`))
}

func TestAutoRemove(t *testing.T) {
	e := engine(t)
	s := spec("true")
	s.AutoRemove = true
	_, err := run(t, e, s)
	require.NoError(t, err)
	_, err = e.Changes(timeout(t), s.ID)
	refused(t, err, "No such container: "+s.ID, 1)
}

// A container's root directory is as old as the container, whether the image
// has an entry for it or not, and in an image made of the container, too.
func TestRootTime(t *testing.T) {
	root := layerTar(dir("."), dir("new"))
	push(t, "root-without:latest", v1.Config{}, busyboxLayer(t))
	push(t, "root-below:latest", v1.Config{}, root, busyboxLayer(t))
	push(t, "root-on-top:latest", v1.Config{}, busyboxLayer(t), root)
	each(t, func(t *testing.T, e *embedded.Engine) {
		for _, image := range []string{"root-without", "root-below", "root-on-top"} {
			_, err := e.Pull(timeout(t), image)
			require.NoError(t, err)
			made := asOldAsItsRoot(t, e, image)
			_, err = e.Commit(timeout(t), commit(t, e, made, image+"-committed"))
			require.NoError(t, err)
			asOldAsItsRoot(t, e, image+"-committed")
		}
	})
}

// asOldAsItsRoot makes a container that tells the time of its root directory,
// and then writes something there.
func asOldAsItsRoot(t *testing.T, e *embedded.Engine, image string) string {
	t.Helper()
	s := spec("/bin/sh", "-c", "stat -c %Y /; echo x >> /x")
	s.Image = image
	s.Created = s.Created.Add(-time.Hour) // no time at which anything happens here
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintln(s.Created.Unix()), out.Stdout, image+out.Stderr)
	return s.ID
}
