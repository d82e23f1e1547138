package fs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
)

// TestWriters takes in the layers that other tools write, and gives them out
// again: the digest stays the same, and GNU tar reads them.
func TestWriters(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: the tools need to make devices and change owners")
	}
	for _, writer := range []string{"podman", "buildah", "umoci", "docker"} {
		t.Run(writer, func(t *testing.T) {
			for _, tool := range []string{writer, "/bin/busybox"} {
				if _, err := exec.LookPath(tool); err != nil {
					testenv.Lacking(t, "no %s here", tool)
				}
			}
			if writer == "docker" && exec.Command("docker", "version").Run() != nil {
				testenv.Lacking(t, "no Docker Engine answers; start one, or say where it is in DOCKER_HOST")
			}
			layers := writtenBy(t, writer)
			require.Len(t, layers, 2, "the base and the change")
			for _, l := range layers {
				requireRoundTrip(t, l)
				requireReadByTar(t, l)
			}
			requireChange(t, Merge(layers...))
		})
	}
}

// writtenBy has a tool make an image of two layers, and reads them.
func writtenBy(t *testing.T, writer string) []*Tree {
	dir := t.TempDir()
	scripts, err := filepath.Abs("testdata/writers")
	require.NoError(t, err)
	script := fmt.Sprintf("set -e\nchange() { . %[1]s/change.sh; }\n. %[1]s/base.sh\n. %[1]s/%[2]s.sh\n", scripts, writer)
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "CHANGE="+scripts+"/change.sh", "NAME="+fmt.Sprintf("twinlayer-%d", os.Getpid()))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return layersIn(t, filepath.Join(dir, "out"))
}

// layersIn are the layers below a directory, the base first: every file that
// is a tar with more than one entry.
func layersIn(t *testing.T, dir string) (layers []*Tree) {
	require.NoError(t, filepath.WalkDir(dir, func(name string, e iofs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		tree, _, err := ReadLayer(f, spoolFile(t), DefaultLimits)
		if err != nil || tree.Lookup("/bin") == nil {
			return nil // manifests and configs
		}
		if tree.Lookup("/deep") == nil {
			layers = append([]*Tree{tree}, layers...)
		} else {
			layers = append(layers, tree)
		}
		return nil
	}))
	return layers
}

// requireChange holds the layers put together against what change.sh does.
func requireChange(t *testing.T, merged *Tree) {
	for _, gone := range []string{"/etc/a", "/etc/dir/b"} {
		require.Nil(t, merged.Lookup(gone), gone)
	}
	for _, there := range []string{"/etc/dir/new", "/etc/zürich", "/etc/a name", "/deep/deep/deep"} {
		require.NotNil(t, merged.Lookup(there), there)
	}
	require.Equal(t, "../etc/hard", merged.Lookup("/tmp/link").Target)
	require.Equal(t, uint32(S_IFIFO), merged.Lookup("/etc/fifo").Type())
	require.Equal(t, Mkdev(1, 3), merged.Lookup("/tmp/null").Rdev)
	require.Equal(t, uint32(0o4755), merged.Lookup("/bin/busybox").Mode&0o7777)
	keep := merged.Lookup("/etc/keep")
	require.Equal(t, []uint32{12, 34}, []uint32{keep.UID, keep.GID})
	require.Equal(t, "keep\n", string(must(keep.Data.Bytes())))
}

// requireReadByTar has GNU tar unpack what we write, and packs that again.
func requireReadByTar(t *testing.T, tree *Tree) {
	dir := t.TempDir()
	var b bytes.Buffer
	require.NoError(t, tree.WriteTar(&b))
	unpack := exec.Command("tar", "-C", dir, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", "-")
	unpack.Stdin = &b
	out, err := unpack.CombinedOutput()
	require.NoError(t, err, string(out))
	packed, err := exec.Command("tar", "-C", dir, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-cf", "-", ".").Output()
	require.NoError(t, err)
	back, _, err := ReadLayer(bytes.NewReader(packed), nil, DefaultLimits)
	require.NoError(t, err)
	require.Equal(t, must(tree.Digest()), must(back.Digest()))
}

// TestGNUTar reads what GNU tar writes: each of its formats, with long names
// and sparse files in every form but the old one, which Docker does not unpack.
func TestGNUTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		testenv.Lacking(t, "no tar here")
	}
	dir := t.TempDir()
	long := filepath.Join(dir, string(bytes.Repeat([]byte("n"), 200)))
	require.NoError(t, os.WriteFile(long, []byte("long"), 0o644))
	require.NoError(t, os.Symlink(string(bytes.Repeat([]byte("t/"), 150)), filepath.Join(dir, "link")))
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	require.NoError(t, err)
	for _, at := range []int64{1 << 20, 5 << 20, 9 << 20} {
		_, err := sparse.WriteAt([]byte("here"), at)
		require.NoError(t, err)
	}
	require.NoError(t, sparse.Truncate(20<<20))
	require.NoError(t, sparse.Close())
	old, err := exec.Command("tar", "--format=gnu", "-S", "-C", dir, "-cf", "-", "sparse").Output()
	require.NoError(t, err)
	_, err = ReadTar(bytes.NewReader(old))
	require.ErrorContains(t, err, "unhandled tar header type 83")
	var want string
	for _, flags := range [][]string{
		{"--format=gnu"}, {"--format=posix"}, {"--format=posix", "-S", "--sparse-version=0.0"},
		{"--format=posix", "-S", "--sparse-version=0.1"}, {"--format=posix", "-S", "--sparse-version=1.0"},
	} {
		out, err := exec.Command("tar", append(flags, "-C", dir, "-cf", "-", ".")...).Output()
		require.NoError(t, err)
		tree, _, err := ReadLayer(bytes.NewReader(out), nil, DefaultLimits)
		require.NoError(t, err, "%v", flags)
		if want == "" {
			want = must(tree.Digest()).String()
		}
		require.Equal(t, want, must(tree.Digest()).String(), "%v", flags)
		if len(flags) > 1 {
			require.LessOrEqual(t, tree.Lookup("/sparse").Data.Stored(), int64(64<<10), "%v", flags)
		}
	}
}

