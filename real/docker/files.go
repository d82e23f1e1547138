package docker

import (
	"archive/tar"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"twinlayer/fs"
	"twinlayer/sim"
)

// CopyIn puts files into a container. Docker gives directories that are there
// the attributes of the archive's, so those are left out of it.
func (e *Engine) CopyIn(ctx context.Context, key, dir string, files *fs.Tree) error {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return err
	}
	there, err := e.directories(ctx, c, dir, files)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(writeNew(w, files, there)) }()
	_, err = e.client.CopyToContainer(ctx, c.engine, client.CopyToContainerOptions{
		DestinationPath: dir, Content: r, AllowOverwriteDirWithFile: true})
	return e.cfg.Explain(err)
}

// directories are those of files that the container has below dir.
func (e *Engine) directories(ctx context.Context, c *record, dir string, files *fs.Tree) (map[string]bool, error) {
	there := map[string]bool{"/": true}
	for p := range files.All() {
		if !p.Node.IsDir() || !there[path.Dir(p.Path)] {
			continue
		}
		got, err := e.client.ContainerStatPath(ctx, c.engine, client.ContainerStatPathOptions{Path: path.Join(dir, p.Path)})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return nil, e.cfg.Explain(err)
		}
		there[p.Path] = err == nil && got.Stat.Mode.IsDir()
	}
	return there, nil
}

// writeNew writes files as a tar without the directories that are there.
func writeNew(w io.Writer, files *fs.Tree, there map[string]bool) error {
	r, all := io.Pipe()
	go func() { all.CloseWithError(files.WriteTar(all)) }()
	defer r.Close()
	in, out := tar.NewReader(r), tar.NewWriter(w)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir && there[path.Clean("/"+h.Name)] {
			continue
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}

// CopyOut reads a file or directory of a container. Podman gives all of it to
// the container's user.
func (e *Engine) CopyOut(ctx context.Context, key, name string) (*fs.Tree, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return nil, err
	}
	got, err := e.client.CopyFromContainer(ctx, c.engine, client.CopyFromContainerOptions{SourcePath: name})
	if cerrdefs.IsNotFound(err) {
		return nil, sim.Refuse("Could not find the file %s in container %s", name, key)
	}
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	defer got.Content.Close()
	spool, err := e.spool()
	if err != nil {
		return nil, err
	}
	return fs.ReadArchive(got.Content, spool, fs.DefaultLimits)
}

// kinds are those of the API (container.ChangeType).
var kinds = map[container.ChangeType]fs.Kind{
	container.ChangeModify: fs.Modify, container.ChangeAdd: fs.Add, container.ChangeDelete: fs.Delete,
}

// Changes are what the engine's own diff lists.
func (e *Engine) Changes(ctx context.Context, key string) ([]fs.Change, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return nil, err
	}
	list, err := e.client.ContainerDiff(ctx, c.engine, client.ContainerDiffOptions{})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	out := []fs.Change{}
	for _, change := range list.Changes {
		out = append(out, fs.Change{Kind: kinds[change.Kind], Path: change.Path})
	}
	slices.SortFunc(out, func(a, b fs.Change) int { return strings.Compare(a.Path, b.Path) })
	if e.cfg.Podman {
		return e.withoutOwn(ctx, c, out)
	}
	return out, nil
}

// Layer is the container's writable layer: overlayfs's upper directory where
// it can be read and is what the engine commits, else that.
func (e *Engine) Layer(ctx context.Context, key string) (*fs.Tree, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return nil, err
	}
	layer, err := e.layer(ctx, c)
	if err != nil || !e.cfg.Podman {
		return layer, err
	}
	lower, err := e.layers(ctx, c.image)
	if err != nil {
		return nil, err
	}
	return withoutMountPoints(layer, fs.Merge(lower...)), nil
}

func (e *Engine) layer(ctx context.Context, c *record) (*fs.Tree, error) {
	if e.dialect() != fs.DockerNative {
		return e.compared(ctx, c)
	}
	now, err := e.client.ContainerInspect(ctx, c.engine, client.ContainerInspectOptions{})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	if driver := now.Container.GraphDriver; driver != nil && !e.mapped() {
		spool, err := e.spool()
		if err != nil {
			return nil, err
		}
		if layer, err := readUpper(ctx, driver.Data["UpperDir"], spool); err == nil {
			return layer, nil
		}
	}
	return e.committed(ctx, c)
}
