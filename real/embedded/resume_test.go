//go:build linux

package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// flaky is a registry in front of the tests' own that breaks off every answer
// with a blob after some bytes. It counts those that it sent.
type flaky struct {
	*httptest.Server
	after atomic.Int64 // bytes; 0: it does not break off
	sent  atomic.Int64
	refs  string
}

func newFlaky(t testing.TB) *flaky {
	back, err := url.Parse("http://" + host)
	require.NoError(t, err)
	f := &flaky{}
	proxy := httputil.NewSingleHostReverseProxy(back)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			proxy.ServeHTTP(w, r)
			return
		}
		defer func() {
			if p := recover(); p != nil {
				panic(http.ErrAbortHandler)
			}
		}()
		proxy.ServeHTTP(&cutting{w, f, f.after.Load()}, r)
	}))
	f.refs = strings.TrimPrefix(f.URL, "http://") + "/"
	t.Cleanup(f.Close)
	return f
}

type cutting struct {
	http.ResponseWriter
	f    *flaky
	left int64
}

func (c *cutting) Write(p []byte) (int, error) {
	cut := c.f.after.Load() > 0
	if cut && int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.ResponseWriter.Write(p)
	c.f.sent.Add(int64(n))
	c.left -= int64(n)
	if cut && c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// noise is an image whose one layer does not compress.
func noise(t testing.TB, ref string, size int) {
	t.Helper()
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	push(t, ref, v1.Config{}, layerTar(file("noise", string(b))))
}

// A broken connection is taken up where it broke, so that no byte comes twice.
func TestResume(t *testing.T) {
	const size = 3 << 20
	noise(t, "noise", size)
	f := newFlaky(t)
	f.after.Store(500_000)
	e := start(t, embedded.Config{DataDir: scratch(t)})
	var news []sim.Progress
	var mu sync.Mutex
	ctx := sim.WithProgress(timeout(t), func(p sim.Progress) {
		mu.Lock()
		defer mu.Unlock()
		news = append(news, p)
	})
	pulled, err := e.Pull(ctx, f.refs+"noise")
	require.NoError(t, err)
	require.Less(t, f.sent.Load(), int64(size+size/20), "bytes came twice")
	mu.Lock()
	defer mu.Unlock()
	id := sim.Short(pulled.Layers[0].Digest)
	require.Equal(t, sim.Progress{ID: id, Action: "Pulling fs layer"}, news[0])
	require.Equal(t, "Downloading", news[1].Action)
	require.Greater(t, news[1].Total, int64(size))
	require.Equal(t, "Extracting", news[len(news)-2].Action)
	require.Equal(t, sim.Progress{ID: id, Action: "Pull complete", Done: news[1].Total}, news[len(news)-1])
}

// A download that was given up goes on in the next session.
func TestResumeLater(t *testing.T) {
	const size = 4 << 20
	noise(t, "noise-later", size)
	f := newFlaky(t)
	f.after.Store(size / 4) // so that it pauses there
	data := scratch(t)
	for i := range int64(2) {
		e, err := embedded.Start(embedded.Config{DataDir: data})
		require.NoError(t, err)
		ctx, cancel := contextAt(timeout(t), func() bool { return f.sent.Load() > (i+1)*size/4-1000 })
		_, err = e.Pull(ctx, f.refs+"noise-later")
		cancel()
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, e.Close())
	}
	f.after.Store(0)
	e := start(t, embedded.Config{DataDir: data})
	_, err := e.Pull(timeout(t), f.refs+"noise-later")
	require.NoError(t, err)
	require.Less(t, f.sent.Load(), int64(size+size/4), "bytes came twice")
	left, _ := filepath.Glob(filepath.Join(data, "partial/*"))
	require.Empty(t, left)
}

// A damaged rest of an earlier session is thrown away.
func TestDamagedRest(t *testing.T) {
	const size = 1 << 20
	noise(t, "noise-damaged", size)
	f := newFlaky(t)
	data := scratch(t)
	e := start(t, embedded.Config{DataDir: data})
	pulled, err := e.Pull(timeout(t), f.refs+"noise-damaged")
	require.NoError(t, err)
	_, err = e.RemoveImage(timeout(t), f.refs+"noise-damaged", false)
	require.NoError(t, err)
	rest := filepath.Join(data, "partial", pulled.Layers[0].Digest.Encoded())
	require.NoError(t, os.WriteFile(rest, bytes.Repeat([]byte("damaged"), 1000), 0o666))
	_, err = e.Pull(timeout(t), f.refs+"noise-damaged")
	require.NoError(t, err)
}

