package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
)

// bundled serves the bundled images, busybox around this test's executable.
func bundled(t testing.TB) *Server {
	exe, err := os.Executable()
	require.NoError(t, err)
	return serving(t, bundle.New(platform.Host(), bundle.File(exe), []string{"sh", "ls"}))
}

func serving(t testing.TB, reg sim.Registry) *Server {
	s, err := Serve(reg, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func pull(t testing.TB, s *Server, ref string) v1.Image {
	parsed, err := name.ParseReference(s.Addr() + "/" + ref)
	require.NoError(t, err)
	image, err := remote.Image(parsed)
	require.NoError(t, err)
	return image
}

func TestPull(t *testing.T) {
	s := bundled(t)
	require.NoError(t, validate.Image(pull(t, s, "hello-world")))
	for _, ref := range []string{"busybox:1", "library/busybox"} {
		// validate takes every layer for gzip (its layer.go), so it only gets the rest
		image := pull(t, s, ref)
		require.NoError(t, validate.Image(image, validate.Fast), ref)
		checkLayer(t, image)
	}
}

// checkLayer holds an image's one layer to its diffID. That the blob has its
// digest and size is checked by remote as it reads.
func checkLayer(t *testing.T, image v1.Image) {
	config, err := image.ConfigFile()
	require.NoError(t, err)
	layers, err := image.Layers()
	require.NoError(t, err)
	r, err := layers[0].Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	got, _, err := v1.SHA256(r)
	require.NoError(t, err)
	require.Equal(t, config.RootFS.DiffIDs, []v1.Hash{got})
}

func TestPullByDigest(t *testing.T) {
	d, err := pull(t, bundled(t), "hello-world").Digest()
	require.NoError(t, err)
	fresh := bundled(t) // it has not been asked for the tag
	require.NoError(t, validate.Image(pull(t, fresh, "hello-world@"+d.String())))
}

func TestPullManyAtOnce(t *testing.T) {
	s := bundled(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			parsed, _ := name.ParseReference(s.Addr() + "/hello-world")
			image, err := remote.Image(parsed)
			if err == nil {
				err = validate.Image(image)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestUnknown(t *testing.T) {
	s := bundled(t)
	for ref, code := range map[string]transport.ErrorCode{
		"nope": transport.NameUnknownErrorCode, "busybox:9": transport.ManifestUnknownErrorCode,
		"busybox@" + digest.FromString("").String(): transport.ManifestUnknownErrorCode,
	} {
		parsed, err := name.ParseReference(s.Addr() + "/" + ref)
		require.NoError(t, err)
		_, err = remote.Image(parsed)
		var e *transport.Error
		require.ErrorAs(t, err, &e, ref)
		require.Equal(t, http.StatusNotFound, e.StatusCode)
		require.Equal(t, code, e.Errors[0].Code)
	}
}

// request sends one request; header is a name and a value, or nothing.
func request(t *testing.T, s *Server, method, path string, header ...string) (*http.Response, string) {
	r, err := http.NewRequest(method, "http://"+s.Addr()+path, nil)
	require.NoError(t, err)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func TestEndpoints(t *testing.T) {
	s := bundled(t)
	blob := "/v2/x/blobs/" + digest.FromString("nothing").String()
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/v2/", 200, ""},
		{"GET", "/v2", 200, ""},
		{"GET", "/", 404, `{"errors":[{"code":"UNSUPPORTED","message":"no such endpoint","detail":"/"}]}`},
		{"GET", blob, 404, `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry","detail":"` + digest.FromString("nothing").String() + `"}]}`},
		{"GET", "/v2/busybox/manifests/9", 404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"manifest for busybox:9 not found: manifest unknown: manifest unknown"}]}`},
		{"HEAD", "/v2/busybox/manifests/9", 404, ""},
		{"GET", "/v2/library/busybox/tags/list", 200, `{"name":"library/busybox","tags":["1","latest"]}`},
		{"GET", "/v2/nope/tags/list", 404, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":"nope"}]}`},
		{"POST", "/v2/busybox/blobs/uploads/", 403, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied","detail":"busybox"}]}`},
		{"POST", "/v2/../blobs/uploads/", 400, `{"errors":[{"code":"NAME_INVALID","message":"invalid repository name","detail":".."}]}`},
		{"DELETE", "/v2/x/manifests/1", 405, `{"errors":[{"code":"UNSUPPORTED","message":"the operation is unsupported","detail":"DELETE"}]}`},
		{"PATCH", "/v2/x/blobs/uploads/nosuch", 404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown to registry","detail":"nosuch"}]}`},
	} {
		answer, body := request(t, s, c.method, c.path)
		require.Equal(t, c.status, answer.StatusCode, c.path)
		require.Equal(t, c.body, strings.TrimSpace(body))
		if body != "" {
			require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
		}
	}
}

func TestHead(t *testing.T) {
	s := bundled(t)
	got, body := request(t, s, "GET", "/v2/hello-world/manifests/latest")
	head, none := request(t, s, "HEAD", "/v2/hello-world/manifests/latest")
	require.Empty(t, none)
	require.EqualValues(t, len(body), head.ContentLength)
	for _, key := range []string{"Content-Type", "Docker-Content-Digest"} {
		require.Equal(t, got.Header.Get(key), head.Header.Get(key))
	}
	require.Equal(t, digest.FromString(body).String(), head.Header.Get("Docker-Content-Digest"))
}

func TestRange(t *testing.T) {
	s := bundled(t)
	layers, err := pull(t, s, "busybox").Layers()
	require.NoError(t, err)
	d, err := layers[0].Digest()
	require.NoError(t, err)
	path := "/v2/busybox/blobs/" + d.String()
	_, whole := request(t, s, "GET", path)
	for header, want := range map[string]string{
		"bytes=0-99":          whole[:100],
		"bytes=700000-700009": whole[700000:700010],
		"bytes=700000-":       whole[700000:],
		"bytes=-10":           whole[len(whole)-10:],
	} {
		answer, body := request(t, s, "GET", path, "Range", header)
		require.Equal(t, http.StatusPartialContent, answer.StatusCode, header)
		require.True(t, want == body, header)
	}
	answer, _ := request(t, s, "GET", path, "Range", "bytes=999999999999-")
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, answer.StatusCode)
}

// broken is a registry that fails.
type broken struct{}

func (broken) Resolve(context.Context, string, string) (*sim.Artifact, error) {
	return nil, errors.New("the disk is on fire")
}

func TestBrokenRegistry(t *testing.T) {
	answer, body := request(t, serving(t, broken{}), "GET", "/v2/x/manifests/latest")
	require.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	require.Contains(t, body, "the disk is on fire")
}

func TestClose(t *testing.T) {
	s, err := Serve(broken{}, "")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(s.Addr(), "127.0.0.1:"))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "again")
	_, err = http.Get("http://" + s.Addr() + "/v2/")
	require.Error(t, err)
}

// skopeo runs the real client. It has no say in signatures here
// (--insecure-policy): those are a matter of the host.
func skopeo(t *testing.T, args ...string) string {
	program, err := exec.LookPath("skopeo")
	if err != nil {
		testenv.Lacking(t, "skopeo is not installed")
	}
	credentials := filepath.Join(t.TempDir(), "auth.json") // nobody's
	require.NoError(t, os.WriteFile(credentials, []byte("{}"), 0o600))
	cmd := exec.Command(program, append([]string{"--insecure-policy"}, args...)...)
	cmd.Env = append(os.Environ(), "REGISTRY_AUTH_FILE="+credentials)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestSkopeo(t *testing.T) {
	s := bundled(t)
	for _, image := range []string{"hello-world", "busybox"} {
		ref, dir := "docker://"+s.Addr()+"/"+image+":latest", filepath.Join(t.TempDir(), image)
		require.Contains(t, skopeo(t, "inspect", "--tls-verify=false", ref), "made by twinlayer itself")
		skopeo(t, "copy", "--src-tls-verify=false", ref, "oci:"+dir)
		index, err := layout.ImageIndexFromPath(dir)
		require.NoError(t, err)
		require.NoError(t, validate.Index(index))
	}
}

// BenchmarkPull reads an image over HTTP as an engine does, busybox around the
// executable in $BUNDLE_EXE or else the test's own, each time made anew.
func BenchmarkPull(b *testing.B) {
	exe := os.Getenv("BUNDLE_EXE")
	if exe == "" {
		exe, _ = os.Executable()
	}
	for _, ref := range []string{"hello-world", "busybox"} {
		b.Run(ref, func(b *testing.B) {
			for b.Loop() {
				s, err := Serve(bundle.New(platform.Host(), bundle.File(exe), nil), "")
				require.NoError(b, err)
				layers, err := pull(b, s, ref).Layers()
				require.NoError(b, err)
				r, err := layers[0].Compressed() // as it travels; its digest is checked
				require.NoError(b, err)
				_, err = io.Copy(io.Discard, r)
				require.NoError(b, err)
				require.NoError(b, s.Close())
			}
		})
	}
}
