package docker

import (
	"context"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"twinlayer/real/docker/owned"
	"twinlayer/sim"
)

// Volumes are this session's, by name.
func (e *Engine) Volumes(ctx context.Context) ([]sim.Volume, error) {
	filter := make(client.Filters).Add("label", owned.LabelSession+"="+string(e.session))
	var list client.VolumeListResult
	err := again(ctx, func() (err error) {
		list, err = e.client.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
		return err
	})
	if err != nil {
		return nil, e.cfg.Explain(err)
	}
	out := []sim.Volume{}
	for _, v := range list.Items {
		out = append(out, sim.Volume{Name: v.Labels[owned.LabelName], Anonymous: v.Labels[owned.LabelLone] != "", Created: moment(v.CreatedAt)})
	}
	slices.SortFunc(out, func(a, b sim.Volume) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateVolume makes a volume of ours.
func (e *Engine) CreateVolume(ctx context.Context, v sim.Volume) error {
	labels := map[string]string{owned.LabelSession: string(e.session), owned.LabelName: v.Name}
	if v.Anonymous {
		labels[owned.LabelLone] = "true"
	}
	_, err := e.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: e.session.Object(v.Name), Labels: labels})
	return e.cfg.Explain(err)
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
	return e.session.Object(v.Name), err
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
	_, err = e.client.VolumeRemove(ctx, e.session.Object(name), client.VolumeRemoveOptions{})
	return e.cfg.Explain(err)
}

// dropVolumes removes the volumes that were made for a container alone.
func (e *Engine) dropVolumes(ctx context.Context, c sim.Spec) error {
	for _, m := range c.Mounts {
		if !c.Owns(m) {
			continue
		}
		_, err := e.client.VolumeRemove(ctx, e.session.Object(m.Source), client.VolumeRemoveOptions{})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return e.cfg.Explain(err)
		}
	}
	return nil
}
