package dockerfile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim/dockerfile"
)

// tree makes a tree of words: "dir/", "file=content", "link->target",
// "file@1000" (owner) or "file:0600" (mode).
func tree(t *testing.T, words string) *fs.Tree {
	t.Helper()
	b := fs.NewBuilder()
	for w := range strings.FieldsSeq(words) {
		n := fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("x"))}
		name := w
		switch {
		case strings.HasSuffix(w, "/"):
			n = fs.Node{Mode: fs.S_IFDIR | 0o700}
		case strings.Contains(w, "->"):
			n = fs.Node{Mode: fs.S_IFLNK | 0o777}
			name, n.Target, _ = strings.Cut(w, "->")
		case strings.Contains(w, "="):
			var text string
			name, text, _ = strings.Cut(w, "=")
			n.Data = fs.DataOf([]byte(strings.ReplaceAll(text, "_", "\n")))
		case strings.Contains(w, "@"):
			name, _, _ = strings.Cut(w, "@")
			n.UID, n.GID = 1000, 1000
		}
		require.NoError(t, b.Put(name, n))
	}
	return b.Tree()
}

// list is a tree in the words of [tree], with owners and modes where they are
// not usual.
func list(t *fs.Tree) string {
	var out []string
	for f := range t.All() {
		w := strings.TrimPrefix(f.Path, "/")
		switch {
		case f.IsDir():
			w += "/"
		case f.Type() == fs.S_IFLNK:
			w += "->" + f.Target
		}
		if f.UID != 0 {
			w += fmt.Sprintf("@%d", f.UID)
		}
		if perm := f.Mode & 0o7777; perm != 0o755 && perm != 0o644 && f.Type() != fs.S_IFLNK {
			w += fmt.Sprintf(":%o", perm)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

const sources = "a.txt b.txt sub/ sub/c.txt sub/deep/d.txt in->a.txt out->/etc/passwd up->../x exe@1000"

func TestCopy(t *testing.T) {
	const image = "dir/ file etc/passwd=app:x:1000:1000::/:/bin/sh_ etc/group=app:x:1000:_ link->dir abs->/dir"
	mode := uint32(0o600)
	for _, c := range []struct {
		name string
		copy dockerfile.Copy
		want string // what is put, or the error
	}{
		{"a file to a new name", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/new"}, "new"},
		{"a file into a directory", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/dir"}, "dir/:700 dir/a.txt"},
		{"a slash makes a directory", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/new/"}, "new/ new/a.txt"},
		{"parents are made", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/n/m/f"}, "n/ n/m/ n/m/f"},
		{"what is in a directory", dockerfile.Copy{Sources: []string{"sub"}, Dest: "/new"}, "new/ new/c.txt new/deep/ new/deep/d.txt"},
		{"an existing directory keeps its mode", dockerfile.Copy{Sources: []string{"sub/"}, Dest: "/dir"}, "dir/:700 dir/c.txt dir/deep/ dir/deep/d.txt"},
		{"a pattern", dockerfile.Copy{Sources: []string{"*.txt"}, Dest: "/new/"}, "new/ new/a.txt new/b.txt"},
		{"a pattern deeper", dockerfile.Copy{Sources: []string{"*/c.t?t"}, Dest: "/"}, "c.txt"},
		{"several need a slash", dockerfile.Copy{Sources: []string{"*.txt"}, Dest: "/dir"}, "When using COPY with more than one source file, the destination must be a directory and end with a /"},
		{"through the image's symlink", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/link/"}, "dir/:700 dir/a.txt"},
		{"through an absolute one", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/abs/y"}, "dir/:700 dir/y"},
		{"over a file", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/file"}, "file"},
		{"a directory over a file", dockerfile.Copy{Sources: []string{"sub"}, Dest: "/file"}, "failed to copy files: failed to copy directory: mkdir /file: not a directory"},
		{"below a file", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/file/"}, "failed to copy files: mkdir /file: not a directory"},
		{"a symlink is followed", dockerfile.Copy{Sources: []string{"in"}, Dest: "/x/"}, "x/ x/in"},
		{"one that leads out is not", dockerfile.Copy{Sources: []string{"out"}, Dest: "/x"}, "COPY failed: forbidden path outside the build context: out is a symlink to /etc/passwd"},
		{"nor a relative one", dockerfile.Copy{Sources: []string{"up"}, Dest: "/x"}, "COPY failed: forbidden path outside the build context: up is a symlink to ../x"},
		{"a path that leads out", dockerfile.Copy{Sources: []string{"../x"}, Dest: "/x"}, "COPY failed: forbidden path outside the build context: ../x ()"},
		{"missing", dockerfile.Copy{Sources: []string{"none"}, Dest: "/x"}, "COPY failed: file not found in build context or excluded by .dockerignore: stat none: file does not exist"},
		{"no match", dockerfile.Copy{Sources: []string{"no*"}, Dest: "/x"}, "COPY failed: no source files were specified"},
		{"owner", dockerfile.Copy{Sources: []string{"sub"}, Dest: "/n/m", Owner: &dockerfile.Owner{UID: 7, GID: 7}}, "n/ n/m/@7 n/m/c.txt@7 n/m/deep/@7 n/m/deep/d.txt@7"},
		{"owner of a file's parents", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/n/m", Owner: &dockerfile.Owner{UID: 7, GID: 7}}, "n/@7 n/m@7"},
		{"mode", dockerfile.Copy{Sources: []string{"a.txt"}, Dest: "/new", Mode: &mode}, "new:600"},
		{"exclude", dockerfile.Copy{Sources: []string{"sub"}, Dest: "/new", Exclude: []string{"**/d.txt"}}, "new/ new/c.txt new/deep/"},
		{"exclude from a pattern", dockerfile.Copy{Sources: []string{"*.txt"}, Dest: "/new/", Exclude: []string{"b.*"}}, "new/ new/a.txt"},
		{"parents", dockerfile.Copy{Sources: []string{"sub/deep/d.txt"}, Dest: "/new/", Parents: true}, "new/ new/sub/ new/sub/deep/ new/sub/deep/d.txt"},
		{"the whole context", dockerfile.Copy{Sources: []string{"."}, Dest: "/new"}, "new/ new/a.txt new/b.txt new/exe@1000 new/in->a.txt new/out->/etc/passwd new/sub/:700 new/sub/c.txt new/sub/deep/ new/sub/deep/d.txt new/up->../x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.copy.Name, c.copy.Context = "COPY", true
			files, content, err := c.copy.Plan(tree(t, sources), tree(t, image))
			if err != nil {
				require.Equal(t, c.want, err.Error())
				return
			}
			require.Equal(t, c.want, list(files))
			require.Regexp(t, `^(file|dir|multi):[0-9a-f]{64}$`, content)
		})
	}
}

// TestContent: the name of what is copied depends on the content alone.
func TestContent(t *testing.T) {
	content := func(from, source string) string {
		_, name, err := dockerfile.Copy{Name: "COPY", Sources: []string{source}, Dest: "/x/", Context: true}.Plan(tree(t, from), tree(t, ""))
		require.NoError(t, err)
		return name
	}
	require.Equal(t, content("a=1 b=2", "a"), content("a=1 b=3", "a"))
	require.NotEqual(t, content("a=1", "a"), content("a=2", "a"))
	require.NotEqual(t, content("d/a=1", "d"), content("d/b=1", "d"))
	require.NotEqual(t, content("a=1", "a"), content("a@1", "a"))
}

func TestChown(t *testing.T) {
	root := tree(t, "etc/passwd=app:x:10:20::/:/bin/sh_ etc/group=app:x:20:_staff:x:50:_")
	for _, c := range []struct {
		text string
		want *dockerfile.Owner
		err  string
	}{
		{"", nil, ""},
		{"app", &dockerfile.Owner{UID: 10, GID: 20}, ""},
		{"app:staff", &dockerfile.Owner{UID: 10, GID: 50}, ""},
		{"5", &dockerfile.Owner{UID: 5, GID: 5}, ""},
		{"5:app", &dockerfile.Owner{UID: 5, GID: 20}, ""},
		{"nobody:xx", nil, "unable to convert uid/gid chown string to host mapping: can't find uid for user nobody: no such user: nobody"},
	} {
		owner, err := dockerfile.Chown(c.text, root)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, owner, c.text)
	}
}

func TestContext(t *testing.T) {
	for _, c := range []struct{ name, host, want string }{
		{"all, and root's", "ctx/a@1 ctx/d/b", "a d/ d/b"},
		{"ignored", "ctx/a ctx/b.log ctx/d/c.log ctx/.dockerignore=*.log_d_", ".dockerignore a"},
		{"but not", "ctx/a.log ctx/keep.log ctx/.dockerignore=#_*.log_!keep.log_.dockerignore", "keep.log"},
		{"below an ignored directory", "ctx/d/a ctx/d/b ctx/.dockerignore=d_!d/b_", ".dockerignore d/ d/b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := dockerfile.Context(t.Context(), tree(t, c.host))
			require.NoError(t, err)
			require.Equal(t, c.want, list(got))
		})
	}
	_, err := dockerfile.Context(t.Context(), tree(t, "ctx/.dockerignore=[_"))
	require.ErrorContains(t, err, ".dockerignore")
	_, err = dockerfile.Context(t.Context(), tree(t, "ctx/a ctx/.dockerignore=[z-a]_"))
	require.ErrorContains(t, err, "syntax error in pattern", "no file is left out, or taken, by mistake")
	_, err = dockerfile.Context(t.Context(), tree(t, "ctx/a ctx/.dockerignore="+strings.Repeat("secret_", 40_000)))
	require.ErrorContains(t, err, "it has more than the 262144 bytes that are taken here")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dockerfile.Context(ctx, tree(t, "ctx/a ctx/.dockerignore=*_"))
	require.ErrorIs(t, err, context.Canceled)
}

// TestContextExplodes: expressions that would take hours over a directory end
// with the time that they are given.
func TestContextExplodes(t *testing.T) {
	words := strings.Builder{}
	words.WriteString("ctx/.dockerignore=" + strings.Repeat(strings.Repeat("**/*a*b?", 400)+"c_", 80))
	for i := range 5000 {
		fmt.Fprintf(&words, " ctx/%s/%d", strings.Repeat("ab/", 60), i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := dockerfile.Context(ctx, tree(t, words.String()))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDirectories(t *testing.T) {
	root := tree(t, "d/ f l->d")
	for name, want := range map[string]string{"/d": "", "/l": "", "/a/b": "a/ a/b/", "/l/x": "d/:700 d/x/", "/f": "Cannot mkdir: /f is not a directory", "/f/x": "Cannot mkdir: mkdir /f: not a directory"} {
		got, err := dockerfile.Directories(name, root, 0)
		switch {
		case err != nil:
			require.EqualError(t, err, want)
		case got == nil:
			require.Empty(t, want, name)
		default:
			require.Equal(t, want, list(got), name)
		}
	}
}
