package docker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"twinlayer/real/docker/owned"
	"twinlayer/sim"
)

// record is a container of this session, as it was asked for.
type record struct {
	sim.Container
	engine string   // its id in the engine
	exit   chan end // of the last start
	image  image
}

// Create makes a container. It has the name that spec gives, unless a
// stranger in the engine has that.
func (e *Engine) Create(ctx context.Context, spec sim.Spec) (sim.Container, error) {
	img, err := e.base(ctx, spec.Image)
	if err != nil {
		return sim.Container{}, err
	}
	all, err := e.Containers(ctx)
	if err != nil {
		return sim.Container{}, err
	}
	argv, err := sim.Plan(img.Config.Config, spec, sim.Holder(all, spec.Name))
	if err != nil {
		return sim.Container{}, err
	}
	spec.Mounts = sim.Mounts(img.Config.Config, spec)
	mounts, err := e.mounts(ctx, spec)
	if err != nil {
		return sim.Container{}, err
	}
	options := client.ContainerCreateOptions{Name: spec.Name, Config: e.config(spec, img, argv), HostConfig: hostConfig(spec, mounts)}
	made, err := e.client.ContainerCreate(ctx, options)
	if cerrdefs.IsConflict(err) || err != nil && strings.Contains(err.Error(), "is already in use") {
		options.Name = e.session.Object(spec.Name)
		made, err = e.client.ContainerCreate(ctx, options)
	}
	if err != nil && strings.Contains(err.Error(), "is not directory") {
		uncopied(mounts)
		made, err = e.client.ContainerCreate(ctx, options)
	}
	if err != nil {
		if failed := e.dropVolumes(ctx, spec); failed != nil {
			return sim.Container{}, failed
		}
		return sim.Container{}, e.refused(err, 1)
	}
	c := &record{engine: made.ID, image: img}
	c.Container = sim.Container{Spec: &spec, ImageID: img.ID, Path: argv, Status: sim.Created}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.containers[spec.ID] = c
	return c.Container, nil
}

// uncopied has nothing copied into volumes. Docker copies when it makes a
// container, and so refuses there what is mounted on a file, with a path of its
// own disk; without a copy it is refused at the start, as every other mount.
func uncopied(mounts []mount.Mount) {
	for i := range mounts {
		if mounts[i].Type == mount.TypeVolume {
			mounts[i].VolumeOptions = &mount.VolumeOptions{NoCopy: true}
		}
	}
}

// config is what the container is to be. It never has a terminal, so that
// what it prints comes in two streams.
func (e *Engine) config(spec sim.Spec, img image, argv []string) *container.Config {
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[owned.LabelSession], labels[owned.LabelID], labels[owned.LabelName] = string(e.session), spec.ID, spec.Name
	c := &container.Config{
		Hostname: spec.Host(), User: spec.User, OpenStdin: spec.Interactive, StdinOnce: spec.Interactive,
		AttachStdin: spec.Interactive, AttachStdout: true, AttachStderr: true,
		Env: spec.Env, Image: e.reference(img), WorkingDir: spec.Dir, Entrypoint: spec.Entrypoint, Cmd: spec.Args,
		Labels: labels, StopSignal: spec.StopSignal,
	}
	if spec.TTY {
		c.Env = append([]string{"TERM=xterm"}, spec.Env...)
	}
	if len(spec.Entrypoint) == 1 && spec.Entrypoint[0] == "" {
		c.Entrypoint, c.Cmd = argv[:1], argv[1:]
	}
	return c
}

// reference is a reference of ours to an image, which people who look into
// the engine can read; its id where it has none.
func (e *Engine) reference(img image) string {
	if len(img.Tags) > 0 {
		return e.session.Inside(img.Tags[0])
	}
	return img.engine.String()
}

func hostConfig(spec sim.Spec, mounts []mount.Mount) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode: container.NetworkMode(cmp.Or(string(spec.Network), "none")), AutoRemove: spec.AutoRemove,
		ReadonlyRootfs: spec.ReadOnly, CapAdd: spec.CapAdd, CapDrop: spec.CapDrop, Mounts: mounts,
	}
	h.Memory = spec.Memory
	if spec.PIDs != 0 {
		h.PidsLimit = &spec.PIDs
	}
	return h
}

// mounts are the container's; volumes that are not there are made.
func (e *Engine) mounts(ctx context.Context, spec sim.Spec) ([]mount.Mount, error) {
	var out []mount.Mount
	for _, m := range spec.Mounts {
		made := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		if m.Type == sim.InStore {
			name, err := e.volume(ctx, sim.Volume{Name: m.Source, Anonymous: spec.Owns(m)})
			if err != nil {
				return nil, err
			}
			made.Source = name
		}
		out = append(out, made)
	}
	return out, nil
}

// Containers are this session's, newest first.
func (e *Engine) Containers(ctx context.Context) ([]sim.Container, error) {
	out := []sim.Container{}
	for _, c := range e.handled() {
		now, err := e.status(ctx, c)
		gone := cerrdefs.IsNotFound(err)
		if gone && c.AutoRemove {
			if err := e.forget(ctx, c, true); err != nil {
				return nil, err
			}
		}
		if gone || err == nil && now.Status == "" {
			continue
		}
		if err != nil {
			return nil, e.cfg.Explain(err)
		}
		out = append(out, now)
	}
	slices.SortStableFunc(out, func(a, b sim.Container) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// Overview is what a view tells of this session's containers.
func (e *Engine) Overview(ctx context.Context) ([]sim.ContainerView, error) {
	all, err := e.Containers(ctx)
	return sim.Overview(all), err
}

// Container is the one of ours that key names.
func (e *Engine) Container(ctx context.Context, key string) (sim.Container, error) {
	_, now, err := e.container(ctx, key)
	return now, err
}

func (e *Engine) known(id string) (*record, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.containers[id]
	return c, ok
}

// handled are the containers that this session has made, and not removed.
func (e *Engine) handled() []*record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.containers))
}

