package build

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/go-units"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/dockerfile"
)

// sources are what a build is made of: the build context, without what
// .dockerignore leaves out.
type sources struct {
	context *fs.Tree
}

// read reads the Dockerfile and the context. Files of the context belong to
// root, whoever owns them on the host.
func (b *builder) read() error {
	dir := b.Args[0]
	if dir == "-" || isRemote(dir) || strings.HasPrefix(dir, "github.com/") {
		return sim.Refuse("unable to prepare context: %s: a build here is made of a directory; give its path", dir)
	}
	if err := b.checkDir(dir); err != nil {
		return err
	}
	text, name, err := b.dockerfile(dir)
	if err != nil {
		return err
	}
	tree, err := b.host.Tree(b, strings.TrimSuffix(dir, "/")+"/.")
	if err != nil {
		return hostRefusal("unable to prepare context: ", err)
	}
	if b.context, err = b.left(tree); err != nil {
		return err
	}
	if b.file, err = dockerfile.Parse(name, text); err != nil {
		return sim.FromDaemon(refusal(err))
	}
	return nil
}

// ignoring is how long a .dockerignore may take.
const ignoring = 10 * time.Second

// left is the build context that .dockerignore leaves of a directory.
func (b *builder) left(tree *fs.Tree) (*fs.Tree, error) {
	ctx, stop := context.WithTimeoutCause(b, ignoring, fmt.Errorf("after %v they are not through: write simpler ones, or take a smaller directory", ignoring))
	defer stop()
	left, err := dockerfile.Context(ctx, tree)
	switch {
	case b.Err() != nil:
		return nil, b.Err()
	case ctx.Err() != nil:
		return nil, sim.Refuse("error checking context: the expressions of .dockerignore: %v", context.Cause(ctx))
	}
	return left, refusal(err)
}

func (b *builder) checkDir(dir string) error {
	switch kind, err := b.host.Kind(dir); {
	case err != nil:
		return hostRefusal("unable to prepare context: ", err)
	case kind == sim.HostNothing:
		return sim.Refuse("unable to prepare context: path %q not found", dir)
	case kind != sim.HostDir:
		return sim.Refuse("unable to prepare context: context must be a directory: %s", dir)
	}
	return nil
}

// hostRefusal is what the machine's files had against it, as docker's command
// prints it.
func hostRefusal(prefix string, err error) error {
	if err == nil || sim.IsBroken(err) || errors.As(err, new(*sim.Refusal)) {
		return err
	}
	return sim.Refuse("%s%v", prefix, err)
}

const maxDockerfile = 8 << 20

// dockerfile is the text of the Dockerfile, and what errors call it.
func (b *builder) dockerfile(dir string) (text []byte, name string, err error) {
	name = b.File
	switch name {
	case "":
		name = path.Join(dir, "Dockerfile")
	case "-":
		return nil, "", sim.Refuse("unable to prepare context: a Dockerfile from standard input cannot be read here; write it to a file")
	}
	f, err := b.host.Open(name)
	if err != nil {
		return nil, "", hostRefusal("unable to prepare context: unable to evaluate symlinks in Dockerfile path: ", err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, maxDockerfile))
	if err != nil {
		return nil, "", hostRefusal("unable to prepare context: ", err)
	}
	return text, path.Base(filepath.ToSlash(name)), nil
}

// sent is what docker says of the context it sends: the size of its tar.
func (b *builder) sent() string {
	const block = 512
	n := int64(2 * block)
	for f := range b.context.All() {
		n += block
		if f.IsRegular() {
			n += (f.Size() + block - 1) / block * block
		}
	}
	return units.HumanSize(float64(n))
}

// hostPath is where a bind mount of the build context is on the host.
func (b *builder) hostPath(source string) (string, error) {
	rel := strings.TrimPrefix(path.Clean("/"+source), "/")
	if rel != "" && b.context.Lookup(rel) == nil {
		return "", fmt.Errorf("RUN --mount=type=bind: %s: not found in build context or excluded by .dockerignore", source)
	}
	return b.host.Abs(path.Join(b.Args[0], rel)), nil
}

// unpack is what an archive holds that ADD finds: a tar, plain or in gzip,
// bzip2, xz or zstd; nil where data is none.
func (b *builder) unpack(data *fs.Data) (*fs.Tree, error) {
	if plain, err := fs.Decompress(data.Reader(), fs.DefaultLimits); err != nil || !isTar(plain) {
		return nil, nil
	}
	spool, err := b.host.Spool()
	if err != nil {
		return nil, err
	}
	tree, err := fs.ReadArchive(data.Reader(), spool, fs.DefaultLimits)
	return tree, sim.BadTar(err)
}

func isTar(r io.Reader) bool {
	_, err := tar.NewReader(r).Next()
	return err == nil
}
