package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/dockerfile"
)

// configure makes an image of an instruction that runs nothing and copies
// nothing: a commit of a container that was never started.
func (b *builder) configure(told string) error {
	line := b.stage.Nop(told)
	if hit, err := b.cached(line); hit || err != nil {
		return err
	}
	k, err := b.create(sim.Spec{Args: append(slices.Clone(b.stage.Shell()), "#(nop) ", strings.TrimPrefix(told, " "))})
	if err != nil {
		return err
	}
	b.say(" ---> Running in %s\n", sim.Short(k.ID))
	return b.commit(k, line, true)
}

// workdir makes the directory too, where it is missing.
func (b *builder) workdir(told string) error {
	line := b.stage.Nop(told)
	if hit, err := b.cached(line); hit || err != nil {
		return err
	}
	root, err := b.root(b.image)
	if err != nil {
		return err
	}
	made, err := dockerfile.Directories(b.stage.Config.WorkingDir, root, b.latest.UnixNano())
	if err != nil {
		return err
	}
	k, err := b.create(sim.Spec{NoVolumes: true, Args: append(slices.Clone(b.stage.Shell()), "#(nop) ", told)})
	if err != nil {
		return err
	}
	b.say(" ---> Running in %s\n", sim.Short(k.ID))
	if made != nil {
		if err := b.engine.CopyIn(b, k.ID, "/", made); err != nil {
			return err
		}
	}
	return b.commit(k, line, true)
}

// run runs a command in a container and commits what it left.
func (b *builder) run(c *instructions.RunCommand) error {
	argv, err := b.stage.RunArgv(c)
	if err != nil {
		return err
	}
	spec, err := b.runSpec(c)
	if err != nil {
		return err
	}
	line := b.stage.Ran(argv)
	spec.Args = argv
	spec.Env, _ = b.stage.BuildEnv()
	if hit, err := b.cachedRun(line, spec); hit || err != nil {
		return err
	}
	k, err := b.create(spec)
	if err != nil {
		return err
	}
	b.say(" ---> Running in %s\n", sim.Short(k.ID))
	out, err := b.start(k)
	b.putOutput(out)
	if err == nil && out.Exit != 0 {
		err = &sim.Refusal{Text: fmt.Sprintf("The command '%s' returned a non-zero code: %d", strings.Join(argv, " "), out.Exit), Exit: out.Exit}
	}
	if err != nil {
		b.tellFailed(k, out, err)
		return b.leave(k, err)
	}
	below := len(b.image.Layers)
	if err := b.commit(k, line, true); err != nil {
		return err
	}
	b.tellDone(out, below)
	return nil
}

// tellFailed tells the model of a container that is kept, or was never there.
func (b *builder) tellFailed(k sim.Container, out sim.Output, err error) {
	if b.Tell == nil {
		return
	}
	t := sim.Performed{Out: out, Layer: func(ctx context.Context) (*fs.Tree, error) { return b.engine.Layer(ctx, k.ID) }}
	if out.Exit == 0 {
		t.Err = err
	}
	b.Tell.Tell(b.serial, t)
}

// tellDone tells the model of a container that became the last image, on an
// image of so many layers.
func (b *builder) tellDone(out sim.Output, below int) {
	if b.Tell == nil {
		return
	}
	img := b.image
	b.Tell.Tell(b.serial, sim.Performed{Out: out, Layer: func(ctx context.Context) (*fs.Tree, error) {
		if len(img.Layers) == below {
			return fs.NewBuilder().Tree(), nil
		}
		layers, err := b.engine.Layers(ctx, img.ID.String())
		if err != nil {
			return nil, err
		}
		return layers[len(layers)-1], nil
	}})
}

// start runs the container's command. What the model cannot predict it takes
// over from the real world's same step.
func (b *builder) start(k sim.Container) (sim.Output, error) {
	out, err := b.engine.Start(b, k.ID, false)
	var unknown *sim.Unknown
	if errors.As(err, &unknown) { // whether it can be started
		out, err = sim.Output{Unknown: unknown.Why}, nil
	}
	if err != nil || out.Unknown.Empty() {
		return out, err
	}
	return b.adopt(k, out)
}

// leave keeps the container of a failed step, to be looked at.
func (b *builder) leave(k sim.Container, err error) error {
	var r *sim.Refusal
	switch {
	case b.ForceRemove:
		if err := b.remove(k); err != nil {
			return err
		}
	case errors.As(err, &r):
		b.view.Hint(sayContainerKept(k.Name, k.Name))
	}
	return err
}

