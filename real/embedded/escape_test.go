//go:build linux

package embedded_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// hostWord is in a file of the host that no container is given.
const hostWord = "the-host's-own-word"

// hostDir is a directory of the host, with a file that everybody may read and
// one that everybody may write to.
func hostDir(t testing.TB) string {
	dir := scratchDir(t)
	require.NoError(t, os.Chmod(dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "word"), []byte(hostWord+"\n"), 0o644))
	require.NoError(t, os.Chmod(filepath.Join(dir, "word"), 0o666))
	return dir
}

// untouched asserts that nothing outside has changed.
func untouched(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	text, err := os.ReadFile(filepath.Join(dir, "word"))
	require.NoError(t, err)
	require.Equal(t, hostWord+"\n", string(text))
	info, err := os.Stat(filepath.Join(dir, "word"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o666), info.Mode())
	null, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o666), null.Mode().Perm(), "the host's null device")
}

// way is one way out, and what it gets. The words HOST and UP stand for the
// directory outside and for a path far above the root.
type way struct {
	name  string
	spec  sim.Spec
	image []entry // that the image has beside busybox
	again bool    // by docker exec in a container that runs, too
	gets  string  // part of what is printed or of the refusal; "": nothing
}

const up = "../../../../../../../../../../../../../../../.."

