//go:build linux

package embedded_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

func TestPull(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		push(t, "ana/app:1", v1.Config{Labels: map[string]string{"a": "b"}}, busyboxLayer(t), layerTar(file("x", "12345")))
		pulled, err := e.Pull(timeout(t), "ana/app:1")
		require.NoError(t, err)
		require.Equal(t, "ana/app:1", pulled.Ref)
		require.False(t, pulled.UpToDate)
		require.Len(t, pulled.Layers, 2)
		require.True(t, pulled.Layers[0].Exists)
		require.False(t, pulled.Layers[1].Exists)
		again, err := e.Pull(timeout(t), host+"/ana/app:1")
		require.NoError(t, err)
		require.Equal(t, host+"/ana/app:1", again.Ref)
		again, err = e.Pull(timeout(t), "ana/app:1")
		require.NoError(t, err)
		require.True(t, again.UpToDate)
		require.True(t, again.Layers[1].Exists)

		img, err := e.Image(timeout(t), "ana/app:1")
		require.NoError(t, err)
		require.Equal(t, []string{host + "/ana/app:1", "ana/app:1"}, img.Tags)
		require.Equal(t, "b", img.Config.Config.Labels["a"])
		require.EqualValues(t, 5, img.Sizes[1])
		all, err := e.Images(timeout(t))
		require.NoError(t, err)
		require.Len(t, all, 2)
	})
}

func TestPullRefusals(t *testing.T) {
	e := engine(t)
	for ref, text := range map[string]string{
		"nosuch":         "pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
		"ana/nosuch:1":   "pull access denied for ana/nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
		"busybox:nosuch": "manifest for busybox:nosuch not found: manifest unknown: manifest unknown",
		"BusyBox":        "invalid reference format: repository name (library/BusyBox) must be lowercase",
		"a b":            "invalid reference format",
		"":               "invalid reference format",
	} {
		_, err := e.Pull(timeout(t), ref)
		refused(t, err, text, 1)
	}
	_, err := e.Pull(timeout(t), "localhost:1/x")
	require.ErrorContains(t, err, "connection refused")
	require.ErrorAs(t, err, new(*sim.Refusal))
}

// compressed is one layer, packed as each registry may serve it.
func TestCompressions(t *testing.T) {
	e := engine(t)
	plain := layerTar(file("x", strings.Repeat("twinlayer ", 1000)))
	var zipped, zstandard bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(plain)
	z.Close()
	zs, _ := zstd.NewWriter(&zstandard)
	zs.Write(plain)
	zs.Close()
	var members bytes.Buffer // as eStargz has one for each file (stargz-snapshotter, docs/estargz.md)
	for part := range slices.Chunk(plain, 700) {
		z := gzip.NewWriter(&members)
		z.Write(part)
		z.Close()
	}
	for name, blob := range map[string][]byte{"gzip": zipped.Bytes(), "zstd": zstandard.Bytes(), "plain": plain, "estargz": members.Bytes()} {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(blob)), nil })
		require.NoError(t, err)
		img, err := mutate.AppendLayers(empty.Image, layer)
		require.NoError(t, err)
		pushImage(t, "compressed-"+name, img, v1.Config{Labels: map[string]string{"as": name}})
		_, err = e.Pull(timeout(t), "compressed-"+name)
		require.NoError(t, err, name)
		trees, err := e.Layers(timeout(t), "compressed-"+name)
		require.NoError(t, err)
		text, err := trees[0].Lookup("/x").Data.Bytes()
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("twinlayer ", 1000), string(text), name)
	}
}

