package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/userland"
)

// sample is a Bundle whose busybox is a small static program.
func sample(t *testing.T) *Bundle {
	dir, err := os.MkdirTemp("", "bundle")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) }) // Windows keeps it: the Bundle has exe open
	exe := filepath.Join(dir, "exe")
	require.NoError(t, os.WriteFile(exe, Hello("amd64"), 0o755))
	return New(platform.Host(), File(exe), []string{"sh", "[", "ls", "busybox"})
}

func resolve(t *testing.T, b *Bundle, name string) *sim.Artifact {
	a, err := b.Resolve(context.Background(), name, "latest")
	require.NoError(t, err)
	return a
}

func decode[T any](t *testing.T, b []byte) (v T) {
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

func TestNames(t *testing.T) {
	require.Equal(t, []string{"busybox", "centos", "debian", "hello-world"}, sample(t).Names())
	for _, name := range sample(t).Names() {
		require.Contains(t, sample(t).Tags(name), "latest")
	}
	require.Equal(t, []string{"1", "latest"}, sample(t).Tags("docker.io/library/busybox"))
	require.Nil(t, sample(t).Tags("nope"))
}

func TestResolve(t *testing.T) {
	b := sample(t)
	want := resolve(t, b, "hello-world")
	for _, repository := range []string{"library/hello-world", "docker.io/library/hello-world", "index.docker.io/library/hello-world"} {
		require.Same(t, want, resolve(t, b, repository))
	}
	for _, tag := range []string{"1", digest.FromBytes(want.Manifest).String()} {
		got, err := b.Resolve(context.Background(), "hello-world", tag)
		require.NoError(t, err)
		require.Same(t, want, got)
	}
}

func TestResolveRefuses(t *testing.T) {
	none := digest.FromString("none").String()
	for _, c := range []struct{ repository, tag, text string }{
		{"nope", "latest", "pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"},
		{"docker.io/me/nope", "latest", "pull access denied for me/nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"},
		{"docker.io/library/busybox", "9", "manifest for busybox:9 not found: manifest unknown: manifest unknown"},
		{"busybox", none, "manifest for busybox@" + none + " not found: manifest unknown: manifest unknown"},
	} {
		_, err := sample(t).Resolve(context.Background(), c.repository, c.tag)
		var refusal *sim.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, c.text, refusal.Text)
	}
}

