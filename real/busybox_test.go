//go:build linux

package real_test

import (
	"archive/tar"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/sim/session"
)

// realBusybox is the image of Debian's busybox, as nobody's model knows it.
const realBusybox = "real/busybox"

// debianBusybox imports realBusybox in both worlds.
func debianBusybox(t testing.TB, s *session.Session) {
	t.Helper()
	program, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Lacking(t, "Debian's busybox-static is missing")
	}
	applets, err := command(nil, program, "--list")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "root.tar")
	writeTar(t, name, program, strings.Fields(applets))
	r, err := s.Run(context.Background(), "docker import -c 'ENV PATH=/bin' -c 'CMD [\"sh\"]' "+name+" "+realBusybox, os.Getenv)
	require.NoError(t, err)
	require.Zero(t, r.Real.Exit, r.Real.Stderr)
}

// writeTar writes busybox's root file system.
func writeTar(t testing.TB, name, program string, applets []string) {
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	f, err := os.Create(name)
	require.NoError(t, err)
	w := tar.NewWriter(f)
	put := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	for _, dir := range []string{"bin/", "etc/", "root/"} {
		put(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, nil)
	}
	put(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	put(tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"))
	put(tar.Header{Name: "etc/group", Mode: 0o644}, []byte("root:x:0:\nnogroup:x:65534:\n"))
	put(tar.Header{Name: "bin/busybox", Mode: 0o755}, content)
	for _, applet := range applets {
		if applet != "busybox" {
			put(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox"}, nil)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
}