// ways are the known ways out of a container.
func ways() []way {
	in := func(dir string, args ...string) sim.Spec { return sim.Spec{Dir: dir, Args: args} }
	do := func(script string) sim.Spec { return sim.Spec{Args: []string{"sh", "-c", script}} }
	with := func(mounts ...sim.Mount) sim.Spec {
		return sim.Spec{Args: []string{"sh", "-c", "cat /v/word /v/HOST/word; echo x > /v/new; ls /v"}, Mounts: mounts}
	}
	reads := []string{"cat", "./HOST/word"}
	var all []way
	for n := 3; n < 9; n++ {
		dir := fmt.Sprintf("/proc/self/fd/%d", n)
		all = append(all, way{name: "working directory " + dir, spec: in(dir, reads...), again: true, gets: "chdir to cwd"},
			way{name: "working directory below " + dir, spec: in(dir+"/HOST", "cat", "word"), again: true, gets: "chdir to cwd"},
			way{name: "program below " + dir, spec: sim.Spec{Args: []string{dir + "/bin/true"}}, again: true, gets: "exec " + dir + "/bin/true"})
	}
	return append(all,
		way{name: "working directory a link to a descriptor", spec: in("/fd", reads...), image: []entry{link("fd", "/proc/self/fd/4"), dir("proc"), dir("proc/self"), dir("proc/self/fd"), dir("proc/self/fd/4")}, again: true, gets: "chdir to cwd"},
		way{name: "working directory through a link to the descriptors", spec: in("/fds/4", reads...), image: []entry{link("fds", "/proc/self/fd"), dir("proc"), dir("proc/self"), dir("proc/self/fd"), dir("proc/self/fd/4")}, gets: "chdir to cwd"},
		way{name: "working directory of a thread's descriptor", spec: in("/proc/thread-self/fd/4", reads...), again: true, gets: "chdir to cwd"},
		way{name: "working directory above the root", spec: in("/"+up+"/HOST", "cat", "word"), gets: "can't open"},
		way{name: "working directory a link above the root", spec: in("/up", reads...), image: []entry{link("up", up)}, again: true, gets: "can't open"},
		way{name: "working directory the root of process 1", spec: in("/proc/1/root", reads...), again: true, gets: "can't open"},
		way{name: "working directory above that of process 1", spec: in("/proc/1/cwd/"+up, reads...), again: true, gets: "can't open"},
		way{name: "working directory the own root", spec: in("/proc/self/root/"+up, reads...), again: true, gets: "can't open"},
		way{name: "working directory in the mounts of process 1", spec: in("/proc/1/task/1/root/HOST", "cat", "word"), gets: "chdir to cwd"},
		way{name: "program a link to a descriptor", spec: sim.Spec{Args: []string{"/out/bin/true"}}, image: []entry{link("out", "/proc/self/fd/4")}, again: true, gets: "no such file or directory"},
		way{name: "program above the root", spec: sim.Spec{Args: []string{"/up/HOST/word"}}, image: []entry{link("up", up)}, again: true, gets: "no such file or directory"},
		way{name: "interpreter in a descriptor", spec: sim.Spec{Args: []string{"/script"}}, image: []entry{program("script", "#!/proc/self/fd/4/bin/cat\n")}, again: true, gets: "exec /script"},
		way{name: "interpreter in the search path", spec: sim.Spec{Args: []string{"word"}, Env: []string{"PATH=/proc/self/fd/4/HOST:/proc/self/fd/4/bin:" + up + "HOST"}}, again: true, gets: "executable file not found"},
		way{name: "passwd in a descriptor", spec: sim.Spec{Args: []string{"true"}, User: "daemon"}, image: []entry{link("etc/passwd", "/proc/self/fd/4/etc/passwd")}, again: true, gets: "unable to find user daemon"},
		way{name: "passwd above the root", spec: sim.Spec{Args: []string{"true"}, User: "daemon"}, image: []entry{link("etc/passwd", up+"/etc/passwd-")}, gets: "unable to find user daemon"},
		way{name: "group below process 1", spec: sim.Spec{Args: []string{"true"}, User: "root:daemon"}, image: []entry{link("etc/group", "/proc/1/root/"+up+"/etc/group-")}, again: true, gets: "unable to find group daemon"},
		way{name: "descriptors that are directories", spec: do("for n in 0 1 2 3 4 5 6 7 8 9; do [ -d /proc/self/fd/$n/ ] && cat /proc/self/fd/$n/HOST/word; done; echo none"), again: true, gets: "none"},
		way{name: "the mode of the input", spec: do("chmod 600 /proc/self/fd/0 2>/dev/null || echo refused"), again: true, gets: "refused"},
		way{name: "the owner of the input", spec: do("chown 7:7 /proc/self/fd/0 2>/dev/null || echo refused"), again: true, gets: "refused"},
		way{name: "reading below the input", spec: do("cat /proc/self/fd/0/" + up + "/HOST/word /proc/self/fd/0/../HOST/word 2>/dev/null || echo refused"), gets: "refused"},
		way{name: "the root of the engine", spec: do("for p in /proc/[0-9]*; do cat $p/root/HOST/word $p/cwd/HOST/word; done 2>/dev/null; echo none"), again: true, gets: "none"},
		way{name: "a link in the image", spec: do("cat /l 2>/dev/null || echo refused; echo x > /l/../new 2>/dev/null; echo x > /l"), image: []entry{link("l", "HOST/word")}, again: true, gets: "refused"},
		way{name: "a link above the root", spec: do("cat /l 2>/dev/null || echo refused"), image: []entry{link("l", up+"HOST/word")}, gets: "refused"},
		way{name: "proc a link", spec: do("cat /proc/self/root/HOST/word 2>/dev/null || echo refused"), image: []entry{link("proc", "/tmp")}, gets: "refused"},
		way{name: "dev a link", spec: do("cat /dev/word 2>/dev/null || echo refused"), image: []entry{link("dev", up+"HOST")}, gets: "refused"},
		way{name: "sys a link", spec: do("ls /sys/word 2>/dev/null || echo refused"), image: []entry{link("sys", up+"HOST")}, gets: "refused"},
		way{name: "etc a link", spec: do("echo x > /etc/hosts; cat /etc/word 2>/dev/null || echo refused"), image: []entry{link("etc", up+"HOST")}, gets: "error mounting to rootfs at"},
		way{name: "hosts a link", spec: do("echo x >> /etc/hosts; cat /etc/hosts | grep word || echo refused"), image: []entry{link("etc/hosts", up+"HOST/word")}, gets: "refused"},
		way{name: "a volume at a link above the root", spec: with(sim.Mount{Type: sim.InStore, Source: "one", Target: "/v"}), image: []entry{link("v", up+"HOST")}, gets: "can't open"},
		way{name: "a volume filled from a link", spec: with(sim.Mount{Type: sim.InStore, Source: "two", Target: "/v"}), image: []entry{dir("v"), link("v/word", up+"HOST/word"), link("v/dir", up+"HOST")}, gets: "can't open"},
		way{name: "a volume on what a volume links to", spec: with(sim.Mount{Type: sim.InStore, Source: "three", Target: "/a"}, sim.Mount{Type: sim.InStore, Source: "four", Target: "/a/out/v"}), image: []entry{dir("a"), link("a/out", up+"HOST")}, gets: "error mounting to rootfs at"},
		way{name: "a volume named above the store", spec: with(sim.Mount{Type: sim.InStore, Source: up + "HOST", Target: "/v"}), gets: "invalid characters for a local volume name"},
		way{name: "a volume in proc", spec: with(sim.Mount{Type: sim.InStore, Source: "five", Target: "/proc/sys"}), gets: "inside /proc"},
		way{name: "a volume on proc through dots", spec: with(sim.Mount{Type: sim.InStore, Source: "six", Target: "/x/../proc"}), gets: "not of type proc"},
		way{name: "a tmpfs above the root", spec: with(sim.Mount{Type: sim.Tmpfs, Target: "/" + up + "HOST"}), gets: "can't open"},
		way{name: "a tmpfs at a link", spec: with(sim.Mount{Type: sim.Tmpfs, Target: "/v"}), image: []entry{link("v", up+"HOST")}, gets: "new"},
		way{name: "core files", spec: do("echo '|/bin/sh' > /proc/sys/kernel/core_pattern || echo refused"), again: true, gets: "refused"},
		way{name: "the program that loads modules", spec: do("echo /bin/sh > /proc/sys/kernel/modprobe || echo refused"), again: true, gets: "refused"},
		way{name: "the hotplug helper", spec: do("echo /bin/sh > /sys/kernel/uevent_helper || echo refused"), gets: "refused"},
		way{name: "SysRq", spec: do("echo h > /proc/sysrq-trigger || echo refused"), again: true, gets: "refused"},
		way{name: "binary formats", spec: do("echo :x:M::xx::/bin/sh: > /proc/sys/fs/binfmt_misc/register || echo refused"), gets: "refused"},
		way{name: "cgroups' release agent", spec: do("mkdir -p /tmp/c; mount -t cgroup -o memory cgroup /tmp/c || echo refused"), again: true, gets: "refused"},
		way{name: "the disk as a device", spec: do("mknod /tmp/disk b 254 0 && cat /tmp/disk || echo refused"), gets: "refused"},
		way{name: "the kernel's memory", spec: do("head -c 1 /proc/kcore | grep . || echo refused"), again: true, gets: "refused"},
		way{name: "a mount", spec: do("mkdir /tmp/m; mount -t proc proc /tmp/m || echo refused"), again: true, gets: "refused"},
		way{name: "unmounting a mask", spec: do("umount /proc/kcore || echo refused"), again: true, gets: "refused"},
	)
}

