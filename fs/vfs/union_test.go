package vfs

import (
	"io"
	"os"
	"testing"
	"time"

	"twinlayer/fs"

	"github.com/stretchr/testify/require"
)

// machine is a union on one layer with /etc/motd and /etc/passwd, and a
// process on it.
func machine(t *testing.T) (*Union, *Sys, *[]fs.Event) {
	t.Helper()
	b := fs.NewBuilder()
	for name, n := range map[string]fs.Node{
		"/etc/motd":   {Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("hello\n")), Mtime: 1e18},
		"/etc/passwd": {Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("root\n")), Mtime: 1e18},
		"/d/sub/f":    {Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("f")), Mtime: 1e18},
		"/link":       {Mode: fs.S_IFLNK | 0o777, Target: "etc/motd", Mtime: 1e18},
	} {
		require.NoError(t, b.Put(name, n))
	}
	layer := b.Tree()
	u := NewUnion([]Layer{{Name: fs.Phrase{Key: "layer one"}, Tree: layer}}, fs.Merge(layer), NewUpper(layer, 0))
	events := &[]fs.Event{}
	now := time.Unix(1700000000, 0)
	s := &Sys{Mounts: NewMounts(Mount{Target: "/", FS: u}), Umask: 0o22,
		Clock: func() time.Time { now = now.Add(time.Millisecond); return now },
		Log:   func(e fs.Event) { *events = append(*events, e) }}
	return u, s, events
}

