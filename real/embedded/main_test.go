//go:build linux

package embedded_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/real/store"
	"twinlayer/sim"
)

// host is the loopback registry that all tests pull from.
var host string

// What a test has this program be instead of one that runs tests.
var (
	part         = flag.String("part", "", "be a test's `helper`: engine, images, terminal, forbidden or subordinate")
	partData     = flag.String("partdata", "", "its data `directory`")
	partRegistry = flag.String("partregistry", "", "its registry")
	partArchive  = flag.String("partarchive", "", "an image that it loads")
)

var parts = map[string]func(data, registry string){"engine": engineFor, "images": imagesFor, "terminal": terminalFor}

// as is this program in another part, on the tests' registry.
func as(part, data string, args ...string) *exec.Cmd {
	return exec.Command("/proc/self/exe", append([]string{"-part=" + part, "-partdata=" + data, "-partregistry=" + host}, args...)...)
}

func TestMain(m *testing.M) {
	embedded.Init()
	flag.Parse()
	if be := parts[*part]; be != nil {
		be(*partData, *partRegistry)
		os.Exit(0)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	host = strings.TrimPrefix(server.URL, "http://")
	os.Exit(m.Run())
}

// ctx ends when the test has taken far too long.
func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// entry is one entry of a layer tar that a test makes.
type entry struct {
	tar.Header
	body string
}

func file(name, body string) entry {
	return entry{tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(body)), ModTime: long}, body}
}

func dir(name string) entry {
	return entry{tar.Header{Name: name + "/", Mode: 0o755, Typeflag: tar.TypeDir, ModTime: long}, ""}
}

func link(name, target string) entry {
	return entry{tar.Header{Name: name, Linkname: target, Mode: 0o777, Typeflag: tar.TypeSymlink, ModTime: long}, ""}
}

var long = time.Unix(1e9, 123456789)

func layerTar(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.Format = tar.FormatPAX
		w.WriteHeader(&e.Header)
		w.Write([]byte(e.body))
	}
	w.Close()
	return b.Bytes()
}

// push puts an image of these layers into the registry.
func push(t testing.TB, ref string, config v1.Config, layers ...[]byte) {
	t.Helper()
	img := v1.Image(empty.Image)
	for _, l := range layers {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l)), nil })
		require.NoError(t, err)
		img, err = mutate.AppendLayers(img, layer)
		require.NoError(t, err)
	}
	pushImage(t, ref, img, config)
}

func pushImage(t testing.TB, ref string, img v1.Image, config v1.Config) {
	t.Helper()
	file, err := img.ConfigFile()
	require.NoError(t, err)
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, config
	img, err = mutate.ConfigFile(img, file)
	require.NoError(t, err)
	target, err := name.ParseReference(host + "/" + ref)
	require.NoError(t, err)
	require.NoError(t, remote.Write(target, img))
}

// busybox is an image of /bin/busybox.
func busybox(t testing.TB) string {
	t.Helper()
	once(t, "busybox", func() {
		push(t, "busybox:latest", v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin", "IMAGE=yes"}}, busyboxLayer(t))
	})
	return "busybox"
}

var (
	pushing sync.Mutex
	pushed  = map[string]bool{}
)

// once pushes an image that no test changes, for all that need it.
func once(t testing.TB, name string, push func()) {
	t.Helper()
	pushing.Lock()
	defer pushing.Unlock()
	if !pushed[name] {
		push()
		pushed[name] = true
	}
}

func busyboxLayer(t testing.TB) []byte {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Lacking(t, "busybox (busybox-static) is missing")
	}
	program, err := os.ReadFile(path)
	require.NoError(t, err)
	bin := file("bin/busybox", string(program))
	bin.Mode = 0o755
	entries := []entry{dir("bin"), bin, dir("etc"), dir("tmp"), dir("home"),
		file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n"),
		file("etc/group", "root:x:0:\nana:x:1000:\nstaff:x:50:ana\n"),
		file("etc/motd", "welcome\n")}
	for _, applet := range strings.Fields(applets) {
		entries = append(entries, link("bin/"+applet, "busybox"))
	}
	return layerTar(entries...)
}

const applets = "cat chmod chown cut dd echo env false find grep head hostname id ifconfig kill ln ls mkdir mkfifo mknod mount mv ps pwd readlink rm seq sh sleep sort stat tail touch true umount wc yes"

