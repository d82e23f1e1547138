package lessons

import (
	"context"
	"fmt"
	"maps"

	"twinlayer/sim"
)

// checkpoint is what is there where a step begins, so that what is tried in the step
// can be taken back without playing all before it again.
type checkpoint struct {
	inventories map[string]inventory // by engine
	things      map[string]string    // in the model: containers and images, and how they stand
	files       map[string]string    // of the lesson's directory, with their content
}

func (b *sandbox) checkpoint(ctx context.Context) (m checkpoint, err error) {
	m.inventories = map[string]inventory{}
	for _, w := range b.worlds() {
		if m.inventories[w.Name()], err = takeInventory(ctx, w); err != nil {
			return m, err
		}
	}
	if m.things, err = things(ctx, b.session.Model); err != nil {
		return m, err
	}
	m.files, err = b.dir.Files()
	return m, err
}

// things are the containers and images of a world, and how they stand.
func things(ctx context.Context, w sim.Engine) (map[string]string, error) {
	all := map[string]string{}
	containers, err := w.Containers(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range containers {
		layer, err := w.Layer(ctx, k.ID)
		if err != nil {
			return nil, err
		}
		digest, err := layer.Digest()
		if err != nil {
			return nil, err
		}
		all[k.ID] = fmt.Sprint(k.Name, k.Status, k.Started, digest)
	}
	images, err := w.Images(ctx)
	for _, img := range images {
		all[img.ID.String()] = fmt.Sprint(img.Tags)
	}
	return all, err
}

// takeBack throws away what came since the checkpoint. Where something of before it
// has been changed it does nothing, and ok is false. Volumes are not looked
// into, so with one there it does nothing either.
func (b *sandbox) takeBack(ctx context.Context, m checkpoint) (ok bool, err error) {
	now, err := things(ctx, b.session.Model)
	if err != nil || len(m.inventories[b.session.Model.Name()].volumes) > 0 {
		return false, err
	}
	for thing, stood := range m.things {
		if now[thing] != stood {
			return false, nil
		}
	}
	for _, w := range b.worlds() {
		was, known := m.inventories[w.Name()]
		if !known {
			return false, nil
		}
		mine := func(now inventory) []string { return without(now.images, was.images) }
		if err := sweep(ctx, w, was, mine); err != nil {
			return false, err
		}
	}
	return true, b.takeBackFiles(m)
}

func (b *sandbox) takeBackFiles(m checkpoint) error {
	now, err := b.dir.Files()
	if err != nil || maps.Equal(now, m.files) {
		return err
	}
	return b.fill(m.files)
}