func read(t *testing.T, s *Sys, name string) string {
	t.Helper()
	f, err := s.FS().Open(name)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func write(t *testing.T, s *Sys, name, text string, flag int) {
	t.Helper()
	f, err := s.FS().OpenFile(name, flag|os.O_WRONLY|os.O_CREATE, 0o666)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func listing(changes []fs.Change) (out []string) {
	for _, c := range changes {
		out = append(out, c.Kind.Letter()+" "+c.Path)
	}
	return out
}

func TestUnionCopyUpAndWhiteout(t *testing.T) {
	u, s, events := machine(t)
	before := u.Snapshot()
	write(t, s, "/link", "more\n", os.O_APPEND)
	require.Equal(t, "hello\nmore\n", read(t, s, "/etc/motd"))
	require.NoError(t, s.Unlink("/etc/passwd"))
	write(t, s, "/tmp1", "x", 0)
	require.Equal(t, []string{"C /etc", "C /etc/motd", "D /etc/passwd", "A /tmp1"}, listing(u.Changes()))
	require.Equal(t, "copy-up", (*events)[0].Op)
	require.Empty(t, before.Changes(), "a snapshot never changes")
	require.True(t, u.Upper().Lookup("/etc/passwd").IsWhiteout())
}

func TestRenameOfLowerDirectoryIsEXDEV(t *testing.T) {
	_, s, _ := machine(t)
	require.Equal(t, fs.EXDEV, s.Rename("/d", "/e"))
	require.Equal(t, fs.ENOTEMPTY, s.Rmdir("/d"))
	require.NoError(t, s.FS().RemoveAll("/d"))
	require.NoError(t, s.Mkdir("/d", 0o755))
	require.True(t, s.Mounts.Root().Upper().Lookup("/d").Opaque)
	require.Equal(t, []string{"C /d", "D /d/sub"}, listing(s.Mounts.Root().Changes()))
}

func TestDiffApply(t *testing.T) {
	u, s, _ := machine(t)
	a := u.Upper()
	write(t, s, "/etc/motd", "x", os.O_TRUNC)
	require.NoError(t, s.Link("/etc/motd", "/motd2"))
	require.NoError(t, s.Unlink("/etc/passwd"))
	b := u.Upper()
	back, err := fs.Apply(a, fs.Diff(a, b))
	require.NoError(t, err)
	want, _ := b.Digest()
	got, _ := back.Digest()
	require.Equal(t, want, got)
	require.Empty(t, fs.Diff(back, b))
	require.NotEqual(t, want, must(a.Digest()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBuilderLinkOverItsTargetsDirectory(t *testing.T) {
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/a/b", fs.Node{Mode: fs.S_IFREG | 0o644}))
	require.Equal(t, fs.EINVAL, b.Link("/a", "/a/b"))
	require.NotNil(t, b.Lookup("/a/b"))
	require.NoError(t, b.Link("/a/c", "/a/b"))
	require.EqualValues(t, 2, b.Lookup("/a/b").Nlink)
}

// TestCreateThroughSymlinks was found by the fuzzing: seed 3877.
func TestCreateThroughSymlinks(t *testing.T) {
	_, s, _ := machine(t)
	require.NoError(t, s.Symlink("second", "/first"))
	require.NoError(t, s.Symlink("d/third", "/second"))
	write(t, s, "/first", "x", 0)
	require.Equal(t, "x", read(t, s, "/d/third"))
	require.NoError(t, s.Symlink("b", "/a"))
	require.NoError(t, s.Symlink("a", "/b"))
	_, err := s.OpenFile("/a", os.O_CREATE|os.O_WRONLY, 0o644)
	require.Equal(t, fs.ELOOP, err)
}

// TestDialects: the same changes, as each kind of engine makes a layer of them.
// Docker 28 with containerd's image store wrote the last one so.
func TestDialects(t *testing.T) {
	u, s, _ := machine(t)
	files := s.FS()
	require.NoError(t, files.Chmod("/etc/motd", 0o644)) // as it was
	require.NoError(t, files.(aferoFS).Link("/d/sub/f", "/new"))
	require.NoError(t, files.RemoveAll("/etc"))
	require.NoError(t, files.Mkdir("/etc", 0o755))
	paths := func(d fs.Dialect) (out []string) {
		for p := range must(u.Layer(d)).All() {
			out = append(out, p.Path)
		}
		return out
	}
	require.Equal(t, []string{"/d", "/d/sub", "/d/sub/f", "/etc", "/new"}, paths(fs.DockerNative))
	require.True(t, must(u.Layer(fs.DockerNative)).Lookup("/etc").Opaque)
	require.Equal(t, []string{"/etc", "/etc/motd", "/etc/passwd", "/new"}, paths(fs.BuildKit))
	layer := must(u.Layer(fs.Containerd))
	require.Equal(t, []string{"/d", "/d/sub", "/d/sub/f", "/etc", "/etc/motd", "/etc/passwd", "/new"}, paths(fs.Containerd))
	require.Same(t, layer.Lookup("/new"), layer.Lookup("/d/sub/f"))
	require.True(t, layer.Lookup("/etc/motd").IsWhiteout())
	require.False(t, layer.Lookup("/etc").Opaque)
}

// TestSnapshots: a snapshot is the same one until something changes, and what
// a fork does is its own.
func TestSnapshots(t *testing.T) {
	u, s, _ := machine(t)
	u2, mounts := u.Snapshot(), s.Mounts.Snapshot()
	require.Equal(t, "hello\n", read(t, s, "/etc/motd"))
	require.Same(t, u2, u.Snapshot())
	require.Same(t, u2, u2.Snapshot(), "a snapshot is its own")
	require.Same(t, mounts, s.Mounts.Snapshot())
	require.Same(t, mounts, mounts.Snapshot())
	fork := &Sys{Mounts: mounts.Fork(), Clock: s.Clock}
	require.Equal(t, "hello\n", read(t, fork, "/etc/motd"))
	require.Same(t, mounts, fork.Mounts.Snapshot(), "nothing has changed there either")
	write(t, fork, "/fork", "x", 0)
	require.NotSame(t, mounts, fork.Mounts.Snapshot())
	require.Same(t, mounts, s.Mounts.Snapshot())
	require.Empty(t, u2.Changes())
	write(t, s, "/own", "x", 0)
	after := u.Snapshot()
	require.NotSame(t, u2, after)
	require.Same(t, after.Upper(), u.Upper())
	require.Equal(t, []string{"A /own"}, listing(after.Changes()))
	require.Equal(t, []string{"A /fork"}, listing(fork.Mounts.Root().Changes()))
	require.True(t, u.ReadOnly(true).Snapshot().readOnly())
	require.False(t, u.Snapshot().readOnly())
	require.Panics(t, func() { u2.Upper().Put(fs.RootIno, nil) }, "what was handed out is never edited")
}