// builtImage is busybox with a program of testdata, which it starts.
func builtImage(t testing.TB, name string) {
	t.Helper()
	source := "./testdata/" + name
	if _, err := os.Stat(source); err != nil {
		t.Skip("the program's source is not here; where it is, these tests run for every kind of user")
	}
	once(t, name, func() { pushProgram(t, name, source) })
}

func pushProgram(t testing.TB, name, source string) {
	t.Helper()
	built := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", built, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(built)
	require.NoError(t, err)
	push(t, name, v1.Config{Cmd: []string{"/" + name}, Env: []string{"PATH=/bin"}}, busyboxLayer(t), layerTar(program(name, string(text))))
}

// each runs a test on engines with root's power, with one user id, and with a
// range of them; an ordinary user has only the power he has.
func each(t *testing.T, test func(t *testing.T, e *embedded.Engine)) {
	powers := map[string]*embedded.User{"root": nil, "single": {ID: nobody}, "range": {ID: nobody, First: 200000, Count: 65536}}
	if os.Geteuid() != 0 {
		powers = map[string]*embedded.User{"ordinary": nil}
	}
	turn := len(t.Name()) // others leave out another one
	for i, name := range slices.Sorted(maps.Keys(powers)) {
		t.Run(name, func(t *testing.T) {
			testenv.Sample(t, (i+turn)%len(powers), len(powers), 1)
			t.Parallel()
			test(t, engineAs(t, powers[name]))
		})
	}
}

const nobody = 65534

// engine starts an engine on a store of its own, with busybox pulled.
func engine(t testing.TB) *embedded.Engine { return engineAs(t, nil) }

func engineAs(t testing.TB, as *embedded.User) *embedded.Engine {
	t.Helper()
	dir := scratch(t)
	if as != nil {
		require.NoError(t, os.Chown(filepath.Dir(dir), as.ID, as.ID))
	}
	e := start(t, embedded.Config{DataDir: dir, Registry: host, As: as})
	_, err := e.Pull(timeout(t), busybox(t))
	require.NoError(t, err)
	return e
}

func start(t testing.TB, cfg embedded.Config) *embedded.Engine {
	t.Helper()
	e, err := embedded.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// scratch is a path for a store; what lies there goes with the test.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("", "twinlayer-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "data")
}

func id() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var serial atomic.Int64

// spec is a container of busybox that runs args.
func spec(args ...string) sim.Spec {
	return sim.Spec{ID: id(), Name: fmt.Sprintf("test-%d", serial.Add(1)), Created: time.Now(), Image: "busybox", Args: args}
}

// run creates and starts a container.
func run(t testing.TB, e sim.Engine, s sim.Spec) (sim.Output, error) {
	t.Helper()
	_, err := e.Create(timeout(t), s)
	require.NoError(t, err)
	return e.Start(timeout(t), s.ID, false)
}

// sh runs a script in a new container and returns what it printed.
func sh(t testing.TB, e sim.Engine, script string) string {
	t.Helper()
	out, err := run(t, e, spec("sh", "-c", script))
	require.NoError(t, err)
	require.Equal(t, 0, out.Exit, out.Stdout+out.Stderr)
	return out.Stdout
}

// cancelledAt is a context that ends when the file exists in the container.
func cancelledAt(t testing.TB, e sim.Engine, container, file string) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for limit := timeout(t); limit.Err() == nil; time.Sleep(5 * time.Millisecond) {
			out, err := e.Exec(limit, container, sim.Process{Args: []string{"stat", file}})
			if err == nil && out.Exit == 0 {
				return
			}
		}
	}()
	return ctx
}

// refused asserts that err is docker's answer with these words.
func refused(t testing.TB, err error, text string, exit int) {
	t.Helper()
	var r *sim.Refusal
	require.ErrorAs(t, err, &r)
	require.Equal(t, text, r.Text)
	require.Equal(t, exit, r.Exit)
}

func errorContains(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

// requireSound asserts that nothing that stays in a store is damaged.
func requireSound(t testing.TB, data string) {
	t.Helper()
	v, err := store.Verify(timeout(t), data)
	require.NoError(t, err)
	require.Empty(t, slices.DeleteFunc(v.Damaged, func(d store.Damage) bool { return len(d.Images) == 0 && !d.Cached }))
}

// bare asserts that nothing of an image is in a store.
func bare(t testing.TB, data string) {
	t.Helper()
	for _, kept := range []string{"layers/*", "blobs/sha256/*", "sessions/*/new/*", "partial/*"} {
		left, _ := filepath.Glob(filepath.Join(data, kept))
		require.Empty(t, left)
	}
}