// Of an index that image is pulled which is for this machine, whatever stands
// before it; an attestation is none.
func TestIndex(t *testing.T) {
	e := engine(t)
	of := func(label string) v1.Image {
		img, err := mutate.Config(empty.Image, v1.Config{Labels: map[string]string{"for": label}})
		require.NoError(t, err)
		file, _ := img.ConfigFile()
		file.OS, file.Architecture = "linux", runtime.GOARCH
		img, err = mutate.ConfigFile(img, file)
		require.NoError(t, err)
		return img
	}
	entry := func(os, architecture string) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: of(os + "/" + architecture), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: architecture}}}
	}
	write := func(ref string, entries ...mutate.IndexAddendum) {
		target, err := name.ParseReference(host + "/" + ref)
		require.NoError(t, err)
		require.NoError(t, remote.WriteIndex(target, mutate.AppendManifests(empty.Index, entries...)))
	}
	others := []mutate.IndexAddendum{entry("unknown", "unknown"), entry("windows", runtime.GOARCH), entry("linux", "s390x")}
	write("index:1", append(others, entry("linux", runtime.GOARCH))...)
	write("index:2", others...)
	_, err := e.Pull(timeout(t), "index:1")
	require.NoError(t, err)
	img, err := e.Image(timeout(t), "index:1")
	require.NoError(t, err)
	require.Equal(t, "linux/"+runtime.GOARCH, img.Config.Config.Labels["for"])
	_, err = e.Pull(timeout(t), "index:2")
	refused(t, err, "no matching manifest for linux/"+runtime.GOARCH+" in the manifest list entries", 1)
}

// A registry that is not on this machine is asked without encryption only
// where that was said.
func TestPlainHTTP(t *testing.T) {
	ip := outside(t)
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	require.NoError(t, err)
	back, _ := url.Parse("http://" + host)
	s := &http.Server{Handler: httputil.NewSingleHostReverseProxy(back)}
	go s.Serve(l)
	defer s.Close()
	ref := l.Addr().String() + "/" + busybox(t) + ":latest"
	_, err = start(t, embedded.Config{DataDir: scratch(t)}).Pull(timeout(t), ref)
	require.ErrorContains(t, err, "http: server gave HTTP response to HTTPS client")
	_, err = start(t, embedded.Config{DataDir: scratch(t), Insecure: []string{l.Addr().String()}}).Pull(timeout(t), ref)
	require.NoError(t, err)
}

// outside is an address of this machine that is not the loopback's.
func outside(t *testing.T) string {
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	testenv.Lacking(t, "a network interface beside the loopback is missing")
	return ""
}

// What a broken registry serves is refused, and nothing of it stays.
func TestCorruptBlob(t *testing.T) {
	push(t, "victim", v1.Config{}, layerTar(file("x", "good")))
	back, _ := url.Parse("http://" + host)
	proxy := httputil.NewSingleHostReverseProxy(back)
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.Contains(r.Request.URL.Path, "/blobs/") && r.Header.Get("Content-Type") != "application/json" {
			body, _ := io.ReadAll(r.Body)
			body[len(body)/2] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return nil
	}
	broken := httptest.NewServer(proxy)
	defer broken.Close()
	data := scratch(t)
	e := start(t, embedded.Config{DataDir: data, Registry: strings.TrimPrefix(broken.URL, "http://")})
	_, err := e.Pull(timeout(t), "victim")
	require.Error(t, err)
	t.Log(err)
	for _, kept := range []string{"layers/*", "blobs/sha256/*", "sessions/*/new/*"} {
		left, _ := filepath.Glob(filepath.Join(data, kept))
		require.Empty(t, left)
	}
}

// No entry of a layer gets out of it, and none speaks to overlayfs.
func TestMaliciousLayers(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		target := filepath.Join(os.TempDir(), "twinlayer-escaped")
		up := strings.Repeat("../", 20)
		for i, layer := range [][]byte{
			layerTar(file(up+"tmp/twinlayer-escaped", "x")),
			layerTar(link("l", up+"tmp"), file("l/twinlayer-escaped", "x")),
			layerTar(link("l", "/tmp"), file("l/twinlayer-escaped", "x")),
			layerTar(link("twinlayer-escaped", target), file("twinlayer-escaped", "x")),
			layerTar(entry{tar.Header{Name: "h", Linkname: up + "etc/passwd", Typeflag: tar.TypeLink}, ""}, file("h", "x")),
		} {
			ref := fmt.Sprintf("bad-%d", i)
			push(t, ref, v1.Config{}, layer)
			e.Pull(timeout(t), ref)
			require.NoFileExists(t, target)
		}
		redirect := dir("d")
		redirect.PAXRecords = map[string]string{"SCHILY.xattr.user.overlay.redirect": "/etc", "SCHILY.xattr.user.fine": "yes"}
		push(t, "redirect", v1.Config{}, busyboxLayer(t), layerTar(redirect))
		_, err := e.Pull(timeout(t), "redirect")
		require.NoError(t, err)
		s := spec("ls", "/d")
		s.Image = "redirect"
		out, err := run(t, e, s)
		require.NoError(t, err)
		require.Equal(t, sim.Output{}, out)
	})
}