// What comes over the network and is not what it should be does not stay.
func TestCorruptDownload(t *testing.T) {
	noise(t, "noise-corrupt", 1<<20)
	back, _ := url.Parse("http://" + host)
	proxy := httputil.NewSingleHostReverseProxy(back)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(&flipping{ResponseWriter: w, blob: strings.Contains(r.URL.Path, "/blobs/")}, r)
	}))
	defer server.Close()
	data := scratch(t)
	e := start(t, embedded.Config{DataDir: data})
	_, err := e.Pull(timeout(t), strings.TrimPrefix(server.URL, "http://")+"/noise-corrupt")
	require.Error(t, err)
	t.Log(err)
	bare(t, data)
}

// flipping changes a byte deep in a blob.
type flipping struct {
	http.ResponseWriter
	blob bool
	n    int
}

func (f *flipping) Write(p []byte) (int, error) {
	at := 500_000 - f.n
	if f.n += len(p); f.blob && at >= 0 && at < len(p) {
		p = bytes.Clone(p)
		p[at] ^= 1
	}
	return f.ResponseWriter.Write(p)
}

// A registry that wants fewer requests says so in words that help.
func TestTooManyRequests(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		asked.Add(1)
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}`)
	}))
	defer server.Close()
	e := start(t, embedded.Config{DataDir: scratch(t)})
	_, err := e.Pull(timeout(t), strings.TrimPrefix(server.URL, "http://")+"/x")
	refused(t, err, "toomanyrequests: You have reached your pull rate limit: wait a while, log in with docker login, or have short names come from a mirror (--images)", 1)
	require.Greater(t, asked.Load(), int64(1), "it was asked again")
}

// Short names come from where the configuration says, full ones never.
func TestMirror(t *testing.T) {
	push(t, "library/busybox:mirrored", v1.Config{}, busyboxLayer(t))
	push(t, "plain:1", v1.Config{}, busyboxLayer(t))
	e := start(t, embedded.Config{DataDir: scratch(t), Registry: "127.0.0.1:1", Images: "http://" + host})
	for _, ref := range []string{"busybox:mirrored", "plain:1", host + "/plain:1"} {
		pulls(t, e, ref)
	}
	_, err := e.Pull(timeout(t), "127.0.0.1:2/plain:1")
	require.ErrorContains(t, err, "connection refused")
	require.NoError(t, e.Close())
}

// contextAt is a context that ends once something has happened.
func contextAt(parent context.Context, happened func() bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		defer cancel()
		for ctx.Err() == nil && !happened() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond) // what was sent is still to arrive; the next try comes later
	}()
	return ctx, cancel
}

// A push sends only what the registry lacks, and what another repository of it
// has is taken over from there.
func TestPushSendsWhatIsMissing(t *testing.T) {
	noise(t, "noise-pushed", 1<<20)
	back, _ := url.Parse("http://" + host)
	proxy := httputil.NewSingleHostReverseProxy(back)
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(max(r.ContentLength, 0))
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	e := start(t, embedded.Config{DataDir: scratch(t)})
	_, err := e.Pull(timeout(t), at+"/noise-pushed")
	require.NoError(t, err)
	require.NoError(t, e.Tag(timeout(t), at+"/noise-pushed", at+"/other/noise:2"))
	pushed, err := e.Push(timeout(t), at+"/other/noise:2")
	require.NoError(t, err)
	require.Less(t, sent.Load(), int64(100_000))
	require.True(t, pushed.Layers[0].Exists)

	_, err = e.Push(timeout(t), at+"/other/noise")
	refused(t, err, "tag does not exist: "+at+"/other/noise:latest", 1)
	_, err = e.Push(timeout(t), at+"/nosuch")
	refused(t, err, "An image does not exist locally with the tag: "+at+"/nosuch", 1)
}
