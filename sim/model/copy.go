package model

import (
	"context"
	"errors"
	"twinlayer/fs/vfs"

	iofs "io/fs"
	"path"
	"slices"
	"twinlayer/fs"
	"twinlayer/sim"
)

// CopyIn puts files into a container.
func (m *Model) CopyIn(_ context.Context, key, dir string, files *fs.Tree) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if c.ReadOnly {
			return sim.Refuse("container rootfs is marked read-only")
		}
		if why := c.unread; !why.Empty() {
			return &sim.Unknown{Why: why}
		}
		x := t.reaching(c)
		if st, err := x.sys.Stat(dir, true); err != nil || st.Mode&fs.S_IFMT != fs.S_IFDIR {
			return sim.NoSuchPath(c.Container, dir)
		}
		t.step("copy", dir, sayCopiedIn)
		engine := *x.sys
		engine.Take = nil // what comes from outside stays where it is
		err = engine.PutTree(dir, files)
		if at := (*iofs.PathError)(nil); errors.As(err, &at) {
			return sim.Refuse("writing %s: %s", at.Path, lowerReason(at.Err))
		}
		if err != nil {
			return err
		}
		x.output(0)
		return nil
	})
}

// reaching is root in a container that need not run: it sees the container's
// files and volumes.
func (t *transition) reaching(c container) *execution {
	if c.Status != sim.Running {
		list := slices.Clone(c.mounts.List()[:1])
		list[0].FS = list[0].FS.ReadOnly(false)
		for _, m := range c.Mounts {
			if m.Type == sim.InStore {
				list = append(list, t.mount(m))
			}
		}
		c.mounts = vfs.NewMounts(list...)
	}
	return t.execution(c)
}

// CopyOut is a file or directory of a container.
func (m *Model) CopyOut(_ context.Context, key, name string) (tree *fs.Tree, err error) {
	err = m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if why := c.foreign(); !why.Empty() {
			return &sim.Unknown{Why: why}
		}
		x := t.reaching(c)
		full, ok := x.sys.Realpath(name)
		if !ok {
			return sim.NoSuchPath(c.Container, name)
		}
		t.step("copy", full, sayCopiedOut(full))
		tree = x.whole(c).Only(full)
		return nil
	})
	return tree, err
}

// whole is a container's root file system with its volumes in their places.
func (x *execution) whole(c container) *fs.Tree {
	list := x.sys.Mounts.List()
	t := fs.Merge(list[0].FS.Lower(), list[0].FS.Upper())
	b := fs.NewCopy()
	root := *t.Root()
	b.MustPut("/", root)
	covered := func(string) bool { return false }
	for _, mount := range list[1:] {
		m, ok := c.mountAt(mount.Target)
		if !ok || m.Type != sim.InStore {
			continue
		}
		before := covered
		covered = func(name string) bool { _, in := fs.Below(m.Target, name); return in || before(name) }
	}
	for p := range t.All() {
		if !p.IsWhiteout() && !covered(p.Path) {
			n := *p.Node
			n.Opaque = false
			b.Add(p, p.Path, n)
		}
	}
	for _, mount := range list[1:] {
		if m, ok := c.mountAt(mount.Target); ok && m.Type == sim.InStore {
			graft(b.Builder, m.Target, mount.FS.Upper())
		}
	}
	return b.Tree()
}

// graft puts a tree in the place of the directory dir.
func graft(b *fs.Builder, dir string, t *fs.Tree) {
	b.MustPut(dir, *t.Root())
	into := fs.CopyInto(b)
	for p := range t.All() {
		into.Add(p, path.Join(dir, p.Path), *p.Node)
	}
}
