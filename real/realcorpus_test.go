//go:build linux

package real_test

import (
	"archive/tar"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
)

var everywhere = flag.Bool("everywhere", false, "TestCorpusReal builds all contexts on Debian's busybox, not some")

// onReal are the contexts that are built on Debian's busybox each time.
var onReal = []string{"arg", "copy-from-stage", "mount-cache", "onbuild", "run-exec", "run-opaque", "user", "volume-copy"}

// TestCorpusReal is TestCorpus on images that twinlayer did not make, in which
// it can predict no program: contexts of the corpus on Debian's busybox in the
// place of the bundled one.
func TestCorpusReal(t *testing.T) {
	s := both(t)
	debianBusybox(t, s)
	all := *everywhere || testenv.Corpus() != ""
	var moved []buildContext
	for _, c := range contexts(t, corpus()) {
		if !all && !slices.Contains(onReal, c.name) {
			continue
		}
		if c, ok := c.onto(t, realBusybox); ok {
			moved = append(moved, c)
		}
	}
	buildAll(t, s, moved)
}

// TestCorpusDebian builds the contexts of testdata/debian on Debian itself, but
// for its documents.
func TestCorpusDebian(t *testing.T) {
	name := testenv.Debian(t)
	if testing.Short() {
		t.Skip("a distribution takes its time")
	}
	s := both(t)
	thin := filepath.Join(t.TempDir(), "debian.tar")
	thinned(t, name, thin)
	r := agreed(t, s, "docker import -c 'ENV PATH=/usr/sbin:/usr/bin' "+thin+" real/debian")
	require.Zero(t, r.Real.Exit, r.Real.Stderr)
	buildAll(t, s, contexts(t, "testdata/debian"))
}

// bulky is what of Debian no context needs.
var bulky = regexp.MustCompile(`^\./(usr/share/(doc|i18n|info|locale|man|zoneinfo)|usr/lib/[^/]*/gconv|var/cache|var/lib/apt/lists)/.`)

// thinned copies a tar without what is bulky.
func thinned(t *testing.T, from, to string) {
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(t, err)
	r, w := tar.NewReader(in), tar.NewWriter(out)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if bulky.MatchString(h.Name) {
			continue
		}
		require.NoError(t, w.WriteHeader(h))
		_, err = io.Copy(w, r)
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(w.Close(), out.Close()))
}

// bundledName is a bundled image where a Dockerfile may name one.
var bundledName = regexp.MustCompile(`(?m)(^FROM (?:--\S+ )?|^ARG \w+=|--from=)(busybox|debian|centos|hello-world)(:latest)?\b`)

// onto is a copy of the context with another image in the place of busybox;
// false where it needs other bundled images, or none at all.
func (c buildContext) onto(t *testing.T, image string) (buildContext, bool) {
	text, err := os.ReadFile(filepath.Join(c.dir, "Dockerfile"))
	require.NoError(t, err)
	named := bundledName.FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 || slices.ContainsFunc(named, func(m []string) bool { return m[2] != "busybox" }) {
		return c, false
	}
	dir := filepath.Join(t.TempDir(), c.name)
	_, err = command(nil, "cp", "-a", c.dir, dir)
	require.NoError(t, err)
	text = bundledName.ReplaceAll(text, []byte("${1}"+image))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), text, 0o644))
	c.dir = dir
	return c, true
}