// runSpec is what the flags of a RUN ask of its container.
func (b *builder) runSpec(c *instructions.RunCommand) (sim.Spec, error) {
	var s sim.Spec
	if instructions.GetSecurity(c) == instructions.SecurityInsecure {
		return s, fmt.Errorf("RUN --security=insecure: this engine gives no container more power; leave it out")
	}
	if slices.Contains(c.FlagsUsed, "device") {
		return s, fmt.Errorf("RUN --device: this engine gives containers no devices; leave it out")
	}
	if network := instructions.GetNetwork(c); network == instructions.NetworkHost || network == instructions.NetworkDefault && b.BuildNetwork == "host" {
		s.Network = sim.HostNetwork
	}
	for _, m := range instructions.GetMounts(c) {
		mount, err := b.mount(m)
		if err != nil {
			return s, err
		}
		s.Mounts = append(s.Mounts, mount)
	}
	return s, nil
}

// mount is what a RUN --mount asks for, where it can be honoured.
func (b *builder) mount(m *instructions.Mount) (sim.Mount, error) {
	refused := func(what, instead string) (sim.Mount, error) {
		return sim.Mount{}, fmt.Errorf("RUN --mount=type=%s: this engine has no %s; %s", m.Type, what, instead)
	}
	if m.Target == "" {
		return sim.Mount{}, fmt.Errorf("invalid mount target %q", m.Target)
	}
	out := sim.Mount{Target: strings.TrimSuffix(b.stage.Abs(m.Target), "/"), ReadOnly: m.ReadOnly}
	switch {
	case m.Mode != nil || m.UID != nil || m.GID != nil:
		return refused("mounts with mode, uid or gid", "leave these out")
	case m.Type == instructions.MountTypeTmpfs && m.SizeLimit == 0:
		out.Type = sim.Tmpfs
	case m.Type == instructions.MountTypeTmpfs:
		return refused("limit of size", "leave it out")
	case m.From != "":
		return refused("mounts from a stage or an image", "COPY --from brings the files in")
	case m.Type == instructions.MountTypeCache:
		out.Type, out.Source = sim.InStore, cacheVolume(m)
	case m.Type == instructions.MountTypeBind:
		dir, err := b.hostPath(m.Source)
		out.Type, out.Source = sim.Bind, dir
		return out, err
	default:
		return refused(map[instructions.MountType]string{
			instructions.MountTypeSecret: "secrets", instructions.MountTypeSSH: "ssh agent",
		}[m.Type], "nothing of the host is handed to a build but its context")
	}
	return out, nil
}

// cacheVolume is the volume that a cache mount is kept in from build to build.
func cacheVolume(m *instructions.Mount) string {
	id := m.CacheID
	if id == "" {
		id = m.Target
	}
	sum := sha256.Sum256([]byte(id))
	return "buildcache-" + hex.EncodeToString(sum[:6])
}

// create makes a container from the last image.
func (b *builder) create(s sim.Spec) (sim.Container, error) {
	s, err := b.described(s)
	if err != nil {
		return sim.Container{}, err
	}
	k, err := b.engine.Create(b, s)
	return k, err
}

// containerID is the id of this instruction's container. It follows from the
// command's, so that every world has the same.
func (b *builder) containerID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", b.ID, b.serial))
	return hex.EncodeToString(sum[:])
}

// described is this instruction's container, with all that it is called.
func (b *builder) described(s sim.Spec) (sim.Spec, error) {
	all, err := b.engine.Containers(b)
	if err != nil {
		return s, err
	}
	s.ID, s.Created = b.containerID(), b.moment()
	seed, _ := strconv.ParseUint(s.ID[:16], 16, 64)
	s.Name = sim.FreeName(seed, func(name string) bool { return sim.Holder(all, name) != "" })
	s.Image, s.Entrypoint = sim.Short(b.image.ID), []string{""}
	return s, nil
}

// commit makes the container the next image, and removes it.
func (b *builder) commit(k sim.Container, line string, shown bool) error {
	kept := b.Keep && shown
	img, err := b.engine.Commit(b, sim.Commit{
		Container: k.ID, Config: b.stage.Config, CreatedBy: line, Author: b.stage.Author,
		Created: b.moment(), Latest: b.latest, Pause: true, Step: !kept,
	})
	if err != nil {
		return errors.Join(err, b.remove(k))
	}
	if !kept {
		if err := b.remove(k); err != nil {
			return err
		}
		if shown {
			b.say("Removing intermediate container %s\n", sim.Short(k.ID))
		}
	}
	b.image, b.known = img, append(b.known, img)
	b.arrive()
	return nil
}

func (b *builder) remove(k sim.Container) error {
	return b.engine.RemoveContainer(b, k.ID, sim.RemoveOptions{Force: true, Volumes: true})
}

// root is an image's root file system.
func (b *builder) root(img sim.Image) (*fs.Tree, error) {
	if t, ok := b.roots[img.ID]; ok {
		return t, nil
	}
	var layers []*fs.Tree
	if img.ID != "" {
		var err error
		if layers, err = b.engine.Layers(b, img.ID.String()); err != nil {
			return nil, err
		}
	}
	b.roots[img.ID] = fs.Merge(layers...)
	return b.roots[img.ID], nil
}
