//go:build linux

package embedded_test

import (
	"archive/tar"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// tree is the image that the tests of changes start from.
func tree(t testing.TB, e sim.Engine) {
	t.Helper()
	busybox(t)
	suid := program("d/suid", "#!/bin/sh\n")
	suid.Mode = 0o4755
	hard := entry{tar.Header{Name: "d/hard2", Linkname: "d/hard1", Typeflag: tar.TypeLink, ModTime: long}, ""}
	push(t, "tree", v1.Config{}, busyboxLayer(t),
		layerTar(dir("d"), file("d/f", "one"), file("d/g", "two"), suid, link("d/l", "f"), file("d/hard1", "h"), hard,
			dir("d/sub"), file("d/sub/a", "a"), file("d/sub/b", "b"), dir("gone"), file("gone/x", "x")),
		layerTar(file(".wh.gone", ""), dir("d/sub"), file("d/sub/.wh.a", ""), file("d/sub/c", "c")))
	_, err := e.Pull(timeout(t), "tree")
	require.NoError(t, err)
}

// after runs a script in a container of that image.
func after(t testing.TB, e sim.Engine, script string) sim.Spec {
	t.Helper()
	s := spec("sh", "-c", script)
	s.Image = "tree"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Zero(t, out.Exit, out.Stderr)
	return s
}

func TestMergedTree(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		tree(t, e)
		s := spec("sh", "-c", "ls /d /d/sub; ls -d /gone; ls -l /d/suid | cut -c1-10; stat -c '%h %y' /d/hard1")
		s.Image = "tree"
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Contains(t, out.Stdout, "/d:\nf\ng\nhard1\nhard2\nl\nsub\nsuid\n\n/d/sub:\nb\nc\n")
		require.Contains(t, out.Stderr, "/gone: No such file")
		require.Contains(t, out.Stdout, "2 2001-09-09 01:46:40.123456789")
	})
}

func TestChanges(t *testing.T) {
	cases := []struct{ script, want string }{
		{"true", ""},
		{"echo x > /new", "A /new"},
		{"echo changed > /d/f", "C /d\nC /d/f"},
		{"rm /d/f", "C /d\nD /d/f"},
		{"chmod 600 /d/f", "C /d\nC /d/f"},
		{"chmod 644 /d/f", ""},
		{"touch /d", ""},
		{"rm -r /d/sub", "C /d\nD /d/sub"},
		{"rm -r /d/sub; mkdir /d/sub", "C /d\nC /d/sub\nD /d/sub/b\nD /d/sub/c"},
		{"rm -r /d/sub; mkdir /d/sub; echo b > /d/sub/b", "C /d\nC /d/sub\nC /d/sub/b\nD /d/sub/c"},
		{"rm -r /d/sub; echo > /d/sub", "C /d\nC /d/sub"},
		{"rm /d/f; mkdir /d/f; echo > /d/f/x", "C /d\nC /d/f\nA /d/f/x"},
		{"mv /d/f /d/h", "C /d\nD /d/f\nA /d/h"},
		{"mv /d/f /d/h; mv /d/h /d/f", ""},
		{"mv /d/sub /d/moved", "C /d\nA /d/moved\nA /d/moved/b\nA /d/moved/c\nD /d/sub"},
		{"ln /d/f /d/f2", "C /d\nA /d/f2"},
		{"ln -sf g /d/l", "C /d\nC /d/l"},
		{"mkdir -p /a/b; touch /a/b/c", "A /a\nA /a/b\nA /a/b/c"},
		{"touch /x; rm /x", ""},
		{"mkfifo /p", "A /p"},
		{"echo h > /etc/hosts; echo x > /dev/shm/x", ""},
		{"chmod 700 /", ""},
	}
	each(t, func(t *testing.T, e *embedded.Engine) {
		tree(t, e)
		for _, c := range cases {
			s := after(t, e, c.script)
			changes, err := e.Changes(timeout(t), s.ID)
			require.NoError(t, err)
			require.Equal(t, c.want, letters(changes), c.script)
		}
	})
}

func letters(changes []fs.Change) string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Kind.Letter()+" "+c.Path)
	}
	return strings.Join(lines, "\n")
}

