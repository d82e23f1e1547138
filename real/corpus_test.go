//go:build linux

package real_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/kernel"
	"twinlayer/real"
	"twinlayer/real/embedded"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
	"twinlayer/sim/userland/packages"
)

// corpus is where the build contexts are, each a directory with a Dockerfile.
func corpus() string { return cmp.Or(testenv.Corpus(), "testdata/corpus") }

func TestMain(m *testing.M) {
	if packages.Has(filepath.Base(os.Args[0])) || userland.Marked() {
		os.Exit(userland.Main(os.Args, packages.Run))
	}
	embedded.Init()
	os.Exit(m.Run())
}

// both is a session over the embedded engine and the model.
func both(t testing.TB) *session.Session {
	t.Helper()
	return bothAt(t, t.TempDir())
}

// bothAt is both with the data directory of an earlier session.
func bothAt(t testing.TB, data string) *session.Session {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	images := bundle.New(platform.Host(), bundle.File(exe), userland.Applets())
	e, err := real.Open(real.Config{Choice: "embedded", DataDir: data, Registry: images})
	if err != nil {
		testenv.Lacking(t, "%v", err)
	}
	t.Cleanup(func() { e.Close() })
	info, err := e.Info(context.Background())
	require.NoError(t, err)
	var facts kernel.Facts = real.Facts()
	model := model.New(model.Config{Facts: facts, Registry: images, Programs: images.Programs, IDs: info.IDs, Spool: real.Spool, Sleep: userland.SleepFor})
	return &session.Session{Real: e, Model: model, Host: real.Host{}}
}

// buildContext is one build context of the corpus.
type buildContext struct {
	name, dir string
	args      string            // of docker build, from the file "args"
	declared  map[string]string // engine to the reason why it differs, from the file "declared"
}

// contexts are those in a directory.
func contexts(t *testing.T, in string) (all []buildContext) {
	files, err := filepath.Glob(filepath.Join(in, "*", "Dockerfile"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "%s holds no contexts", in)
	for _, f := range files {
		dir, err := filepath.Abs(filepath.Dir(f))
		require.NoError(t, err)
		c := buildContext{name: filepath.Base(dir), dir: dir, declared: map[string]string{}}
		args, _ := os.ReadFile(dir + ".args")
		c.args = strings.TrimSpace(string(args))
		declared, _ := os.ReadFile(dir + ".declared")
		for line := range strings.Lines(string(declared)) {
			engine, reason, _ := strings.Cut(strings.TrimSpace(line), ": ")
			c.declared[engine] = reason
		}
		all = append(all, c)
	}
	return all
}

// built is what an engine made of a context.
type built struct {
	failed string // its error; "" where it made an image
	config dockerspec.DockerOCIImageConfig
	layers []string // canonical digests
	files  *fs.Tree // what they show together
}

// TestCorpus builds every context in both worlds, and with Docker's classic
// builder and buildah where they are there. Beside a context NAME, a file
// NAME.args holds more arguments of docker build, and NAME.declared a line
// "docker: reason" or "buildah: reason" for a difference that is known.
func TestCorpus(t *testing.T) {
	buildAll(t, both(t), contexts(t, corpus()))
}

// buildAll builds contexts in both worlds and with the others.
func buildAll(t *testing.T, s *session.Session, all []buildContext) {
	var others []*other
	if !testing.Short() {
		others = []*other{newDocker(t), newBuildah(t)}
	}
	var mu sync.Mutex
	count := map[string]int{}
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			ours := build(t, s, c)
			for _, o := range others {
				t.Run(o.name, func(t *testing.T) {
					testenv.Sample(t, i, len(all), 1+len(all)/20)
					t.Parallel()
					verdict := o.compare(t, s, c, ours)
					mu.Lock()
					defer mu.Unlock()
					count[o.name+" "+verdict]++
				})
			}
		})
	}
	t.Logf("contexts by engine and verdict: %v", count)
}

