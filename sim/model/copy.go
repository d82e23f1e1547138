package model

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"
	"time"

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
		if why := c.unread(); why != "" {
			return &sim.Unknown{Why: why}
		}
		x := t.reaching(c)
		if st, err := x.sys.Stat(dir, true); err != nil || st.Mode&fs.S_IFMT != fs.S_IFDIR {
			return sim.NoSuchPath(c.Container, dir)
		}
		t.step("copy", dir, "files come from outside into the container's file system, as if root had written them there")
		if err := x.put(dir, files); err != nil {
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
		c.mounts = fs.NewMounts(list...)
	}
	return t.execution(c)
}

// put copies a tree below dir. Directories that are there keep what they are;
// all else is replaced.
func (x *execution) put(dir string, files *fs.Tree) error {
	engine := *x.sys
	engine.Take = nil // what comes from outside stays where it is
	top, err := engine.In(dir)
	if err != nil {
		return err
	}
	to := inserter{top: dir, way: []opened{{"", top}}, names: map[fs.Ino]string{}}
	for p := range files.All() {
		if err := to.one(p); err != nil {
			return sim.Refuse("writing %s: %s", path.Join(dir, p.Path), lowerReason(err))
		}
	}
	return nil
}

// inserter is a copy under way. It has the directories open that lead to where
// it is: what an entry costs does not depend on how deep it is.
type inserter struct {
	top   string
	way   []opened
	names map[fs.Ino]string // of what has been put, absolute
}

// opened is a directory of the tree that is put, and the system calls in it.
type opened struct {
	path string
	sys  *fs.Sys
}

func (to *inserter) one(p fs.Path) error {
	cut := strings.LastIndexByte(p.Path, '/')
	for to.way[len(to.way)-1].path != p.Path[:cut] {
		to.way = to.way[:len(to.way)-1]
	}
	sys, base := to.way[len(to.way)-1].sys, p.Path[cut+1:]
	if err := to.entry(sys, base, p); err != nil || !p.IsDir() {
		return err
	}
	in, err := sys.In(base)
	to.way = append(to.way, opened{p.Path, in})
	return err
}

func (to *inserter) entry(sys *fs.Sys, base string, p fs.Path) error {
	st, err := sys.Stat(base, false)
	there := err == nil
	if there && p.IsDir() && st.Mode&fs.S_IFMT == fs.S_IFDIR {
		return nil
	}
	if there {
		if err := sys.FS().RemoveAll(base); err != nil {
			return err
		}
	}
	if first, ok := to.names[p.Ino]; ok && !p.IsDir() {
		return sys.Link(first, base)
	}
	if p.Nlink > 1 {
		to.names[p.Ino] = path.Join(to.top, p.Path)
	}
	if err := makeOne(sys, base, p); err != nil {
		return err
	}
	return dress(sys, base, p)
}

func makeOne(sys *fs.Sys, base string, p fs.Path) error {
	switch p.Type() {
	case fs.S_IFDIR:
		return sys.Mkdir(base, p.Mode&0o7777)
	case fs.S_IFLNK:
		return sys.Symlink(p.Target, base)
	case fs.S_IFREG:
		return copyFile(sys, base, p)
	}
	engine := *sys
	engine.Host = true // the engine makes devices, or notes them, where a container's root may not
	return engine.Mknod(base, p.Mode, p.Rdev)
}

func copyFile(sys *fs.Sys, base string, p fs.Path) error {
	out, err := sys.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, p.Mode&0o7777)
	if err != nil {
		return err
	}
	if err := out.Fill(p.Data); err != nil {
		return err
	}
	return out.Close()
}

// dress gives a new file the owner, permissions, attributes and time that it
// is to have. None of these is a step: the file came with them. An owner that
// the engine cannot give to a file is noted beside it, as those in images are.
func dress(sys *fs.Sys, base string, p fs.Path) error {
	quiet := *sys
	quiet.Log, quiet.IDs = nil, 0
	if p.UID != 0 || p.GID != 0 {
		if err := quiet.Chown(base, int(p.UID), int(p.GID), false); err != nil {
			return err
		}
	}
	if p.Type() != fs.S_IFLNK {
		if err := quiet.Chmod(base, p.Mode&0o7777); err != nil {
			return err
		}
	}
	for _, a := range p.Xattrs {
		if err := quiet.Setxattr(base, a.Name, a.Value, false); err != nil && fs.ErrnoOf(err) != fs.EOPNOTSUPP {
			return err
		}
	}
	return quiet.Utimes(base, time.Time{}, time.Unix(0, p.Mtime), false)
}

// CopyOut is a file or directory of a container.
func (m *Model) CopyOut(_ context.Context, key, name string) (tree *fs.Tree, err error) {
	err = m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if why := c.foreign(); why != "" {
			return &sim.Unknown{Why: why}
		}
		x := t.reaching(c)
		full, ok := x.real(name)
		if !ok {
			return sim.NoSuchPath(c.Container, name)
		}
		t.step("copy", full, "what the layers show at %s is read, whichever layer it is in; the container does not change", full)
		tree = entry(x.whole(c), full)
		return nil
	})
	return tree, err
}

// real is a name with the symlinks on the way to it followed, as a path from
// the root; false where nothing is there.
func (x *execution) real(name string) (string, bool) {
	at := "/"
	parts := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	for range 40 {
		if len(parts) == 0 || parts[0] == "" {
			return at, true
		}
		next := path.Join(at, parts[0])
		st, err := x.sys.Stat(next, false)
		if err != nil {
			return "", false
		}
		if st.Mode&fs.S_IFMT != fs.S_IFLNK || len(parts) == 1 {
			at, parts = next, parts[1:]
			continue
		}
		target, err := x.sys.Readlink(next)
		if err != nil {
			return "", false
		}
		if !path.IsAbs(target) {
			target = path.Join(at, target)
		}
		at, parts = "/", append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), parts[1:]...)
	}
	return "", false
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

// entry is what stands at name as the one entry of a tree's root; of "/" it is
// the whole tree.
func entry(t *fs.Tree, name string) *fs.Tree {
	if name == "/" {
		return t
	}
	b := fs.NewCopy()
	base := "/" + path.Base(name)
	for p := range t.All() {
		if p.Path == name {
			b.Add(p, base, *p.Node)
		}
	}
	for p := range t.All() {
		if rest, ok := fs.Below(name, p.Path); ok {
			b.Add(p, base+rest, *p.Node)
		}
	}
	return b.Tree()
}
