//go:build linux

package embedded_test

import (
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// treeOf is a tree of these entries.
func treeOf(t testing.TB, entries map[string]fs.Node) *fs.Tree {
	t.Helper()
	b := fs.NewBuilder()
	for name, n := range entries {
		require.NoError(t, b.Put(name, n))
	}
	return b.Tree()
}

func regular(text string) fs.Node {
	return fs.Node{Mode: fs.S_IFREG | 0o640, Mtime: 1e18, Data: fs.DataOf([]byte(text))}
}

func content(t testing.TB, tr *fs.Tree, name string) string {
	t.Helper()
	n := tr.Lookup(name)
	require.NotNil(t, n, name)
	b, err := n.Data.Bytes()
	require.NoError(t, err)
	return string(b)
}

// inEachState are a container that was created, one that runs and one that has
// ended.
func inEachState(t testing.TB, e sim.Engine) map[string]string {
	t.Helper()
	created, ended := spec("true"), spec("true")
	_, err := e.Create(timeout(t), created)
	require.NoError(t, err)
	_, err = run(t, e, ended)
	require.NoError(t, err)
	running := detached(t, e, spec("sleep", "1000"))
	return map[string]string{"created": created.ID, "running": running.ID, "ended": ended.ID}
}

func TestCopyIn(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		files := treeOf(t, map[string]fs.Node{
			"/new":       {Mode: fs.S_IFDIR | 0o700, Mtime: 1e18},
			"/new/f":     regular("hello"),
			"/new/link":  {Mode: fs.S_IFLNK | 0o777, Target: "f", Mtime: 1e18},
			"/motd":      regular("replaced"),
			"/new/empty": regular(""),
		})
		for name, id := range inEachState(t, e) {
			require.NoError(t, e.CopyIn(timeout(t), id, "/etc", files), name)
			layer, err := e.Layer(timeout(t), id)
			require.NoError(t, err)
			require.Equal(t, "replaced", content(t, layer, "/etc/motd"))
			require.Equal(t, "hello", content(t, layer, "/etc/new/f"))
			require.EqualValues(t, 1e18, layer.Lookup("/etc/new").Mtime)
			require.EqualValues(t, fs.S_IFREG|0o640, layer.Lookup("/etc/new/f").Mode)
			require.EqualValues(t, fs.S_IFDIR|0o755, layer.Lookup("/etc").Mode, "a parent that is copied up keeps its attributes")
			require.Nil(t, layer.Lookup("/etc/passwd"))
			out, err := e.CopyOut(timeout(t), id, "/etc/new")
			require.NoError(t, err)
			require.Equal(t, "hello", content(t, out, "/new/f"))
			require.Equal(t, "f", out.Lookup("/new/link").Target)
			out, err = e.CopyOut(timeout(t), id, "/etc/passwd")
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(content(t, out, "/passwd"), "root:"))

			for _, missing := range []string{"/nosuch", "/nosuch/x", "/etc/motd/x"} {
				_, err := e.CopyOut(timeout(t), id, missing)
				refused(t, err, "Could not find the file "+missing+" in container "+state(t, e, id).Name, 1)
			}
			refused(t, e.CopyIn(timeout(t), id, "/nosuch", files), "Could not find the file /nosuch in container "+state(t, e, id).Name, 1)
			refused(t, e.CopyIn(timeout(t), id, "/etc/motd", files), "extraction point is not a directory", 1)
		}
	})
}

// A directory that takes a file's place, and a file that takes a directory's,
// leave in the layer what the kernel makes of it.
func TestCopyInReplaces(t *testing.T) {
	e := engine(t)
	for name, id := range inEachState(t, e) {
		require.NoError(t, e.CopyIn(timeout(t), id, "/", treeOf(t, map[string]fs.Node{
			"/tmp": regular("now a file"), "/etc": {Mode: fs.S_IFDIR | 0o755}, "/etc/motd": {Mode: fs.S_IFDIR | 0o755}, "/etc/motd/x": regular("x"),
		})), name)
		changes, err := e.Changes(timeout(t), id)
		require.NoError(t, err)
		require.Equal(t, []fs.Change{
			{Kind: fs.Modify, Path: "/etc"}, {Kind: fs.Modify, Path: "/etc/motd"}, {Kind: fs.Add, Path: "/etc/motd/x"}, {Kind: fs.Modify, Path: "/tmp"},
		}, changes)
	}
}

// Owners survive, whether or not the engine has them.
func TestCopyOwners(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		n := regular("mine")
		n.UID, n.GID = 1000, 50
		for _, id := range inEachState(t, e) {
			require.NoError(t, e.CopyIn(timeout(t), id, "/", treeOf(t, map[string]fs.Node{"/own": n})))
			out, err := e.CopyOut(timeout(t), id, "own")
			require.NoError(t, err)
			require.EqualValues(t, 1000, out.Lookup("/own").UID)
			require.EqualValues(t, 50, out.Lookup("/own").GID)
		}
	})
}