func TestLayer(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		tree(t, e)
		s := after(t, e, `rm /d/f; rm -r /d/sub; mkdir /d/sub; echo n > /d/sub/new
			echo changed > /d/hard1; ln /d/g /d/g2; ln -s target /link; mkfifo /pipe; chmod 4750 /d/suid
			mv /etc/motd "/etc/mo td"; printf '\303\244' > "/ä"`)
		layer, err := e.Layer(timeout(t), s.ID)
		require.NoError(t, err)
		var paths []string
		for p := range layer.All() {
			paths = append(paths, p.Path)
		}
		require.Equal(t, []string{"/d", "/d/f", "/d/g", "/d/g2", "/d/hard1", "/d/sub", "/d/sub/new", "/d/suid",
			"/etc", "/etc/mo td", "/etc/motd", "/link", "/pipe", "/ä"}, paths)
		require.True(t, layer.Lookup("/d/f").IsWhiteout())
		require.True(t, layer.Lookup("/d/sub").Opaque)
		require.False(t, layer.Lookup("/d").Opaque)
		require.Equal(t, layer.Lookup("/d/g"), layer.Lookup("/d/g2"))
		require.EqualValues(t, 2, layer.Lookup("/d/g").Nlink)
		require.EqualValues(t, 0o104750, layer.Lookup("/d/suid").Mode)
		require.EqualValues(t, fs.S_IFIFO|0o644, layer.Lookup("/pipe").Mode)
		require.Equal(t, "target", layer.Lookup("/link").Target)
		require.Equal(t, long.UnixNano(), layer.Lookup("/etc/mo td").Mtime)
		require.Empty(t, layer.Lookup("/d/sub").Xattrs)
		content, err := layer.Lookup("/d/hard1").Data.Bytes()
		require.NoError(t, err)
		require.Equal(t, "changed\n", string(content))
	})
}

// A layer that is read again has the contents of its files that did not change
// from before; a change shows even where size and time are as they were.
func TestLayerAgain(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := interactive(t, e)
		line(t, e, s.ID, "yes big | head -c 100000 > /big; ln /big /bigger; echo aa > /small; touch -d '2020-01-01 00:00:00' /small")
		first := layerOf(t, e, s.ID)
		line(t, e, s.ID, "echo bb > /small; touch -d '2020-01-01 00:00:00' /small; mv /bigger /moved; echo new > /new")
		second := layerOf(t, e, s.ID)
		require.Equal(t, first.Lookup("/small").Mtime, second.Lookup("/small").Mtime)
		require.Equal(t, "bb\n", text(t, second, "/small"))
		require.Equal(t, "new\n", text(t, second, "/new"))
		require.Equal(t, text(t, first, "/big"), text(t, second, "/big"))
		third := layerOf(t, e, s.ID)
		line(t, e, s.ID, "rm /small; echo more >> /new")
		fourth := layerOf(t, e, s.ID)
		require.Same(t, second, third, "nothing changed")
		require.True(t, fourth.Lookup("/moved").Data.Shares(third.Lookup("/big").Data), "nor did this file")
		require.Equal(t, text(t, first, "/bigger"), text(t, fourth, "/moved"))
		require.Equal(t, "new\nmore\n", text(t, fourth, "/new"))
	})
}

// layerOf reads a layer when its last change lies back far enough to tell the
// next one from it.
func layerOf(t *testing.T, e *embedded.Engine, container string) *fs.Tree {
	time.Sleep(50 * time.Millisecond)
	layer, err := e.Layer(timeout(t), container)
	require.NoError(t, err)
	return layer
}

func text(t *testing.T, layer *fs.Tree, name string) string {
	content, err := layer.Lookup(name).Data.Bytes()
	require.NoError(t, err)
	return string(content)
}

// Owners that the user namespace does not have are kept beside the file.
func TestForeignOwners(t *testing.T) {
	owned := file("owned", "x")
	owned.Uid, owned.Gid = 4711, 4712
	device := entry{tar.Header{Name: "mem", Typeflag: tar.TypeChar, Mode: 0o640, Devmajor: 1, Devminor: 1, ModTime: long}, ""}
	each(t, func(t *testing.T, e *embedded.Engine) {
		push(t, "owners", v1.Config{}, busyboxLayer(t), layerTar(owned, device))
		_, err := e.Pull(timeout(t), "owners")
		require.NoError(t, err)
		s := spec("sh", "-c", "chmod 600 /owned /mem; ls -ln /owned")
		s.Image = "owners"
		out, err := run(t, e, s)
		require.NoError(t, err)
		info, _ := e.Info(timeout(t))
		require.Equal(t, info.IDs != 1, strings.Contains(out.Stdout, "4711"), out.Stdout)
		layer, err := e.Layer(timeout(t), s.ID)
		require.NoError(t, err)
		require.EqualValues(t, 4711, layer.Lookup("/owned").UID)
		require.EqualValues(t, 4712, layer.Lookup("/owned").GID)
		require.EqualValues(t, fs.S_IFCHR|0o600, layer.Lookup("/mem").Mode)
		require.Equal(t, fs.Mkdev(1, 1), layer.Lookup("/mem").Rdev)
		require.Empty(t, layer.Lookup("/owned").Xattrs)
	})
}
