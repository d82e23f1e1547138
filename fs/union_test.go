package fs

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// machine is a union on one layer with /etc/motd and /etc/passwd, and a
// process on it.
func machine(t *testing.T) (*Union, *Sys, *[]Event) {
	t.Helper()
	b := NewBuilder()
	for name, n := range map[string]Node{
		"/etc/motd":   {Mode: S_IFREG | 0o644, Data: DataOf([]byte("hello\n")), Mtime: 1e18},
		"/etc/passwd": {Mode: S_IFREG | 0o644, Data: DataOf([]byte("root\n")), Mtime: 1e18},
		"/d/sub/f":    {Mode: S_IFREG | 0o644, Data: DataOf([]byte("f")), Mtime: 1e18},
		"/link":       {Mode: S_IFLNK | 0o777, Target: "etc/motd", Mtime: 1e18},
	} {
		require.NoError(t, b.Put(name, n))
	}
	layer := b.Tree()
	u := NewUnion([]Layer{{Name: Phrase{Key: "layer one"}, Tree: layer}}, Merge(layer), NewUpper(layer, 0))
	events := &[]Event{}
	now := time.Unix(1700000000, 0)
	s := &Sys{Mounts: NewMounts(Mount{Target: "/", FS: u}), Umask: 0o22,
		Clock: func() time.Time { now = now.Add(time.Millisecond); return now },
		Log:   func(e Event) { *events = append(*events, e) }}
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

func listing(changes []Change) (out []string) {
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
	require.Equal(t, EXDEV, s.Rename("/d", "/e"))
	require.Equal(t, ENOTEMPTY, s.Rmdir("/d"))
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
	back, err := Apply(a, Diff(a, b))
	require.NoError(t, err)
	want, _ := b.Digest()
	got, _ := back.Digest()
	require.Equal(t, want, got)
	require.Empty(t, Diff(back, b))
	require.NotEqual(t, want, must(a.Digest()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBuilderLinkOverItsTargetsDirectory(t *testing.T) {
	b := NewBuilder()
	require.NoError(t, b.Put("/a/b", Node{Mode: S_IFREG | 0o644}))
	require.Equal(t, EINVAL, b.Link("/a", "/a/b"))
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
	require.Equal(t, ELOOP, err)
}

// TestDialects: the same changes, as each kind of engine makes a layer of them.
// Docker 28 with containerd's image store wrote the last one so.
func TestDialects(t *testing.T) {
	u, s, _ := machine(t)
	fs := s.FS()
	require.NoError(t, fs.Chmod("/etc/motd", 0o644)) // as it was
	require.NoError(t, fs.(aferoFS).Link("/d/sub/f", "/new"))
	require.NoError(t, fs.RemoveAll("/etc"))
	require.NoError(t, fs.Mkdir("/etc", 0o755))
	paths := func(d Dialect) (out []string) {
		for p := range must(u.Layer(d)).All() {
			out = append(out, p.Path)
		}
		return out
	}
	require.Equal(t, []string{"/d", "/d/sub", "/d/sub/f", "/etc", "/new"}, paths(DockerNative))
	require.True(t, must(u.Layer(DockerNative)).Lookup("/etc").Opaque)
	require.Equal(t, []string{"/etc", "/etc/motd", "/etc/passwd", "/new"}, paths(BuildKit))
	layer := must(u.Layer(Containerd))
	require.Equal(t, []string{"/d", "/d/sub", "/d/sub/f", "/etc", "/etc/motd", "/etc/passwd", "/new"}, paths(Containerd))
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
	require.Panics(t, func() { u2.Upper().put(rootIno, nil) }, "what was handed out is never edited")
}