func TestCopyWholeRoot(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		for name, id := range inEachState(t, e) {
			out, err := e.CopyOut(timeout(t), id, "/")
			require.NoError(t, err)
			require.Equal(t, "welcome\n", content(t, out, "/etc/motd"), name)
			require.Nil(t, out.Lookup("/proc/self"), "what an engine mounts is not part of it")
			require.Nil(t, out.Lookup("/dev/null"))
		}
	})
}

// Whatever symlinks a container has, nothing of the host is read or written.
func TestCopyIsConfined(t *testing.T) {
	secret := open(t)
	require.NoError(t, os.WriteFile(secret+"/secret", []byte("host"), 0o644))
	each(t, func(t *testing.T, e *embedded.Engine) {
		script := "ln -s / /top; ln -s ../../../../../../../.. /up; ln -s " + secret + " /abs; ln -s /proc/1/root /root1; ln -s /proc/self/cwd /cwd"
		for _, keepsRunning := range []string{"", "; touch /ready; sleep 1000"} {
			s := detached(t, e, spec("sh", "-c", script+keepsRunning))
			if keepsRunning == "" {
				e.Wait(timeout(t), s.ID)
			} else {
				require.Eventually(t, func() bool { _, err := e.CopyOut(timeout(t), s.ID, "/ready"); return err == nil }, 5*time.Second, 5*time.Millisecond)
			}
			for _, way := range []string{"/top", "/up", "/abs", "/root1", "/cwd", "/../..", "/top/up/top"} {
				out, err := e.CopyOut(timeout(t), s.ID, way+secret+"/secret")
				require.Error(t, err, way)
				require.Nil(t, out)
				out, err = e.CopyOut(timeout(t), s.ID, way+"/secret")
				require.Error(t, err, way)
				require.Nil(t, out)
				require.Error(t, e.CopyIn(timeout(t), s.ID, way+secret, treeOf(t, map[string]fs.Node{"/evil": regular("x")})))
			}
			require.NoError(t, e.CopyIn(timeout(t), s.ID, "/", treeOf(t, map[string]fs.Node{"/abs": {Mode: fs.S_IFDIR | 0o755}, "/abs/evil": regular("x")})))
			names, err := os.ReadDir(secret)
			require.NoError(t, err)
			require.Len(t, names, 1)
		}
	})
}

func TestNamedVolume(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := spec("sh", "-c", "cat /etc/motd; echo new > /etc/note; ls -ld /etc | cut -c1-10")
		s.Mounts = []sim.Mount{{Type: sim.InStore, Source: "conf", Target: "/etc"}}
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, "welcome\ndrwxr-xr-x\n", out.Stdout, "it is filled from the image, attributes too")
		changes, err := e.Changes(timeout(t), s.ID)
		require.NoError(t, err)
		require.Empty(t, changes)
		s2 := spec("sh", "-c", "cat /etc/note; rm /etc/motd; echo > /etc/x")
		s2.Mounts = []sim.Mount{{Type: sim.InStore, Source: "conf", Target: "/etc", ReadOnly: true}}
		out, err = run(t, e, s2)
		require.NoError(t, err)
		require.NotZero(t, out.Exit)
		require.Equal(t, "new\n", out.Stdout)
		tr, err := e.CopyOut(timeout(t), s2.ID, "/etc/note")
		require.NoError(t, err)
		require.Equal(t, "new\n", content(t, tr, "/note"))
		refused(t, e.RemoveVolume(timeout(t), "conf"), "remove conf: volume is in use - ["+s2.ID+", "+s.ID+"]", 1)
		for _, id := range []string{s.ID, s2.ID} {
			require.NoError(t, e.RemoveContainer(timeout(t), id, sim.RemoveOptions{Volumes: true}))
		}
		all, err := e.Volumes(timeout(t))
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "conf", all[0].Name)
		require.NoError(t, e.RemoveVolume(timeout(t), "conf"))
		refused(t, e.RemoveVolume(timeout(t), "conf"), "get conf: no such volume", 1)
		require.Error(t, e.CreateVolume(timeout(t), sim.Volume{Name: "../x"}))
	})
}

func TestVolumesOutliveSessions(t *testing.T) {
	data := scratch(t)
	cfg := embedded.Config{DataDir: data, Registry: host}
	e := start(t, cfg)
	_, err := e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	require.NoError(t, e.CreateVolume(timeout(t), sim.Volume{Name: "kept", Created: time.Unix(5, 0)}))
	s := spec("sh", "-c", "echo x > /data/x")
	s.Mounts = []sim.Mount{{Type: sim.InStore, Source: "kept", Target: "/data"}}
	_, err = run(t, e, s)
	require.NoError(t, err)
	other := start(t, cfg)
	refused(t, other.RemoveVolume(timeout(t), "kept"), "remove kept: volume is in use - [a container of another twinlayer]", 1)
	require.NoError(t, e.Close())
	all, err := other.Volumes(timeout(t))
	require.NoError(t, err)
	require.Equal(t, time.Unix(5, 0).UTC(), all[0].Created.UTC())
	require.NoError(t, other.RemoveVolume(timeout(t), "kept"))
}

