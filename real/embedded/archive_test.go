//go:build linux

package embedded_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// saved is what Save writes of images.
func saved(t testing.TB, e sim.Engine, refs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, e.Save(timeout(t), refs, &b))
	return b.Bytes()
}

func load(t testing.TB, e sim.Engine, archive []byte) []string {
	t.Helper()
	names, err := e.Load(timeout(t), bytes.NewReader(archive))
	require.NoError(t, err)
	return names
}

func squeezed(t testing.TB, b []byte) (gz, zs []byte) {
	var one, two bytes.Buffer
	z := gzip.NewWriter(&one)
	z.Write(b)
	require.NoError(t, z.Close())
	s, err := zstd.NewWriter(&two)
	require.NoError(t, err)
	s.Write(b)
	require.NoError(t, s.Close())
	return one.Bytes(), two.Bytes()
}

// An image that is saved, removed and loaded is the same image.
func TestSaveLoad(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		push(t, "ana/two:1", v1.Config{Cmd: []string{"cat", "/x"}}, busyboxLayer(t), layerTar(file("x", "12345"), link("l", "x")))
		_, err := e.Pull(timeout(t), "ana/two:1")
		require.NoError(t, err)
		require.NoError(t, e.Tag(timeout(t), "ana/two:1", "other:2"))
		before, err := e.Image(timeout(t), "ana/two:1")
		require.NoError(t, err)
		archive := saved(t, e, "ana/two:1", "other:2", "busybox")
		gz, zs := squeezed(t, archive)
		for _, packed := range [][]byte{archive, gz, zs} {
			for _, ref := range []string{"ana/two:1", "other:2", "busybox"} {
				_, err := e.RemoveImage(timeout(t), ref, false)
				require.NoError(t, err)
			}
			require.Equal(t, []string{"ana/two:1", "other:2", "busybox:latest"}, load(t, e, packed))
			after, err := e.Image(timeout(t), "other:2")
			require.NoError(t, err)
			require.Equal(t, before, after)
			s := spec()
			s.Image = "ana/two:1"
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, sim.Output{Stdout: "12345"}, out)
			require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))
		}
		require.Equal(t, archive, saved(t, e, "ana/two:1", "other:2", "busybox"), "the same images make the same archive")
		_, err = e.RemoveImage(timeout(t), "other:2", false)
		require.NoError(t, err)
		byID := saved(t, e, before.ID.String())
		_, err = e.RemoveImage(timeout(t), "ana/two:1", false)
		require.NoError(t, err)
		require.Equal(t, []string{before.ID.String()}, load(t, e, byID), "an image saved by its id has no name")
	})
}

func TestSaveRefusals(t *testing.T) {
	e := engine(t)
	refused(t, e.Save(timeout(t), []string{"nosuch"}, io.Discard), "reference does not exist", 1)
	require.ErrorContains(t, e.Save(timeout(t), []string{"busybox"}, fullDisk{}), "no room")
	ctx, cancel := context.WithCancel(timeout(t))
	cancel()
	require.ErrorIs(t, e.Save(ctx, []string{"busybox"}, io.Discard), context.Canceled)
}

type fullDisk struct{}

func (fullDisk) Write(p []byte) (int, error) { return 0, errors.New("no room") }