// debian is the tar of a Debian root file system, as debootstrap makes it.
func debian(t testing.TB) []byte {
	b, err := os.ReadFile(testenv.Debian(t))
	require.NoError(t, err)
	return b
}

// entryBytes is the most that an entry of a layer may take in memory, beside
// its name and what of its content is on disk.
const entryBytes = 300

// TestDebian: a whole distribution comes in, in every compression, and goes
// out with an equal digest, in little memory.
func TestDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	plain := debian(t)
	var want string
	for name, blob := range map[string][]byte{"plain": plain, "gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		before := testenv.Heap()
		tree, _, err := ReadLayer(bytes.NewReader(blob), spoolFile(t), DefaultLimits)
		require.NoError(t, err, name)
		entries, names := 0, 0
		used := int64(testenv.Heap()) - int64(before)
		for p := range tree.All() {
			entries, names = entries+1, names+len(filepath.Base(p.Path))+len(p.Target)
		}
		require.Greater(t, entries, 5000)
		t.Logf("%s: %d entries, %d bytes each beside names", name, entries, (used-int64(names))/int64(entries))
		require.Less(t, (used-int64(names))/int64(entries), int64(entryBytes))
		if want == "" {
			want = must(tree.Digest()).String()
			requireRoundTrip(t, tree)
		}
		require.Equal(t, want, must(tree.Digest()).String(), name)
	}
}

// BenchmarkImport is the reading of a Debian layer, files kept on disk, beside
// decompressing it alone; of-alone is the share of that speed.
func BenchmarkImport(b *testing.B) {
	plain := debian(b)
	for name, blob := range map[string][]byte{"gzip": gzipped(b, plain), "zstd": zstandard(b, plain)} {
		var alone time.Duration
		b.Run(name+"/decompress", func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				r, err := Decompress(bytes.NewReader(blob), DefaultLimits)
				require.NoError(b, err)
				_, err = io.Copy(io.Discard, r)
				require.NoError(b, err)
			}
			alone = b.Elapsed() / time.Duration(b.N)
		})
		b.Run(name+"/import", func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				b.StopTimer()
				spool, err := os.CreateTemp(b.TempDir(), "")
				require.NoError(b, err)
				b.StartTimer()
				_, _, err = ReadLayer(bytes.NewReader(blob), spool, DefaultLimits)
				require.NoError(b, err)
				b.StopTimer()
				require.NoError(b, spool.Close())
				require.NoError(b, os.Remove(spool.Name()))
				b.StartTimer()
			}
			b.ReportMetric(alone.Seconds()/(b.Elapsed()/time.Duration(b.N)).Seconds(), "of-alone")
		})
	}
}

// TestMillion: a tree of a million files, or of a tenth, takes memory for its entries, not for
// what the files hold.
func TestMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	dirs, files := 1000, testenv.Count(0, 100, 1000)
	r, w := io.Pipe()
	go func() {
		out := tar.NewWriter(w)
		content := bytes.Repeat([]byte("x"), 512)
		for d := range dirs {
			_ = out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprintf("d%03d/", d), Mode: 0o755})
			for f := range files {
				_ = out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("d%03d/f%03d", d, f), Mode: 0o644, Size: int64(len(content))})
				_, _ = out.Write(content)
			}
		}
		w.CloseWithError(out.Close())
	}()
	before := testenv.Heap()
	tree, _, err := ReadLayer(r, nowhere{}, DefaultLimits)
	require.NoError(t, err)
	each := (int64(testenv.Heap()) - int64(before)) / int64(dirs*files)
	t.Logf("%d bytes an entry", each)
	require.Less(t, each, int64(entryBytes))
	require.NotNil(t, tree.Lookup(fmt.Sprintf("/d999/f%03d", files-1)))
}
