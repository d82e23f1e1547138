package bundle

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
)

// TestMain lets the test's own executable be a program in a container.
func TestMain(m *testing.M) {
	if os.Getenv("BUNDLE_SAY") != "" {
		os.Stdout.WriteString(os.Getenv("BUNDLE_SAY"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestBusyboxRuns runs this test's executable in a root of nothing but the
// busybox layer, through an applet's symlink. Where there is a C compiler it
// needs the shared libraries that came along.
func TestBusyboxRuns(t *testing.T) {
	root := t.TempDir()
	b := New(platform.Host(), File("/proc/self/exe"), []string{"sh"})
	unpack(t, root, tar.NewReader(content(t, resolve(t, b, "busybox").Layers[0])))
	c := exec.Command("/bin/sh")
	c.Env = []string{"BUNDLE_SAY=hello from inside"}
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	}
	out, err := c.Output()
	if os.Geteuid() != 0 && c.ProcessState == nil {
		t.Skipf("not root, and no user namespace: %v", err)
	}
	require.NoError(t, err)
	require.Equal(t, "hello from inside", string(out))
}

func unpack(t *testing.T, root string, r *tar.Reader) {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		name := filepath.Join(root, h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			require.NoError(t, os.Mkdir(name, 0o755))
		case tar.TypeSymlink:
			require.NoError(t, os.Symlink(h.Linkname, name))
		default:
			body, err := io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, body, os.FileMode(h.Mode)))
		}
	}
}

func TestLibrariesComeAlong(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc to build a dynamic program with")
	}
	dir := t.TempDir()
	source, exe := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	require.NoError(t, os.WriteFile(source, []byte("int main(void) { return 0; }\n"), 0o644))
	require.NoError(t, exec.Command("gcc", "-o", exe, source).Run())
	e, err := File(exe)()
	require.NoError(t, err)
	var names []string
	for name := range e.Libraries {
		names = append(names, filepath.Base(name))
	}
	require.Contains(t, strings.Join(names, " "), "libc.so")
	require.Contains(t, strings.Join(names, " "), "ld-")
}
