package registry

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/sim/bundle"
)

// What is pushed is pulled again, also from the next registry on the directory.
func TestPush(t *testing.T) {
	dir := t.TempDir()
	images := bundle.New(platform.Host(), bundle.File(os.Args[0]), nil)
	s, err := Serve(images, dir)
	require.NoError(t, err)
	img, err := random.Image(1000, 3)
	require.NoError(t, err)
	ref, err := name.ParseReference(s.Addr() + "/ana/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, img))
	two, err := mutate.Canonical(pull(t, s, "hello-world"))
	require.NoError(t, err)
	other, err := name.ParseReference(s.Addr() + "/hello")
	require.NoError(t, err)
	require.NoError(t, remote.Write(other, two), "on a bundled layer")
	require.NoError(t, s.Close())

	s, err = Serve(images, dir)
	require.NoError(t, err)
	defer s.Close()
	back := pull(t, s, "ana/app:1")
	require.NoError(t, validate.Image(back))
	require.NoError(t, validate.Image(pull(t, s, "hello")))
	want, err := img.Digest()
	require.NoError(t, err)
	got, err := back.Digest()
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, tags := request(t, s, "GET", "/v2/ana/app/tags/list")
	require.JSONEq(t, `{"name":"ana/app","tags":["1"]}`, tags)
	left, err := os.ReadDir(filepath.Join(dir, "uploads"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// send sends a body by the name for people.
func send(t *testing.T, s *Server, method, path, body string, header ...string) *http.Response {
	r, err := http.NewRequest(method, "http://"+s.Addr()+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	r.Host = Name
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	answer.Body.Close()
	return answer
}

func TestPushInPieces(t *testing.T) {
	s := bundled(t)
	begun := send(t, s, "POST", "/v2/x/blobs/uploads/", "")
	require.Equal(t, 202, begun.StatusCode)
	place := begun.Header.Get("Location")
	require.Equal(t, "0-4", send(t, s, "PATCH", place, "hello", "Content-Range", "0-4").Header.Get("Range"))
	require.Equal(t, 416, send(t, s, "PATCH", place, "world", "Content-Range", "9-13").StatusCode, "a piece is missing")
	require.Equal(t, "0-4", send(t, s, "GET", place, "").Header.Get("Range"))
	require.Equal(t, 202, send(t, s, "PATCH", place, "world", "Content-Range", "5-9").StatusCode)
	d := digest.FromString("helloworld!").String()
	require.Equal(t, 201, send(t, s, "PUT", place+"?digest="+d, "!").StatusCode)
	require.Equal(t, 200, send(t, s, "HEAD", "/v2/x/blobs/"+d, "").StatusCode)
	require.Equal(t, 201, send(t, s, "POST", "/v2/y/blobs/uploads/?mount="+d+"&from=x", "").StatusCode)
	require.Equal(t, 201, send(t, s, "POST", "/v2/y/blobs/uploads/?digest="+digest.FromString("z").String(), "z").StatusCode)
}

func TestBadPushes(t *testing.T) {
	s := bundled(t)
	place := func() string { return send(t, s, "POST", "/v2/x/blobs/uploads/", "").Header.Get("Location") }
	other := digest.FromString("other").String()
	require.Equal(t, 400, send(t, s, "PUT", place()+"?digest="+other, "hello").StatusCode)
	require.Equal(t, 404, send(t, s, "HEAD", "/v2/x/blobs/"+other, "").StatusCode)
	require.Equal(t, 400, send(t, s, "PUT", place()+"?digest=sha256:../../x", "hello").StatusCode)
	require.Equal(t, 400, send(t, s, "PUT", "/v2/x/manifests/1", "{").StatusCode)
	require.Equal(t, 404, send(t, s, "PUT", "/v2/x/manifests/1", `{"layers":[{"digest":"`+other+`"}]}`).StatusCode)
	require.Equal(t, 400, send(t, s, "PUT", "/v2/x/manifests/"+other, `{}`).StatusCode)
	require.Equal(t, 400, send(t, s, "PUT", "/v2/x/manifests/"+strings.Repeat("x", 200), `{}`).StatusCode)
	gone := place()
	require.Equal(t, 204, send(t, s, "DELETE", gone, "").StatusCode)
	require.Equal(t, 404, send(t, s, "PATCH", gone, "x").StatusCode)
}

// By the name for people, a bundled image's name is one like any other.
func TestPushOverBundled(t *testing.T) {
	s := bundled(t)
	empty := `{"schemaVersion":2,"layers":[]}`
	require.Equal(t, 201, send(t, s, "PUT", "/v2/busybox/manifests/latest", empty).StatusCode)
	require.Equal(t, digest.FromString(empty).String(), send(t, s, "GET", "/v2/busybox/manifests/latest", "").Header.Get("Docker-Content-Digest"))
	_, body := request(t, s, "GET", "/v2/busybox/manifests/latest")
	require.NotEqual(t, empty, body)
}
