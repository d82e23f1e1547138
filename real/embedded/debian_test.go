//go:build linux

package embedded_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// debian is the tar of a Debian root file system.
func debian(t testing.TB) []byte {
	t.Helper()
	name := testenv.Debian(t)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
}

// packageFile is the package hello as Debian has it.
func packageFile(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	get := exec.Command("apt-get", "-q", "-o", "APT::Sandbox::User=", "download", "hello")
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		testenv.Lacking(t, "Debian's package hello is missing (apt-get download hello: %s)", out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "hello_*.deb"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	b, err := os.ReadFile(found[0])
	require.NoError(t, err)
	return b
}

// ownedPackage is a package with a file that belongs to another group than
// root's, as some of Debian's have one (deb(5)).
func ownedPackage() []byte {
	about := file("control", "Package: owned\nVersion: 1\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: a test\n")
	owned := file("./etc/owned", "x\n")
	owned.Gid = 8
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, part := range []struct {
		name string
		body []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar", plainTar(about)}, {"data.tar", plainTar(dir("./etc"), owned)}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", part.name, 0, 0, 0, 0o100644, len(part.body), part.body)
	}
	return b.Bytes()
}

// plainTar is a tar without PAX headers, which dpkg does not read.
func plainTar(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.Format, e.ModTime = tar.FormatUSTAR, e.ModTime.Truncate(time.Second)
		w.WriteHeader(&e.Header)
		w.Write([]byte(e.body))
	}
	w.Close()
	return b.Bytes()
}

// A whole Debian is imported, run, and handed to the model as what it is; its
// own dpkg installs Debian's own packages in it.
func TestDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	root, hello := debian(t), packageFile(t)
	each(t, func(t *testing.T, e *embedded.Engine) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		img, err := e.Import(ctx, sim.Import{Root: bytes.NewReader(root), Ref: "debian"})
		require.NoError(t, err)
		t.Run("image", func(t *testing.T) { debianImage(t, e, img) })
		t.Run("dpkg", func(t *testing.T) { debianInstalls(t, e, hello) })
		t.Run("owners", func(t *testing.T) { debianOwners(t, e) })
	})
}

func debianImage(t *testing.T, e *embedded.Engine, img sim.Image) {
	s := spec("sh", "-c", "dpkg --get-selections | grep -c install; . /etc/os-release; echo $ID")
	s.Image = "debian"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Regexp(t, `^\d\d+\ndebian\n$`, out.Stdout)
	trees, err := e.Layers(timeout(t), "debian")
	require.NoError(t, err)
	require.EqualValues(t, img.Sizes[0], trees[0].Bytes())
	require.EqualValues(t, 0o4755, trees[0].Lookup("/usr/bin/su").Mode&0o7777)
	content, err := trees[0].Lookup("/etc/shadow").Data.Bytes()
	require.NoError(t, err)
	require.Contains(t, string(content), "root:")
}

// withPackage runs a script in a Debian that has a package at /p.deb. It
// returns the container's layer too.
func withPackage(t *testing.T, e *embedded.Engine, deb []byte, script string) (sim.Output, *fs.Tree) {
	t.Helper()
	s := spec("sh", "-c", script)
	s.Image = "debian"
	_, err := e.Create(timeout(t), s)
	require.NoError(t, err)
	tree := fs.NewBuilder()
	require.NoError(t, tree.Put("/p.deb", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf(deb)}))
	require.NoError(t, e.CopyIn(timeout(t), s.ID, "/", tree.Tree()))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // dpkg syncs every file
	defer cancel()
	out, err := e.Start(ctx, s.ID, false)
	require.NoError(t, err)
	layer, err := e.Layer(timeout(t), s.ID)
	require.NoError(t, err)
	return out, layer
}

// With one id alone apt cannot become the user _apt, and must be told so.
func debianInstalls(t *testing.T, e *embedded.Engine, deb []byte) {
	install := "dpkg -i /p.deb"
	if info, err := e.Info(timeout(t)); err != nil || info.IDs == 1 {
		install = "rm -r /var/lib/apt/lists; apt-get -y -o APT::Sandbox::User=root install /p.deb"
	}
	out, layer := withPackage(t, e, deb, install+" && hello && dpkg -l hello | tail -n 1")
	require.Equal(t, 0, out.Exit, out.Stdout+out.Stderr)
	require.Contains(t, out.Stdout, "\nHello, world!\n")
	require.Regexp(t, `\nii  hello +[\d.-]+ +`+"(amd64|arm64)", out.Stdout)
	for _, name := range []string{"/usr/bin/hello", "/var/lib/dpkg/info/hello.list", "/var/lib/dpkg/status"} {
		require.NotNil(t, layer.Lookup(name), name)
	}
	require.EqualValues(t, fs.S_IFREG|0o755, layer.Lookup("/usr/bin/hello").Mode)
	require.Contains(t, content(t, layer, "/var/lib/dpkg/status"), "\nPackage: hello\nStatus: install ok installed\n")
}

// A file of another group is what it should be, or, where the containers know
// one id alone, dpkg says what failed, and installs nothing.
func debianOwners(t *testing.T, e *embedded.Engine) {
	info, err := e.Info(timeout(t))
	require.NoError(t, err)
	out, layer := withPackage(t, e, ownedPackage(), "dpkg -i /p.deb")
	if info.IDs == 1 {
		require.Equal(t, 1, out.Exit)
		require.Contains(t, out.Stderr, "error setting ownership of './etc/owned': Invalid argument")
		require.Nil(t, layer.Lookup("/etc/owned"))
		return
	}
	require.Equal(t, 0, out.Exit, out.Stderr)
	require.EqualValues(t, 8, layer.Lookup("/etc/owned").GID)
}
