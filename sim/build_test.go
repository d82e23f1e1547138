package sim_test

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
)

// files is a host of the files of a test: "Dockerfile", "src/a".
type files map[string]string

func (f files) Open(name string) (io.ReadCloser, error) {
	text, ok := f[path.Clean(name)]
	if !ok {
		return nil, &os.PathError{Op: "lstat", Path: name, Err: os.ErrNotExist}
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (f files) Create(string, func(io.Writer) error) error { return os.ErrPermission }
func (f files) Put(string, *fs.Tree) error                 { return os.ErrPermission }

func (f files) Tree(dir string) (*fs.Tree, error) {
	b := fs.NewBuilder()
	if err := b.Put("/ctx", fs.Node{Mode: fs.S_IFDIR | 0o755}); err != nil {
		return nil, err
	}
	for name, text := range f {
		n := fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(text)), UID: 1000, GID: 1000}
		if err := b.Put(filepath.Join("/ctx", name), n); err != nil {
			return nil, err
		}
	}
	return b.Tree(), nil
}

func (f files) Abs(name string) string { return path.Join("/ctx", name) }

func (f files) Kind(name string) (sim.HostKind, error) {
	if name == "." {
		return sim.HostDir, nil
	}
	if _, ok := f[name]; ok {
		return sim.HostFile, nil
	}
	return sim.HostNothing, nil
}

// build builds in a model and returns what it shows.
func build(t *testing.T, s *sim.Session, line string, f files) sim.View {
	t.Helper()
	s.Host = f
	r, err := s.Run(context.Background(), line, func(string) string { return "" })
	require.NoError(t, err)
	return r.Model
}

func TestBuildPrintsAsDocker(t *testing.T) {
	v := build(t, session(t), "docker build -t foo .", files{"a.txt": "a", "Dockerfile": "FROM busybox\nRUN echo hi; touch /f\nCOPY a.txt /x/\nCMD [\"sh\"]\n"})
	require.Empty(t, v.Stderr)
	t.Log(v.Stdout)
	require.Zero(t, v.Exit)
}