// TestEscapes tries the known ways out of a container, in docker run and docker
// exec. None leads out, and each gets what it should.
func TestEscapes(t *testing.T) {
	busybox(t)
	dir := hostDir(t)
	all := ways()
	for i := range all {
		all[i].place(dir)
		push(t, fmt.Sprintf("way%d", i), v1.Config{Env: []string{"PATH=/bin"}, WorkingDir: all[i].spec.Dir},
			busyboxLayer(t), layerTar(all[i].image...))
	}
	each(t, func(t *testing.T, e *embedded.Engine) {
		for i, w := range all {
			t.Run(w.name, func(t *testing.T) { w.try(t, e, fmt.Sprintf("way%d", i)) })
		}
		untouched(t, dir)
	})
}

// place puts the directory outside into the way.
func (w *way) place(outside string) {
	put := func(s string) string { return strings.ReplaceAll(s, "HOST", outside) }
	each := func(all []string) (out []string) {
		for _, s := range all {
			out = append(out, put(s))
		}
		return out
	}
	w.spec.Dir, w.spec.Args, w.spec.Env = put(w.spec.Dir), each(w.spec.Args), each(w.spec.Env)
	for i := range w.spec.Mounts {
		w.spec.Mounts[i].Source, w.spec.Mounts[i].Target = put(w.spec.Mounts[i].Source), put(w.spec.Mounts[i].Target)
	}
	for i := range w.image {
		w.image[i].Linkname, w.image[i].body = put(w.image[i].Linkname), put(w.image[i].body)
	}
}

// try goes the way: with the image's own words, with those of docker run, and
// with those of docker exec.
func (w way) try(t *testing.T, e *embedded.Engine, image string) {
	_, err := e.Pull(timeout(t), image)
	require.NoError(t, err)
	fromImage := w.whole(image)
	fromImage.Dir = "" // the image's
	specs := []sim.Spec{w.whole(image), fromImage}
	if w.spec.Dir == "" {
		specs = specs[:1]
	}
	for _, s := range specs {
		_, err := e.Create(timeout(t), s)
		var out sim.Output
		if err == nil {
			out, err = e.Start(timeout(t), s.ID, false)
		}
		w.check(t, out, err)
	}
	if !w.again {
		return
	}
	sleeper := spec("sleep", "1000")
	sleeper.Image, sleeper.Dir = image, "/tmp"
	detached(t, e, sleeper)
	out, err := e.Exec(timeout(t), sleeper.ID, sim.Process{Args: w.spec.Args, Env: w.spec.Env, Dir: w.spec.Dir, User: w.spec.User})
	w.check(t, out, err)
	require.NoError(t, e.RemoveContainer(timeout(t), sleeper.ID, sim.RemoveOptions{Force: true}))
}

// whole is a container that goes the way.
func (w way) whole(image string) sim.Spec {
	s := spec(w.spec.Args...)
	s.Image, s.Dir, s.User, s.Env, s.Mounts = image, w.spec.Dir, w.spec.User, w.spec.Env, w.spec.Mounts
	return s
}