// status is a container as it is now; without a Status it is on its way out.
func (e *Engine) status(ctx context.Context, c *record) (sim.Container, error) {
	now, err := e.client.ContainerInspect(ctx, c.engine, client.ContainerInspectOptions{})
	if err != nil {
		return sim.Container{}, err
	}
	out := c.Container
	state := now.Container.State
	switch {
	case state.Status == container.StateRemoving:
		out.Status = ""
	case state.Running || state.Paused:
		out.Status = sim.Running
	case state.Status == container.StateExited || state.Status == container.StateDead || state.Status == "stopped":
		out.Status, out.Exit = sim.Exited, state.ExitCode
	}
	out.Started, out.Finished = moment(state.StartedAt), moment(state.FinishedAt)
	return out, nil
}

func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// container is the one of ours that key names.
func (e *Engine) container(ctx context.Context, key string) (*record, sim.Container, error) {
	all, err := e.Containers(ctx)
	if err != nil {
		return nil, sim.Container{}, err
	}
	now, err := sim.FindContainer(all, key)
	if err != nil {
		return nil, now, err
	}
	c, _ := e.known(now.ID)
	return c, now, nil
}

// running is container for what needs it to run.
func (e *Engine) running(ctx context.Context, key string) (*record, sim.Container, error) {
	c, now, err := e.container(ctx, key)
	if err == nil && now.Status != sim.Running {
		err = sim.NotRunning(now)
	}
	return c, now, err
}

// RemoveContainer removes a container of ours.
func (e *Engine) RemoveContainer(ctx context.Context, key string, o sim.RemoveOptions) error {
	c, now, err := e.container(ctx, key)
	if err != nil {
		return err
	}
	if now.Status == sim.Running && !o.Force {
		return sim.StillRunning(now)
	}
	_, err = e.client.ContainerRemove(ctx, c.engine, client.ContainerRemoveOptions{Force: o.Force, RemoveVolumes: o.Volumes})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return e.cfg.Explain(err)
	}
	return e.forget(ctx, c, o.Volumes)
}

// forget lets go of what a container that was removed had: its shells, an image
// that it alone held, and, if volumes is set, the volumes that were made for
// it. They have names, so the engine does not take them for its own.
func (e *Engine) forget(ctx context.Context, c *record, volumes bool) error {
	e.mu.Lock()
	delete(e.containers, c.ID)
	for name, s := range e.shells {
		if s.in == c {
			delete(e.shells, name)
			s.stream.Close()
		}
	}
	e.mu.Unlock()
	if err := e.release(ctx, c.image); err != nil || !volumes {
		return err
	}
	return e.dropVolumes(ctx, *c.Spec)
}

// Stop asks a container to end, and kills it after grace.
func (e *Engine) Stop(ctx context.Context, key string, grace time.Duration) error {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return err
	}
	seconds := int((grace + time.Second - 1) / time.Second)
	_, err = e.client.ContainerStop(ctx, c.engine, client.ContainerStopOptions{Timeout: &seconds})
	return e.cfg.Explain(err)
}

// Kill sends a signal to a container's process. The engine knows signals; its
// refusals are put into docker's words of today.
func (e *Engine) Kill(ctx context.Context, key, signal string) error {
	c, now, err := e.container(ctx, key)
	if err != nil {
		return err
	}
	_, err = e.client.ContainerKill(ctx, c.engine, client.ContainerKillOptions{Signal: signal})
	switch {
	case err != nil && strings.Contains(strings.ToLower(err.Error()), "invalid signal"):
		return sim.InvalidSignal(signal)
	case err != nil && now.Status != sim.Running:
		return sim.NotKilled(now, key)
	}
	return e.cfg.Explain(err)
}

// Wait waits for a container's end.
func (e *Engine) Wait(ctx context.Context, key string) (int, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return 0, err
	}
	return e.wait(ctx, c, container.WaitConditionNotRunning)()
}

// wait begins to wait; what it returns waits for the answer.
func (e *Engine) wait(ctx context.Context, c *record, until container.WaitCondition) func() (int, error) {
	w := e.client.ContainerWait(ctx, c.engine, client.ContainerWaitOptions{Condition: until})
	return func() (int, error) {
		select {
		case end := <-w.Result:
			return int(end.StatusCode), nil
		case err := <-w.Error:
			return 0, e.cfg.Explain(err)
		}
	}
}

// Top is what the engine's ps tells of a container's processes.
func (e *Engine) Top(ctx context.Context, key string) ([][]string, error) {
	c, _, err := e.running(ctx, key)
	if err != nil {
		return nil, err
	}
	var options client.ContainerTopOptions
	if e.cfg.Podman {
		options.Arguments = []string{podmanTop}
	}
	top, err := e.client.ContainerTop(ctx, c.engine, options)
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	if e.cfg.Podman {
		asPs(top.Titles, top.Processes)
	}
	return append([][]string{top.Titles}, top.Processes...), nil
}