func TestNothingIsReadBeforeItIsAskedFor(t *testing.T) {
	b := New(platform.Host(), File(filepath.Join(t.TempDir(), "missing")), nil)
	resolve(t, b, "hello-world")
	_, err := b.Resolve(context.Background(), "busybox", "latest")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestArtifacts holds each image to the image-spec: every digest and size is
// that of the bytes, read twice, and Tree is what the bytes hold.
func TestArtifacts(t *testing.T) {
	b := sample(t)
	for _, name := range b.Names() {
		a := resolve(t, b, name)
		manifest, config := decode[ocispec.Manifest](t, a.Manifest), decode[ocispec.Image](t, a.Config)
		require.Equal(t, ocispec.MediaTypeImageManifest, manifest.MediaType)
		require.Equal(t, digest.FromBytes(a.Config), manifest.Config.Digest)
		require.Equal(t, a.Layers[0].Descriptor, manifest.Layers[0])
		require.Equal(t, runtime.GOARCH, config.Architecture)
		require.Contains(t, config.Config.Labels, "twinlayer.bundled")
		checkLayer(t, a.Layers[0], config.RootFS.DiffIDs[0])
		checkLayer(t, a.Layers[0], config.RootFS.DiffIDs[0])
	}
}

func checkLayer(t *testing.T, layer sim.Blob, diffID digest.Digest) {
	r, err := layer.Open()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.EqualValues(t, layer.Descriptor.Size, len(b))
	require.Equal(t, layer.Descriptor.Digest, digest.FromBytes(b))
	uncompressed := digest.Canonical.Digester()
	held, err := fs.ReadTar(io.TeeReader(content(t, layer), uncompressed.Hash()))
	require.NoError(t, err)
	require.Equal(t, diffID, uncompressed.Digest())
	tree, err := layer.Tree()
	require.NoError(t, err)
	require.Equal(t, canonical(t, held), canonical(t, tree))
}

// content is a layer's tar.
func content(t *testing.T, layer sim.Blob) io.Reader {
	r, err := layer.Open()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	if layer.Descriptor.MediaType != ocispec.MediaTypeImageLayerGzip {
		return r
	}
	z, err := gzip.NewReader(r)
	require.NoError(t, err)
	return z
}

func canonical(t *testing.T, tree *fs.Tree) digest.Digest {
	d, err := tree.Digest()
	require.NoError(t, err)
	return d
}

func TestListings(t *testing.T) {
	b := sample(t)
	size := len(Hello("amd64")) + len(userland.Mark)
	require.Equal(t, []string{fmt.Sprintf("0755 hello %d", len(Hello(runtime.GOARCH)))}, list(t, resolve(t, b, "hello-world")))
	require.Equal(t, []string{
		"0755 bin/ 0",
		"0777 bin/[ -> busybox 0",
		fmt.Sprintf("0755 bin/busybox %d", size),
		"0777 bin/ls -> busybox 0",
		"0777 bin/sh -> busybox 0",
		"0755 dev/ 0",
		"0755 etc/ 0",
		"0644 etc/group 26",
		"0644 etc/motd 32",
		fmt.Sprintf("0644 etc/os-release %d", len(osRelease)),
		fmt.Sprintf("0644 etc/passwd %d", len(passwd)),
		"0755 home/ 0",
		"0700 root/ 0",
		"1777 tmp/ 0",
		"0755 usr/ 0",
		"0755 usr/bin/ 0",
		"0755 var/ 0",
		"1777 var/tmp/ 0",
	}, list(t, resolve(t, b, "busybox")))
}

// list is an image's layer as tar has it: mode, name and size. The rest is
// the same for all.
func list(t *testing.T, a *sim.Artifact) (lines []string) {
	r := tar.NewReader(content(t, a.Layers[0]))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return lines
		}
		require.NoError(t, err)
		require.Equal(t, [3]any{0, 0, ""}, [3]any{h.Uid, h.Gid, h.Uname + h.Gname})
		require.True(t, h.ModTime.Equal(epoch), h.Name)
		name := h.Name
		if h.Linkname != "" {
			name += " -> " + h.Linkname
		}
		lines = append(lines, fmt.Sprintf("%04o %s %d", h.Mode, name, h.Size))
	}
}

func TestHistory(t *testing.T) {
	b := sample(t)
	hello := decode[ocispec.Image](t, resolve(t, b, "hello-world").Config)
	require.Equal(t, []ocispec.History{
		{Created: &epoch, CreatedBy: "COPY hello / # buildkit", Comment: "twinlayer"},
		{Created: &epoch, CreatedBy: `CMD ["/hello"]`, Comment: "twinlayer", EmptyLayer: true},
	}, hello.History)
	require.Equal(t, []string{"/hello"}, hello.Config.Cmd)
	busybox := decode[ocispec.Image](t, resolve(t, b, "busybox").Config)
	require.Equal(t, []string{"sh"}, busybox.Config.Cmd)
	require.Equal(t, []string{searchPath}, busybox.Config.Env)
}

