package model

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"
)

// Create makes a container.
func (m *Model) Create(_ context.Context, spec sim.Spec) (out sim.Container, err error) {
	err = m.do(func(t *transition) error {
		out, err = t.create(spec)
		return err
	})
	return out, err
}

func (t *transition) create(spec sim.Spec) (sim.Container, error) {
	img, err := t.base(spec.Image)
	if err != nil {
		return sim.Container{}, err
	}
	argv, err := sim.Plan(img.Config.Config, spec, t.state.Holder(spec.Name))
	if err != nil {
		return sim.Container{}, err
	}
	base := t.model.contents.Root(img.root, img.layers)
	spec.Mounts = sim.Mounts(img.Config.Config, spec)
	spec.Created = spec.Created.Round(0) // as engines keep it: by the wall clock
	c := container{
		Container: sim.Container{Spec: &spec, ImageID: img.ID, Path: argv, Status: sim.Created}, image: img, unread: base.Unread,
		process: spec.Process(argv, img.Config.Config),
	}
	root := vfs.NewUnion(base.Stack, base.Merged, vfs.NewUpper(base.Merged, t.tick().UnixNano()))
	c.mounts = vfs.NewMounts(vfs.Mount{Source: "overlay", Target: "/", Type: "overlay", FS: root})
	t.state = t.state.with(c)
	c, _ = t.state.container(c.ID)
	t.step("create", "/", createdWhy(spec, len(img.Layers)))
	t.makeVolumes(c, base.Merged)
	if err := t.makeDir(c); err != nil && base.Unread.Empty() {
		t.remove(c)
		t.removeVolumesOf(c)
		return sim.Container{}, err
	}
	return c.Container, nil
}

// makeDir makes a container's working directory where its image lacks it, as
// docker does before the container is started.
func (t *transition) makeDir(c container) error {
	dir := path.Clean("/" + c.process.Dir)
	if strings.HasPrefix(dir, "/proc/") {
		return nil // where only the container's own processes see anything
	}
	x := t.execution(c)
	x.bind(0)
	if refusal := x.enter(dir); refusal != nil {
		return refusal
	}
	x.save()
	return nil
}

// base is the image that a container is made of.
func (t *transition) base(ref string) (*image, error) {
	found, err := sim.BaseImage(t.model.images(t.state), ref, t.Facts.Arch)
	if err != nil {
		return nil, err
	}
	if found.ID == "" {
		return &image{Image: found, root: &contents.RootOnce{}}, nil
	}
	img, _ := t.state.images.Get(found.ID)
	return img, nil
}

// makeVolumes makes the volumes that the container names and that are not
// there, filled with what the image has at their place, as docker does.
func (t *transition) makeVolumes(c container, image *fs.Tree) {
	for _, m := range c.Mounts {
		if m.Type != sim.InStore {
			continue
		}
		v, ok := t.state.volumes.Get(m.Source)
		if !ok {
			v = volume{Volume: sim.Volume{Name: m.Source, Anonymous: c.Owns(m), Created: t.now}, tree: emptyDir(0o755, t.now.UnixNano())}
			t.state = t.state.withVolume(v)
			t.step("volume", m.Target, sayVolumeForContainer(shortVolume(m.Source)))
		}
		if v.tree.Empty() && image.Lookup(m.Target) != nil && image.Lookup(m.Target).IsDir() {
			v.tree = image.Subtree(m.Target)
			t.state = t.state.withVolume(v)
			t.step("volume", m.Target, sayVolumeFilled(m.Target))
		}
	}
}

func emptyDir(perm uint32, at int64) *fs.Tree {
	b := fs.NewBuilder()
	b.MustPut("/", fs.Node{Mode: fs.S_IFDIR | perm, Mtime: at, Ctime: at})
	return b.Tree()
}