// build builds in both worlds, which must agree.
func build(t *testing.T, s *session.Session, c buildContext) built {
	ctx := context.Background()
	tag := "corpus/" + strings.ToLower(c.name)
	r, err := s.Run(ctx, strings.TrimSpace("docker build -t "+tag+" "+c.args)+" "+c.dir, func(string) string { return "" })
	require.NoError(t, err)
	require.NoError(t, s.Broken())
	for _, d := range r.Differences {
		require.NotEqual(t, sim.Bug, d.Class, "%s: %s\nmodel: %s\nreal: %s", d.What, say.Text(d.Reason), d.Model, d.Real)
	}
	if r.Real.Exit != 0 {
		return built{failed: r.Real.Stderr}
	}
	model, real := imageOf(t, s.Model, tag), imageOf(t, s.Real, tag)
	if r.Model.Unknown.Empty() {
		require.Equal(t, real.config, model.config)
		require.Equal(t, real.layers, model.layers)
	}
	return real
}

func imageOf(t *testing.T, e sim.Engine, ref string) (b built) {
	img, err := e.Image(context.Background(), ref)
	require.NoError(t, err)
	trees, err := e.Layers(context.Background(), ref)
	require.NoError(t, err)
	b.fill(t, img.Config.Config, trees)
	return b
}

func (b *built) fill(t *testing.T, config dockerspec.DockerOCIImageConfig, trees []*fs.Tree) {
	b.config = normal(config)
	for _, tree := range trees {
		d, err := tree.Digest()
		require.NoError(t, err)
		b.layers = append(b.layers, d.String())
	}
	b.files = fs.Merge(trees...)
}

// normal leaves out what says the same in two ways: an empty list or none.
func normal(c dockerspec.DockerOCIImageConfig) dockerspec.DockerOCIImageConfig {
	if len(c.OnBuild) == 0 {
		c.OnBuild = nil
	}
	if len(c.Entrypoint) == 0 {
		c.Entrypoint = nil
	}
	if len(c.Cmd) == 0 {
		c.Cmd = nil
	}
	c.Labels = maps.Clone(c.Labels)
	delete(c.Labels, "io.buildah.version")
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	//lint:ignore SA1019 docker writes it still
	c.ArgsEscaped = false
	return c
}

// other is another builder.
type other struct {
	name    string
	missing string
	layered bool     // it makes a layer where we make one
	leaves  []string // places of a RUN's mounts that it leaves in the layer
	loaded  map[string]bool
	build   func(c buildContext, tag string) (string, error)
	load    func(archive string) error
	save    func(tag, archive string) error
}