func TestManyLayers(t *testing.T) {
	layers := [][]byte{busyboxLayer(t)}
	for i := range 120 {
		layers = append(layers, layerTar(file(fmt.Sprintf("n%d", i), "x"), file("last", fmt.Sprint(i))))
	}
	push(t, "deep", v1.Config{}, layers...)
	e := engine(t)
	_, err := e.Pull(timeout(t), "deep")
	require.NoError(t, err)
	s := spec("sh", "-c", "ls / | grep -c n; cat /last")
	s.Image = "deep"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(out.Stdout, "119"), out.Stdout)
}

// An image may hold the same layer twice.
func TestRepeatedLayer(t *testing.T) {
	twice := layerTar(file("x", "1"))
	push(t, "twice", v1.Config{}, busyboxLayer(t), twice, layerTar(file(".wh.x", "")), twice)
	e := engine(t)
	_, err := e.Pull(timeout(t), "twice")
	require.NoError(t, err)
	s := spec("cat", "/x")
	s.Image = "twice"
	out, err := run(t, e, s)
	require.NoError(t, err)
	require.Equal(t, "1", out.Stdout)
}

func TestTagAndRemove(t *testing.T) {
	e := engine(t)
	c := timeout(t)
	remove := func(ref string, force bool) (sim.RemoveResult, error) { return e.RemoveImage(c, ref, force) }
	_, err := remove("nosuch", false)
	refused(t, err, "No such image: nosuch:latest", 1)
	refused(t, e.Tag(c, "nosuch", "x"), "No such image: nosuch:latest", 1)
	require.NoError(t, e.Tag(c, "busybox", "ana/mine"))
	img, err := e.Image(c, "ana/mine")
	require.NoError(t, err)
	short := img.ID.Encoded()[:12]

	_, err = remove(short, false)
	refused(t, err, "conflict: unable to delete "+short+" (must be forced) - image is referenced in multiple repositories", 1)
	removed, err := remove("ana/mine", false)
	require.NoError(t, err)
	require.Equal(t, sim.RemoveResult{Untagged: []string{"ana/mine:latest"}}, removed)

	s := spec("true")
	created, err := e.Create(c, s)
	require.NoError(t, err)
	require.Equal(t, img.ID, created.ImageID)
	_, err = remove("busybox", false)
	refused(t, err, `conflict: unable to remove repository reference "busybox" (must force) - container `+s.ID[:12]+" is using its referenced image "+short, 1)
	require.NoError(t, e.RemoveContainer(c, s.ID, sim.RemoveOptions{}))
	removed, err = remove("busybox", false)
	require.NoError(t, err)
	require.Equal(t, []string{"busybox:latest"}, removed.Untagged)
	require.Len(t, removed.Deleted, 2)
	require.Equal(t, img.ID, removed.Deleted[0])
	_, err = e.Image(c, "busybox")
	require.True(t, sim.IsRefusal(err, sim.MissingImage))
	pulled, err := e.Pull(c, "busybox")
	require.NoError(t, err)
	require.False(t, pulled.Layers[0].Exists, "the cache on disk does not count")
}

func TestContainerRefusals(t *testing.T) {
	e := engine(t)
	c := timeout(t)
	s := interactive(t, e)
	_, err := e.Create(c, sim.Spec{ID: id(), Name: s.Name, Image: "busybox"})
	refused(t, err, `Conflict. The container name "/`+s.Name+`" is already in use by container "`+s.ID+`". You have to remove (or rename) that container to be able to reuse that name.`, 1)
	refused(t, e.RemoveContainer(c, s.Name, sim.RemoveOptions{}), `cannot remove container "/`+s.Name+`": container is running: stop the container before removing or force remove`, 1)
	refused(t, e.RemoveContainer(c, "nosuch", sim.RemoveOptions{Force: true}), "No such container: nosuch", 1)
	_, err = e.Start(c, "nosuch", false)
	refused(t, err, "No such container: nosuch", 1)
	_, err = e.Create(c, sim.Spec{ID: id(), Name: "other", Image: "nosuch"})
	refused(t, err, "No such image: nosuch:latest", 1)
	require.NoError(t, e.RemoveContainer(c, s.ID[:8], sim.RemoveOptions{Force: true}))
}