// TestDistributions holds the distributions to what the course tells about
// them.
func TestDistributions(t *testing.T) {
	b := sample(t)
	for name, want := range map[string]struct {
		cmd           string
		there, absent []string
	}{
		"debian": {"bash", []string{"/etc/debian_version", "/etc/apt/sources.list", "/var/lib/dpkg/status", "/usr/bin/apt-get", "/usr/bin/bash", "/bin", "/usr/bin/which"},
			[]string{"/usr/bin/yum", "/usr/bin/vim", "/usr/bin/ps", "/usr/bin/busybox", "/var/log/dpkg.log"}},
		"centos": {"/bin/bash", []string{"/etc/centos-release", "/etc/redhat-release", "/etc/yum.repos.d", "/var/lib/rpm/Packages", "/usr/bin/yum", "/usr/bin/ps"},
			[]string{"/usr/bin/apt-get", "/usr/bin/vim", "/usr/bin/which", "/usr/bin/busybox"}},
		"busybox": {"sh", []string{"/bin/sh"}, []string{"/bin/bash", "/usr/bin/bash"}},
	} {
		a := resolve(t, b, name)
		require.Equal(t, []string{want.cmd}, decode[ocispec.Image](t, a.Config).Config.Cmd)
		tree, err := a.Layers[0].Tree()
		require.NoError(t, err)
		for _, file := range want.there {
			require.NotNil(t, tree.Lookup(file), "%s: %s", name, file)
		}
		for _, file := range want.absent {
			require.Nil(t, tree.Lookup(file), "%s: %s", name, file)
		}
		require.Equal(t, a.Layers[0].Descriptor.Digest, resolve(t, sample(t), name).Layers[0].Descriptor.Digest, "made anew it is the same")
	}
}

// TestSizes: a distribution is visibly larger than busybox.
func TestSizes(t *testing.T) {
	b := sample(t)
	size := func(name string) int64 { return resolve(t, b, name).Layers[0].Descriptor.Size }
	require.Greater(t, size("debian"), size("busybox")+3e6)
	require.Greater(t, size("centos"), size("debian")+3e6)
}

// TestStreamEnds closes a layer half read; its writer must not wait for ever.
func TestStreamEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	blob := resolve(t, sample(t), "busybox").Layers[0]
	for range 100 {
		r, err := blob.Open()
		require.NoError(t, err)
		_, err = io.ReadFull(r, make([]byte, 600))
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 5*time.Second, time.Millisecond)
}

func TestPrograms(t *testing.T) {
	b := New(platform.Host(), File(self(t)), nil)
	hello, err := resolve(t, b, "hello-world").Layers[0].Tree()
	require.NoError(t, err)
	busybox, err := resolve(t, b, "busybox").Layers[0].Tree()
	require.NoError(t, err)
	exe := busybox.Lookup("/bin/busybox").Data
	copied, err := exe.Bytes()
	require.NoError(t, err)
	for _, content := range []*fs.Data{hello.Lookup("/hello").Data, fs.DataOf(Hello(runtime.GOARCH))} {
		status, out := run(b.Programs(content), "/hello")
		require.Zero(t, status)
		require.Equal(t, Greeting, out)
	}
	for _, content := range []*fs.Data{exe, fs.DataOf(copied)} {
		status, out := run(b.Programs(content), "echo", "hi")
		require.Zero(t, status)
		require.Equal(t, "hi\n", out)
	}
	for _, content := range []*fs.Data{nil, exe.WriteAt([]byte("x"), exe.Size()-1), exe.Truncate(100)} {
		require.Nil(t, b.Programs(content))
	}
}

// run runs a program with no file system.
func run(program userland.Program, args ...string) (int, string) {
	var out strings.Builder
	status := program(context.Background(), &userland.Process{Args: args, Stdout: &out, Stderr: &out})
	return status, out.String()
}

func self(t testing.TB) string {
	exe, err := os.Executable()
	require.NoError(t, err)
	return exe
}

// BenchmarkResolve is a new Bundle and one image of it, busybox around the
// executable in $BUNDLE_EXE or else the test's own.
func BenchmarkResolve(b *testing.B) {
	exe := os.Getenv("BUNDLE_EXE")
	if exe == "" {
		exe = self(b)
	}
	for _, name := range []string{"hello-world", "busybox", "debian", "centos"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := New(platform.Host(), File(exe), nil).Resolve(context.Background(), name, "latest")
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkPrograms(b *testing.B) {
	bundle := New(platform.Host(), File(self(b)), nil)
	exe, err := bundle.exe()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		bundle.Programs(exe.content)
	}
}
