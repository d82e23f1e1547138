package docker

import (
	"context"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"twinlayer/sim"
)

// Volumes are this session's, by name.
func (e *Engine) Volumes(ctx context.Context) ([]sim.Volume, error) {
	filter := make(client.Filters).Add("label", labelSession+"="+string(e.session))
	var list client.VolumeListResult
	err := again(ctx, func() (err error) {
		list, err = e.client.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
		return err
	})
	if err != nil {
		return nil, e.cfg.explain(err)
	}
	out := []sim.Volume{}
	for _, v := range list.Items {
		out = append(out, sim.Volume{Name: v.Labels[labelName], Anonymous: v.Labels[labelLone] != "", Created: moment(v.CreatedAt)})
	}
	slices.SortFunc(out, func(a, b sim.Volume) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateVolume makes a volume of ours.
func (e *Engine) CreateVolume(ctx context.Context, v sim.Volume) error {
	labels := map[string]string{labelSession: string(e.session), labelName: v.Name}
	if v.Anonymous {
		labels[labelLone] = "true"
	}
	_, err := e.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: e.session.object(v.Name), Labels: labels})
	return e.cfg.explain(err)
}

// volume is what a volume is called in the engine; it is made if it is not
// there.
func (e *Engine) volume(ctx context.Context, v sim.Volume) (string, error) {
	all, err := e.Volumes(ctx)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(all, func(there sim.Volume) bool { return there.Name == v.Name }) {
		err = e.CreateVolume(ctx, v)
	}
	return e.session.object(v.Name), err
}

// RemoveVolume removes a volume of ours.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	all, err := e.Volumes(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(v sim.Volume) bool { return v.Name == name }) {
		return sim.NoSuchVolume(name)
	}
	containers, err := e.Containers(ctx)
	if err != nil {
		return err
	}
	if users := sim.VolumeUsers(containers, name); len(users) > 0 {
		return sim.VolumeInUse(name, users)
	}
	_, err = e.client.VolumeRemove(ctx, e.session.object(name), client.VolumeRemoveOptions{})
	return e.cfg.explain(err)
}

// dropVolumes removes the volumes that were made for a container alone.
func (e *Engine) dropVolumes(ctx context.Context, c sim.Spec) error {
	for _, m := range c.Mounts {
		if !c.Owns(m) {
			continue
		}
		_, err := e.client.VolumeRemove(ctx, e.session.object(m.Source), client.VolumeRemoveOptions{})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return e.cfg.explain(err)
		}
	}
	return nil
}