func command(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

func newDocker(t testing.TB) *other {
	o := &other{name: "docker", layered: true, loaded: map[string]bool{}}
	env := []string{"DOCKER_BUILDKIT=0"}
	if out, err := command(env, "docker", "version", "-f", "{{.Server.Version}}"); err != nil {
		o.missing = out + "a running Docker (DOCKER_HOST)"
	}
	o.build = func(c buildContext, tag string) (string, error) {
		// A search of the cache fails where somebody else removes an image meanwhile.
		return command(env, "docker", slices.Concat([]string{"build", "--no-cache", "--network=none", "-t", tag}, strings.Fields(c.args), []string{c.dir})...)
	}
	o.load = func(archive string) error { _, err := command(env, "docker", "load", "-i", archive); return err }
	o.save = func(tag, archive string) error {
		_, err := command(env, "docker", "save", "-o", archive, tag)
		return err
	}
	return o
}

func newBuildah(t testing.TB) *other {
	o := &other{name: "buildah", loaded: map[string]bool{}, leaves: []string{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/run", "/sys", "/dev"}}
	if _, err := exec.LookPath("buildah"); err != nil || os.Getuid() != 0 {
		o.missing = "buildah, as root"
		return o
	}
	root := t.TempDir()
	env := []string{"STORAGE_DRIVER=overlay", "BUILDAH_ISOLATION=chroot"}
	global := []string{"--root", filepath.Join(root, "root"), "--runroot", filepath.Join(root, "run")}
	t.Cleanup(func() { command(env, "buildah", append(global, "rmi", "-a", "-f")...) })
	o.build = func(c buildContext, tag string) (string, error) {
		return command(env, "buildah", slices.Concat(global, []string{"bud", "--format=docker", "--layers", "--pull-never", "-t", tag}, strings.Fields(c.args), []string{c.dir})...)
	}
	o.load = func(archive string) error {
		_, err := command(env, "buildah", append(global, "pull", "docker-archive:"+archive)...)
		return err
	}
	o.save = func(tag, archive string) error {
		_, err := command(env, "buildah", append(global, "push", tag, "docker-archive:"+archive+":"+tag+":latest")...)
		return err
	}
	return o
}

// compare builds with the other builder and holds what it made against ours.
func (o *other) compare(t *testing.T, s *session.Session, c buildContext, ours built) string {
	if o.missing != "" {
		testenv.Lacking(t, "%s is missing", o.missing)
	}
	o.prepare(t, s)
	theirs, err := o.made(t, c)
	difference := ""
	switch {
	case err != nil && ours.failed == "":
		difference = "it fails: " + err.Error()
	case err == nil && ours.failed != "":
		difference = "it builds, and we fail: " + ours.failed
	case err == nil:
		difference = o.differ(ours, theirs)
	}
	_, declared := c.declared[o.name]
	switch {
	case difference == "" && declared:
		t.Errorf("%s: the declared difference is none any more", o.name)
	case difference == "":
		return "passed"
	case declared:
		return "declared"
	default:
		t.Errorf("%s: %s", o.name, difference)
	}
	return "failed"
}

func (o *other) differ(ours, theirs built) string {
	x, _ := json.Marshal(ours.config)
	y, _ := json.Marshal(theirs.config)
	switch {
	case string(x) != string(y):
		return fmt.Sprintf("the configurations differ:\nours   %s\ntheirs %s", x, y)
	case o.layered && !slices.Equal(ours.layers, theirs.layers):
		return fmt.Sprintf("the layers differ:\nours   %v\ntheirs %v", ours.layers, theirs.layers)
	}
	return unlike(ours.files, theirs.files, o.leaves)
}

// unlike names the paths in which two trees differ, but for those that theirs
// may have more.
func unlike(ours, theirs *fs.Tree, more []string) string {
	var out []string
	for f := range ours.All() {
		if o := theirs.Lookup(f.Path); o == nil || o.Mode != f.Mode || o.UID != f.UID || o.GID != f.GID || o.Target != f.Target || !sameText(o, f.Node) {
			out = append(out, "ours: "+f.Path)
		}
	}
	for f := range theirs.All() {
		if ours.Lookup(f.Path) == nil && !slices.Contains(more, f.Path) {
			out = append(out, "theirs: "+f.Path)
		}
	}
	return strings.Join(out, ", ")
}

func sameText(a, b *fs.Node) bool {
	if !a.IsRegular() {
		return true
	}
	x, err1 := a.Data.Bytes()
	y, err2 := b.Data.Bytes()
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// prepare gives the other builder our base images that it has not yet.
func (o *other) prepare(t testing.TB, s *session.Session) {
	all, err := s.Real.Images(context.Background())
	require.NoError(t, err)
	for _, img := range all {
		for _, tag := range img.Tags {
			if o.loaded[tag] || strings.HasPrefix(tag, "corpus/") {
				continue
			}
			o.loaded[tag] = true
			archive := filepath.Join(t.TempDir(), "base.tar")
			f, err := os.Create(archive)
			require.NoError(t, err)
			require.NoError(t, s.Real.Save(context.Background(), []string{tag}, f))
			require.NoError(t, f.Close())
			require.NoError(t, o.load(archive))
		}
	}
}

// made is what the other builder makes of a context.
func (o *other) made(t *testing.T, c buildContext) (b built, err error) {
	tag := "twincorpus-" + strings.ToLower(c.name)
	if _, err := o.build(c, tag); err != nil {
		return b, err
	}
	archive := filepath.Join(t.TempDir(), "built.tar")
	require.NoError(t, o.save(tag, archive))
	files := entries(t, archive)
	var manifest []struct {
		Config string
		Layers []string
	}
	require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
	var config dockerspec.DockerOCIImage
	require.NoError(t, json.Unmarshal(files[manifest[0].Config], &config))
	var trees []*fs.Tree
	for _, name := range manifest[0].Layers {
		tree, _, err := fs.ReadLayer(bytes.NewReader(files[name]), nil, fs.DefaultLimits)
		require.NoError(t, err)
		trees = append(trees, tree)
	}
	b.fill(t, config.Config, trees)
	return b, nil
}

func entries(t *testing.T, archive string) map[string][]byte {
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	out := map[string][]byte{}
	links := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if h.Typeflag == tar.TypeSymlink {
			links[h.Name] = filepath.Join(filepath.Dir(h.Name), h.Linkname)
			continue
		}
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		out[h.Name] = text
	}
	for from, to := range links {
		out[from] = out[to]
	}
	return out
}