// What is no archive of images is refused, and leaves nothing.
func TestHostileArchives(t *testing.T) {
	data := scratch(t)
	e := start(t, embedded.Config{DataDir: data, Registry: host})
	layer := string(layerTar(file("x", "1")))
	id := digest.FromString(layer)
	config := `{"os":"linux","rootfs":{"type":"layers","diff_ids":["` + id.String() + `"]}}`
	up := strings.Repeat("../", 10)
	for name, c := range map[string]struct {
		archive []byte
		says    string
	}{
		"nothing":      {nil, "neither a manifest.json"},
		"text":         {[]byte(strings.Repeat("no archive at all ", 100)), "no tar archive"},
		"other tar":    {layerTar(file("etc/passwd", "x")), "neither a manifest.json"},
		"broken json":  {layerTar(file("manifest.json", "[{")), "manifest.json"},
		"no config":    {layerTar(file("manifest.json", `[{"Config":"c","Layers":[]}]`)), "configuration c, which is not there"},
		"config out":   {layerTar(file("manifest.json", `[{"Config":"`+up+`etc/passwd","Layers":[]}]`)), "not there"},
		"few layers":   {layerTar(file("c", config), file("manifest.json", `[{"Config":"c","Layers":[]}]`)), "0 layers, but 1 diffIDs"},
		"no layer":     {layerTar(file("c", config), file("manifest.json", `[{"Config":"c","Layers":["l.tar"]}]`)), "layer l.tar is not there"},
		"other layer":  {layerTar(file("c", config), file("l.tar", string(layerTar(file("x", "2")))), file("manifest.json", `[{"Config":"c","Layers":["l.tar"]}]`)), "should have the diffID"},
		"link circle":  {layerTar(link("a", "b"), link("b", "a"), file("manifest.json", `[{"Config":"a","Layers":[]}]`)), "not there"},
		"bad name":     {layerTar(file("c", config), file("l.tar", layer), file("manifest.json", `[{"Config":"c","RepoTags":["../x"],"Layers":["l.tar"]}]`)), "invalid reference format"},
		"bad diffID":   {layerTar(file("c", `{"rootfs":{"diff_ids":["sha256:../../x"]}}`), file("l.tar", layer), file("manifest.json", `[{"Config":"c","Layers":["l.tar"]}]`)), "damaged"},
		"windows":      {layerTar(file("c", `{"os":"windows"}`), file("manifest.json", `[{"Config":"c","Layers":[]}]`)), `image operating system "windows" cannot be used`},
		"wrong digest": {layerTar(file("blobs/sha256/"+strings.Repeat("0", 64), "{}"), file("index.json", "{}")), "has the digest"},
		"index circle": {layerTar(file("index.json", `{"manifests":[{"digest":"sha256:`+strings.Repeat("0", 64)+`"}]}`)), "is not there"},
		"big json":     {layerTar(file("manifest.json", "["+strings.Repeat(" ", 5<<20)+"]")), "more than is read"},
		"bad layer":    {layerTar(file("l.tar", string(layerTar(file("etc", "0"), file(up+"etc/x", "1")))), file("manifest.json", "[]")), "open /etc/x: not a directory"},
		"cut short":    {layerTar(file("l.tar", layer))[:2000], "unexpected EOF"},
	} {
		_, err := e.Load(timeout(t), bytes.NewReader(c.archive))
		require.ErrorContains(t, err, c.says, name)
	}
	_, err := e.Load(timeout(t), io.MultiReader(bytes.NewReader(layerTar(file("l.tar", layer))[:700]), broken{}))
	require.ErrorContains(t, err, "the network is down")
	images, err := e.Images(timeout(t))
	require.NoError(t, err)
	require.Empty(t, images)
	bare(t, data)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the network is down") }

// A load that is called off ends at once, though nothing more comes.
// What is loaded is told of as docker load does on a terminal.
func TestLoadTells(t *testing.T) {
	e := engine(t)
	archive := saved(t, e, "busybox")
	var last sim.Progress
	_, err := e.Load(sim.WithProgress(timeout(t), func(p sim.Progress) { last = p }), bytes.NewReader(archive))
	require.NoError(t, err)
	img, err := e.Image(timeout(t), "busybox")
	require.NoError(t, err)
	require.Equal(t, sim.Short(img.Layers[0]), last.ID)
	require.Equal(t, "Loading layer", last.Action)
	require.Positive(t, last.Total)
	require.Equal(t, last.Total, last.Done)
}

func TestLoadCancelled(t *testing.T) {
	e := engine(t)
	ctx, cancel := context.WithTimeout(timeout(t), 100*time.Millisecond)
	defer cancel()
	r, w := io.Pipe()
	defer w.Close()
	_, err := e.Load(ctx, r)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		gz, zs := squeezed(t, busyboxLayer(t))
		for _, root := range [][]byte{busyboxLayer(t), gz, zs} {
			i := sim.Import{Root: bytes.NewReader(root), Ref: "ana/root", Comment: "Imported from -", Created: time.Unix(1e9, 0)}
			i.Config.Cmd = []string{"cat", "/etc/motd"}
			img, err := e.Import(timeout(t), i)
			require.NoError(t, err)
			require.Equal(t, []string{"ana/root:latest"}, img.Tags)
			require.Equal(t, digest.FromBytes(busyboxLayer(t)), img.Layers[0])
			require.Equal(t, "Imported from -", img.Config.History[0].Comment)
			s := spec()
			s.Image = "ana/root"
			out, err := run(t, e, s)
			require.NoError(t, err)
			require.Equal(t, sim.Output{Stdout: "welcome\n"}, out)
		}
		_, err := e.Import(timeout(t), sim.Import{Root: strings.NewReader("no tar"), Ref: "x"})
		require.Error(t, err)
	})
}

// Layers are what the layers' tars hold, whatever the engine can keep of it on
// its disk, and can be read after their image has gone.
func TestLayers(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		secret := file("secret", "for one user's eyes")
		secret.Mode, secret.Uid, secret.Gid = 0o600, 1000, 50
		odd := link("odd", "secret")
		odd.Uid = 77
		top := layerTar(dir("d"), secret, odd, file(".wh.etc", ""), file("big", strings.Repeat("0123456789", 300000)))
		push(t, "layers", v1.Config{}, busyboxLayer(t), top)
		_, err := e.Pull(timeout(t), "layers")
		require.NoError(t, err)
		trees, err := e.Layers(timeout(t), "layers")
		require.NoError(t, err)
		require.Len(t, trees, 2)
		_, err = e.RemoveImage(timeout(t), "layers", false)
		require.NoError(t, err)
		for i, packed := range [][]byte{busyboxLayer(t), top} {
			want, err := fs.ReadTar(bytes.NewReader(packed))
			require.NoError(t, err)
			a, err := want.Digest()
			require.NoError(t, err)
			b, err := trees[i].Digest()
			require.NoError(t, err)
			require.Equal(t, a, b)
		}
		content, err := trees[1].Lookup("/big").Data.Bytes()
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("0123456789", 300000), string(content))
	})
}