// An image's volumes are made for each container anew and go with it.
func TestImageVolumes(t *testing.T) {
	e := engine(t)
	push(t, "withvolume", v1.Config{Cmd: []string{"sh", "-c", "cat /home/f; echo y > /home/f; cat /home/f"}, Env: []string{"PATH=/bin"},
		Volumes: map[string]struct{}{"/home": {}, "/fresh": {}}}, busyboxLayer(t), layerTar(file("home/f", "x\n")))
	_, err := e.Pull(timeout(t), "withvolume")
	require.NoError(t, err)
	for range 2 {
		s := spec()
		s.Image = "withvolume"
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, "x\ny\n", out.Stdout)
		all, err := e.Volumes(timeout(t))
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.True(t, all[0].Anonymous)
		require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{Volumes: true}))
		all, err = e.Volumes(timeout(t))
		require.NoError(t, err)
		require.Empty(t, all)
	}
}

// open is a directory that everybody may use.
func open(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "twinlayer-open-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

func TestMounts(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		shared := open(t)
		require.NoError(t, os.WriteFile(shared+"/f", []byte("host\n"), 0o666))
		require.NoError(t, os.Chmod(shared+"/f", 0o666))
		s := spec("sh", "-c", "cat /h/f; echo c > /h/g; cat /ro/f; echo x > /ro/g; mkdir /tmpfs/d && echo tmp; cat /one; echo z > /root-file; echo y > /dev/shm/y && echo shm")
		s.ReadOnly = true
		s.Mounts = []sim.Mount{
			{Type: sim.Bind, Source: shared, Target: "/h"}, {Type: sim.Bind, Source: shared, Target: "/ro", ReadOnly: true},
			{Type: sim.Tmpfs, Target: "/tmpfs"}, {Type: sim.Bind, Source: shared + "/f", Target: "/one", ReadOnly: true},
		}
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, "host\nhost\ntmp\nhost\nshm\n", out.Stdout, out.Stderr)
		require.Contains(t, out.Stderr, "can't create /ro/g: Read-only file system")
		require.Contains(t, out.Stderr, "can't create /root-file: Read-only file system")
		got, err := os.ReadFile(shared + "/g")
		require.NoError(t, err)
		require.Equal(t, "c\n", string(got))
		refused(t, e.CopyIn(timeout(t), s.ID, "/", treeOf(t, map[string]fs.Node{"/x": regular("x")})), "container rootfs is marked read-only", 1)
	})
}

func TestHostNetwork(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		own, err := os.Readlink("/proc/self/ns/net")
		require.NoError(t, err)
		s := spec("sh", "-c", "readlink /proc/self/ns/net; ls /sys/class/net | head -1; cat /etc/resolv.conf; echo x > /sys/x")
		s.Network = sim.HostNetwork
		out, err := run(t, e, s)
		require.NoError(t, err)
		resolv, err := os.ReadFile("/etc/resolv.conf")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(out.Stdout, own+"\n"), out)
		require.Contains(t, out.Stdout, string(resolv))
		require.NotZero(t, out.Exit)
	})
}

// With the machine's network, /sys is as with one of its own, and as Docker
// mounts it: read-only, and of what the machine has mounted in it nothing.
func TestHostNetworkSys(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		script := "find /sys/fs /sys/kernel -maxdepth 2 -type d | sort; find /sys/fs/cgroup /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security | sort"
		own := sh(t, e, script+"; grep ' /sys ' /proc/mounts | sort")
		s := spec("sh", "-c", script+"; grep ' /sys ' /proc/mounts")
		s.Network = sim.HostNetwork
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, own, out.Stdout)
		require.Contains(t, out.Stdout, "sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime")
	})
}

func TestCapabilities(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		for _, c := range []struct {
			add, drop []string
			bounding  string
		}{
			{nil, nil, "00000000a80425fb"}, {[]string{"net_admin"}, nil, "00000000a80435fb"},
			{nil, []string{"ALL"}, "0000000000000000"}, {[]string{"CAP_KILL"}, []string{"all"}, "0000000000000020"},
			{[]string{"ALL"}, nil, "000001ffffffffff"}, {[]string{"ALL"}, []string{"SYS_ADMIN"}, "000001ffffdfffff"},
		} {
			s := spec("grep", "CapEff", "/proc/self/status")
			s.CapAdd, s.CapDrop = c.add, c.drop
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, "CapEff:\t"+c.bounding+"\n", out.Stdout)
		}
		s := spec("true")
		s.CapAdd = []string{"nosuch"}
		_, err := e.Create(timeout(t), s)
		refused(t, err, `invalid CapAdd: unknown capability: "CAP_NOSUCH"`, 1)
	})
}