// check asserts that the way leads nowhere, and that the engine lives.
func (w way) check(t *testing.T, out sim.Output, err error) {
	t.Helper()
	said := out.Stdout + out.Stderr
	if err != nil {
		var refusal *sim.Refusal
		require.ErrorAs(t, err, &refusal)
		said += refusal.Text
	}
	require.NotContains(t, said, hostWord)
	require.Contains(t, said, w.gets)
}

// TestCopyEscapes tries to get at files of the host by docker cp, in both
// directions, from a container that runs and from one that does not.
func TestCopyEscapes(t *testing.T) {
	busybox(t)
	out := hostDir(t)
	push(t, "copied", v1.Config{Env: []string{"PATH=/bin"}}, busyboxLayer(t), layerTar(
		link("file", out+"/word"), link("dir", out), link("up", up+out), link("fd", "/proc/self/fd/4"), link("one", "/proc/1/root"),
		dir("in"), link("in/file", out+"/word"), entry{tar.Header{Name: "hard", Linkname: "in/file", Typeflag: tar.TypeLink}, ""}))
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/", fs.Node{Mode: fs.S_IFDIR | 0o755}))
	require.NoError(t, b.Put("/new", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))}))
	require.NoError(t, b.Put("/word", fs.Node{Mode: fs.S_IFREG | 0o600, Data: fs.DataOf([]byte("x"))}))
	files := b.Tree()
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "copied")
		require.NoError(t, err)
		still, runs := spec("sleep", "1000"), spec("sleep", "1000")
		still.Image, runs.Image = "copied", "copied"
		_, err = e.Create(timeout(t), still)
		require.NoError(t, err)
		detached(t, e, runs)
		for _, id := range []string{still.ID, runs.ID} {
			for _, name := range []string{"/file", "/file/", "/dir", "/dir/word", "/up/word", "/" + up + out + "/word", "/fd" + out + "/word",
				"/one" + out + "/word", "/proc/1/root" + out + "/word", "/proc/self/fd/4" + out + "/word", "/in", "/hard", "/hard/"} {
				tree, err := e.CopyOut(timeout(t), id, name)
				if err != nil {
					var refusal *sim.Refusal
					require.ErrorAs(t, err, &refusal, name)
					continue
				}
				var archive bytes.Buffer
				require.NoError(t, tree.WriteTar(&archive))
				require.NotContains(t, archive.String(), hostWord+"\n", name)
			}
			for _, dir := range []string{"/dir", "/up", "/fd", "/fd" + out, "/one" + out, "/" + up + out, "/file", "/in", "/proc/1/root" + out, "/proc/self/fd/4" + out} {
				if err := e.CopyIn(timeout(t), id, dir, files); err != nil {
					var refusal *sim.Refusal
					require.ErrorAs(t, err, &refusal, dir)
				}
				untouched(t, out)
			}
		}
	})
}

// TestEngineMemory: a container that may trace every process it sees finds no
// memory of the engine, and no descriptor, in what docker exec puts there.
func TestEngineMemory(t *testing.T) {
	builtImage(t, "attack")
	each(t, func(t *testing.T, e *embedded.Engine) {
		_, err := e.Pull(timeout(t), "attack")
		require.NoError(t, err)
		s := spec("sh", "-c", "touch /hunt; exec /attack memory")
		s.Image, s.CapAdd = "attack", []string{"SYS_PTRACE"}
		_, err = e.Create(timeout(t), s)
		require.NoError(t, err)
		word := []byte(host) // of the engine's configuration, in its heap
		for i := range word {
			word[i] ^= 0x55
		}
		b := fs.NewBuilder()
		require.NoError(t, b.Put("/", fs.Node{Mode: fs.S_IFDIR | 0o755}))
		require.NoError(t, b.Put("/word", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf(word)}))
		require.NoError(t, e.CopyIn(timeout(t), s.ID, "/", b.Tree()))
		_, err = e.Start(timeout(t), s.ID, true)
		require.NoError(t, err)
		for range 200 {
			_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"true"}})
			require.NoError(t, err)
		}
		_, err = e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"rm", "/hunt"}})
		require.NoError(t, err)
		_, err = e.Wait(timeout(t), s.ID)
		require.NoError(t, err)
		logs, err := e.Logs(timeout(t), s.ID, false)
		require.NoError(t, err)
		require.NotContains(t, logs.Stdout, "descriptor:")
		require.NotContains(t, logs.Stdout, "the engine's memory")
		require.Regexp(t, `looked: [1-9]\d* read: [1-9]`, logs.Stdout)
	})
}