// mountVolumes adds to a container's mounts what its Spec asks for. Each needs
// a directory to be mounted on, which is made in the container's layer.
func (t *transition) mountVolumes(c container, mounts *vfs.Mounts) *vfs.Mounts {
	list := mounts.Fork().List()
	list[0].FS = list[0].FS.ReadOnly(false)
	sys := &vfs.Sys{Mounts: vfs.NewMounts(list...), Clock: t.tick}
	for _, m := range c.Mounts {
		if err := sys.FS().MkdirAll(m.Target, 0o755); err != nil {
			continue // docker says so when the process is started there
		}
		list = append(list, t.mount(m))
		sys.Mounts = vfs.NewMounts(list...)
		t.step("mount", m.Target, mountWhy(m))
	}
	if c.ReadOnly {
		list[0].FS, list[0].Options = list[0].FS.ReadOnly(true), "ro,relatime"
		t.step("mount", "/", sayRootReadOnly)
	}
	return vfs.NewMounts(list...)
}

// mountable refuses to start a container that would have something mounted in
// /proc, or whose image has a directory in the place of a file that is to be
// mounted there, or the other way round.
func (x *execution) mountable(c container) *sim.Refusal {
	for _, m := range c.Mounts {
		if problem := sim.ProcProblem(m.Target); problem != "" {
			return sim.StartFailed(problem)
		}
	}
	root := vfs.Sys{Mounts: vfs.NewMounts(vfs.Mount{Target: "/", FS: c.root().Fork()}), Clock: x.t.tick}
	unlike := func(target string, isDir bool) bool {
		st, err := root.Stat(target, true)
		return fs.ErrnoOf(err) == fs.ENOTDIR || err == nil && (st.Mode&fs.S_IFMT == fs.S_IFDIR) != isDir
	}
	for _, file := range slices.Sorted(maps.Keys(sim.EtcFiles(c.Host()))) {
		if unlike(file, false) {
			return sim.StartFailed(sim.MountProblem(file))
		}
	}
	for _, dir := range c.directories() {
		if unlike(dir, true) {
			return sim.StartFailed(sim.MountProblem(dir))
		}
	}
	return nil
}

// directories are where one is mounted for certain.
func (c container) directories() []string {
	all := []string{"/dev", "/proc", "/sys"}
	for _, m := range c.Mounts {
		if m.Type != sim.Bind {
			all = append(all, m.Target)
		}
	}
	return all
}

func (t *transition) mount(m sim.Mount) vfs.Mount {
	out := vfs.Mount{Source: m.Source, Target: m.Target, Type: "bind", Options: "rw,relatime"}
	switch m.Type {
	case sim.Tmpfs:
		out = vfs.Mount{Source: "tmpfs", Target: m.Target, Type: "tmpfs", Options: "rw,nosuid,nodev,noexec,relatime"}
		out.FS = vfs.NewTmpfs(emptyDir(fs.S_ISVTX|0o777, t.now.UnixNano()))
	case sim.InStore:
		v, _ := t.state.volumes.Get(m.Source)
		out.FS = vfs.NewTmpfs(v.tree)
	default:
		out.FS = vfs.NewTmpfs(emptyDir(0o755, t.now.UnixNano()))
	}
	if m.ReadOnly {
		out.FS, out.Options = out.FS.ReadOnly(true), "ro,relatime"
	}
	return out
}

func createdWhy(spec sim.Spec, layers int) say.Phrase {
	if layers == 0 {
		return sayCreatedOnNothing(spec.Name)
	}
	return sayCreated(spec.Name, layers, spec.Image)
}

func mountWhy(m sim.Mount) say.Phrase {
	switch m.Type {
	case sim.Tmpfs:
		return sayTmpfsMounted
	case sim.InStore:
		return sayVolumeMounted(shortVolume(m.Source))
	}
	return sayHostMounted(m.Source)
}

func shortVolume(name string) string {
	if len(name) == 64 {
		return sim.Short(name)
	}
	return name
}

// foreign says why the model cannot know what a process of the container
// finds there; empty where it can.
func (c container) foreign() say.Phrase {
	if !c.unread.Empty() {
		return c.unread
	}
	for _, m := range c.Mounts {
		if m.Type == sim.Bind {
			return sayHostFiles(m.Source, m.Target)
		}
	}
	return c.astray
}

