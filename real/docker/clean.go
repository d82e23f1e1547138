package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"twinlayer/real/docker/daemon"
	"twinlayer/real/docker/owned"
)

// Cleaned is what was removed.
type Cleaned struct{ Containers, Images, Volumes int }

func (c Cleaned) String() string {
	return fmt.Sprintf("%d container(s), %d image reference(s) and %d volume(s)", c.Containers, c.Images, c.Volumes)
}

// Clean removes all that sessions of twinlayer left in the engine, those
// that still run excepted.
func Clean(ctx context.Context, t daemon.Target) (Cleaned, error) {
	api, err := t.Dial()
	if err != nil {
		return Cleaned{}, err
	}
	defer api.Close()
	done, err := clean(ctx, api, func(s owned.Session) bool { return !daemon.Alive(s.PID()) })
	return done, t.Explain(err)
}

// clean removes what the sessions made that are chosen. What is gone already
// is no fault, and what does not answer is not asked on.
func clean(ctx context.Context, api *client.Client, chosen func(owned.Session) bool) (Cleaned, error) {
	var done Cleaned
	var err error
	for _, each := range []func(context.Context, *client.Client, func(owned.Session) bool) error{done.containers, done.images, done.volumes} {
		if err = errors.Join(err, each(ctx, api, chosen)); daemon.Gone(err) {
			break
		}
	}
	return done, err
}

func (c *Cleaned) containers(ctx context.Context, api *client.Client, chosen func(owned.Session) bool) error {
	var all client.ContainerListResult
	err := again(ctx, func() (err error) {
		all, err = api.ContainerList(ctx, client.ContainerListOptions{All: true})
		return err
	})
	if err != nil {
		return err
	}
	for _, item := range all.Items {
		if s, ours := maker(item); !ours || !chosen(s) {
			continue
		}
		_, err := api.ContainerRemove(ctx, item.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err := c.count(&c.Containers, err); err != nil {
			return err
		}
	}
	return nil
}

// maker is the session that made a container: its label tells, or its name
// where a build has left it (see [Engine.Keep]).
func maker(item container.Summary) (owned.Session, bool) {
	if s, ok := item.Labels[owned.LabelSession]; ok {
		return owned.Session(s), true
	}
	for _, name := range item.Names {
		if s, ok := owned.ObjectOf(strings.TrimPrefix(name, "/")); ok {
			return s, true
		}
	}
	return "", false
}

func (c *Cleaned) images(ctx context.Context, api *client.Client, chosen func(owned.Session) bool) error {
	all, err := list(ctx, api, client.ImageListOptions{})
	if err != nil {
		return err
	}
	for _, item := range all {
		for _, ref := range item.RepoTags {
			if s, ours := owned.Owner(ref); !ours || !chosen(s) {
				continue
			}
			_, err := api.ImageRemove(ctx, ref, client.ImageRemoveOptions{Force: true, PruneChildren: true})
			if err := c.count(&c.Images, err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cleaned) volumes(ctx context.Context, api *client.Client, chosen func(owned.Session) bool) error {
	var all client.VolumeListResult
	err := again(ctx, func() (err error) {
		all, err = api.VolumeList(ctx, client.VolumeListOptions{Filters: make(client.Filters).Add("label", owned.LabelSession)})
		return err
	})
	if err != nil {
		return err
	}
	for _, item := range all.Items {
		if !chosen(owned.Session(item.Labels[owned.LabelSession])) {
			continue
		}
		_, err := api.VolumeRemove(ctx, item.Name, client.VolumeRemoveOptions{Force: true})
		if err := c.count(&c.Volumes, err); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cleaned) count(n *int, err error) error {
	switch {
	case err == nil:
		*n++
	case cerrdefs.IsNotFound(err) || strings.Contains(err.Error(), "already in progress"):
		return nil
	}
	return err
}
