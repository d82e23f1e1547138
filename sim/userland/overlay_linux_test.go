package userland

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
)

// TestScriptsOnOverlay runs every script by busybox in a root file system of
// its own on a real overlayfs, and in the model on the same layer: output,
// status and the layer they leave are the same.
func TestScriptsOnOverlay(t *testing.T) {
	switch _, err := os.Stat("/bin/busybox"); {
	case raceEnabled:
		t.Skip("processes do not race with each other, and are slow under the detector")
	case err != nil:
		testenv.Lacking(t, "no /bin/busybox to compare with: install busybox-static 1.35")
	case os.Getuid() != 0:
		t.Skip("not root: overlayfs cannot be mounted here")
	}
	o := newOverlay(t)
	for _, c := range scriptCases() {
		if c.differs != "" || notInModel[c.name] != "" || notOnOverlay[c.name] != "" {
			continue
		}
		want := o.run(t, c.script) // on this thread
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, want.text(), modelLayer(t, c.script).text())
		})
	}
}

// notOnOverlay are the scripts whose layer or output cannot be the same.
var notOnOverlay = map[string]string{
	"diff": "busybox keeps what it reads from a pipe in a file below /tmp, and so copies /tmp up",
	"ps":   "the processes are the host's",
}

// overlay is a lower layer on disk, in a mount namespace of this thread.
type overlay struct{ dir string }

func newOverlay(t *testing.T) *overlay {
	runtime.LockOSThread() // and never unlocked: the namespace ends with the thread
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS))
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	unix.Umask(0o022)
	o := &overlay{t.TempDir()}
	lower := filepath.Join(o.dir, "lower")
	for _, name := range []string{"tools", "bin", "etc", "dev", "workdir", "root", "tmp", "proc"} {
		require.NoError(t, os.MkdirAll(filepath.Join(lower, name), 0o755))
	}
	for _, name := range []string{"/bin/busybox", "/etc/passwd", "/etc/group"} {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(lower, name), content, 0o755))
	}
	for _, name := range Applets() {
		for _, dir := range []string{"bin", "tools"} {
			require.NoError(t, os.Symlink("/bin/busybox", filepath.Join(lower, dir, name)))
		}
	}
	for name, dev := range map[string]uint64{"null": fs.Mkdev(1, 3), "zero": fs.Mkdev(1, 5), "full": fs.Mkdev(1, 7)} {
		require.NoError(t, unix.Mknod(filepath.Join(lower, "dev", name), unix.S_IFCHR|0o666, int(dev)))
		require.NoError(t, os.Chmod(filepath.Join(lower, "dev", name), 0o666))
	}
	return o
}

// run runs a script by busybox on an empty upper layer.
func (o *overlay) run(t *testing.T, script string) outcome {
	dir, err := os.MkdirTemp(o.dir, "")
	require.NoError(t, err)
	for _, name := range []string{"upper", "work", "merged"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	merged := filepath.Join(dir, "merged")
	require.NoError(t, unix.Mount("overlay", merged, "overlay", 0, fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", o.dir, dir, dir)))
	defer unix.Unmount(merged, unix.MNT_DETACH)
	proc := filepath.Join(merged, "proc") // busybox runs itself as /proc/self/exe
	require.NoError(t, unix.Mount("proc", proc, "proc", 0, ""))
	defer unix.Unmount(proc, unix.MNT_DETACH)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/true")
	cmd.Path, cmd.Args, cmd.Dir = "/tools/sh", []string{"sh", "-c", script}, "/workdir"
	cmd.Env = []string{"PATH=/tools", "HOME=/root", "LANG=C"}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: merged}
	if err := cmd.Run(); cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	require.NoError(t, ctx.Err(), "the script hangs")
	clean := strings.NewReplacer("/tools", "BIN", "/workdir", "DIR").Replace
	return outcome{
		Stdout: clean(stdout.String()), Stderr: cleanErrors(clean(stderr.String())),
		Status: cmd.ProcessState.ExitCode(), Tree: diskLayer(t, filepath.Join(dir, "upper")),
	}
}

// diskLayer lists an upper directory.
func diskLayer(t *testing.T, dir string) (list []string) {
	require.NoError(t, filepath.WalkDir(dir, func(name string, _ iofs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		var st unix.Stat_t
		require.NoError(t, unix.Lstat(name, &st))
		n := fs.Node{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev}
		var content []byte
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			content, err = os.ReadFile(name)
		case unix.S_IFLNK:
			n.Target, err = os.Readlink(name)
		case unix.S_IFDIR:
			value := make([]byte, 8)
			size, _ := unix.Lgetxattr(name, "trusted.overlay.opaque", value)
			n.Opaque = size == 1 && value[0] == 'y'
		}
		list = append(list, layerLine(strings.TrimPrefix(name, dir), n, content))
		return err
	}))
	slices.Sort(list)
	return list
}

// modelLayer runs a script in the model.
func modelLayer(t *testing.T, script string) outcome {
	m, o := runInModel(t, script)
	o.Tree = nil
	for p := range m.sys.Mounts.Root().Upper().All() {
		content, err := io.ReadAll(p.Data.Reader())
		require.NoError(t, err)
		o.Tree = append(o.Tree, layerLine(p.Path, *p.Node, content))
	}
	slices.Sort(o.Tree)
	return o
}

// layerLine is one entry of a writable layer.
func layerLine(name string, n fs.Node, content []byte) string {
	if n.IsWhiteout() {
		return name + " whiteout"
	}
	line := fmt.Sprintf("%s %o %d:%d rdev %d -> %q", name, n.Mode, n.UID, n.GID, n.Rdev, n.Target)
	if n.IsRegular() {
		line += fmt.Sprintf(" %d bytes %x", len(content), sha256.Sum256(content))
	}
	if n.Opaque {
		line += " opaque"
	}
	return line
}