// refreshed is the container with its volumes as they are now: another
// container may have written to them.
func (t *transition) refreshed(c container) container {
	list := slices.Clone(c.mounts.List())
	old := true
	for i := range list {
		m, ok := c.mountAt(list[i].Target)
		if !ok || m.Type != sim.InStore || i == 0 || list[i].Type != "bind" {
			continue
		}
		if v, ok := t.state.volumes.Get(m.Source); ok && list[i].FS.Upper() != v.tree {
			list[i].FS, old = t.mount(m).FS, false
		}
	}
	if !old {
		c.mounts = vfs.NewMounts(list...)
	}
	return c
}

func (c container) mountAt(target string) (sim.Mount, bool) {
	i := slices.IndexFunc(c.Mounts, func(m sim.Mount) bool { return path.Clean(m.Target) == target })
	if i < 0 {
		return sim.Mount{}, false
	}
	return c.Mounts[i], true
}

// storeVolumes makes what the container's processes wrote to its volumes what
// these hold.
func (s State) storeVolumes(c container) State {
	for _, mount := range c.mounts.List()[1:] {
		if m, ok := c.mountAt(mount.Target); ok && m.Type == sim.InStore && !m.ReadOnly && mount.Type == "bind" {
			if v, ok := s.volumes.Get(m.Source); ok && v.tree != mount.FS.Upper() {
				v.tree = mount.FS.Upper()
				s = s.withVolume(v)
			}
		}
	}
	return s
}

// RemoveContainer removes a container and its layer.
func (m *Model) RemoveContainer(_ context.Context, key string, o sim.RemoveOptions) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		if c.Status == sim.Running && !o.Force {
			return sim.StillRunning(c.Container)
		}
		auto := c.AutoRemove
		t.stop(c, exitKilled)
		t.remove(c)
		if o.Volumes || auto {
			t.removeVolumesOf(c)
		}
		return nil
	})
}

func (t *transition) remove(c container) {
	t.state = t.state.without(c)
	t.step("remove", "/", sayRemoved(c.Name))
}

// removeVolumesOf removes the volumes that were made for the container alone.
func (t *transition) removeVolumesOf(c container) {
	for _, m := range c.Mounts {
		if v, ok := t.state.volumes.Get(m.Source); ok && v.Anonymous && len(sim.VolumeUsers(t.state.Containers(), m.Source)) == 0 {
			t.state = t.state.withoutVolume(m.Source)
			t.step("volume", m.Target, sayVolumeGoesAlong(shortVolume(m.Source)))
		}
	}
}

// volume is a volume with what it holds.
type volume struct {
	sim.Volume
	tree *fs.Tree
}

func (s State) withVolume(v volume) State {
	s.volumes = s.volumes.With(v.Name, v)
	return s
}

func (s State) withoutVolume(name string) State {
	s.volumes = s.volumes.Without(name)
	return s
}

// Volumes are all volumes, by name.
func (m *Model) Volumes(context.Context) ([]sim.Volume, error) {
	var out []sim.Volume
	for v := range m.State().volumes.Values() {
		out = append(out, v.Volume)
	}
	return out, nil
}

// CreateVolume makes a volume.
func (m *Model) CreateVolume(_ context.Context, v sim.Volume) error {
	if err := sim.CheckVolume(v.Name); err != nil {
		return err
	}
	return m.do(func(t *transition) error {
		if _, ok := t.state.volumes.Get(v.Name); ok {
			return nil
		}
		t.state = t.state.withVolume(volume{v, emptyDir(0o755, v.Created.UnixNano())})
		t.step("volume", "/", sayVolumeMade(shortVolume(v.Name)))
		return nil
	})
}

// RemoveVolume removes a volume that no container uses.
func (m *Model) RemoveVolume(_ context.Context, name string) error {
	return m.do(func(t *transition) error {
		if _, ok := t.state.volumes.Get(name); !ok {
			return sim.NoSuchVolume(name)
		}
		if users := slices.Concat(sim.VolumeUsers(t.state.Containers(), name), sim.ForeignUsers(t.model.elsewhere, name)); len(users) > 0 {
			return sim.VolumeInUse(name, users)
		}
		t.state = t.state.withoutVolume(name)
		t.step("volume", "/", sayVolumeRemoved(shortVolume(name)))
		return nil
	})
}
