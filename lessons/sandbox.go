package lessons

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/session"
)

// sandbox is what a lesson has for itself: what it makes in each world, and a
// directory on this machine. All of it is thrown away in the end, be it that of
// the program.
type sandbox struct {
	session *session.Session
	host    sim.Host
	dir     sim.TempDir
	before  map[string]inventory // by engine: what was there before the lesson
}

// inventory is what an engine has.
type inventory struct {
	containers []string // ids
	images     []string // references, and ids of those without one
	volumes    []string
}

func (b *sandbox) worlds() []sim.Engine {
	if b.session.Real == nil || b.session.Broken() != nil {
		return []sim.Engine{b.session.Model}
	}
	return []sim.Engine{b.session.Model, b.session.Real}
}

// open clears the way for the lesson: of the containers that it declares none
// is left, and images of the names that it declares are set aside until the
// end.
func (b *sandbox) open(ctx context.Context, l Lesson) error {
	first := b.before == nil
	if first {
		b.before = map[string]inventory{}
		b.session.BeginScratch(ctx)
	}
	for _, w := range b.worlds() {
		if err := removeContainers(ctx, w, l.Containers); err != nil {
			return err
		}
		if !first {
			continue
		}
		have, err := takeInventory(ctx, w)
		if err != nil {
			return err
		}
		b.before[w.Name()] = have
		for _, ref := range l.Images {
			if err := move(ctx, w, ref, aside+ref); err != nil {
				return err
			}
		}
	}
	return b.makeDir(l)
}

// had are the images that were there before the lesson in any world: one may
// have taken over an image from the other only in the lesson.
func (b *sandbox) had() (all []string) {
	for _, had := range b.before {
		all = append(all, had.images...)
	}
	return all
}

// aside begins the references of images that are set aside.
const aside = "set-aside/"

// move gives an image another reference in place of the one it has; what is
// not there is not moved.
func move(ctx context.Context, w sim.Engine, from, to string) error {
	if err := w.Tag(ctx, from, to); err != nil {
		return refusable(err)
	}
	_, err := w.RemoveImage(ctx, from, false)
	return refusable(err)
}

func removeContainers(ctx context.Context, w sim.Engine, names []string) error {
	for _, name := range names {
		if err := refusable(w.RemoveContainer(ctx, name, sim.RemoveOptions{Force: true, Volumes: true})); err != nil {
			return err
		}
	}
	return nil
}

// refusable is err, unless it is only a refusal: what is not there, or is in
// use, stays as it is.
func refusable(err error) error {
	var r *sim.Refusal
	if errors.As(err, &r) {
		return nil
	}
	return err
}

func (b *sandbox) makeDir(l Lesson) error {
	if b.dir == nil {
		var err error
		if b.dir, err = b.host.TempDir(); err != nil {
			return err
		}
	}
	return b.fill(l.Files)
}

// fill makes these the files of the directory, and no others.
func (b *sandbox) fill(files map[string]string) error {
	if err := b.dir.Clear(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := b.dir.Write(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// sweep throws away all that came since open: in each world the containers,
// images and volumes. What was set aside stays there.
func (b *sandbox) sweep(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	b.session.Detach()
	var failed error
	for _, w := range b.worlds() {
		before := b.before[w.Name()]
		before.images = b.had()
		failed = errors.Join(failed, sweep(ctx, w, before, before.new))
	}
	return failed
}

func sweep(ctx context.Context, w sim.Engine, before inventory, images func(now inventory) []string) error {
	now, err := takeInventory(ctx, w)
	if err != nil {
		return err
	}
	for _, id := range without(now.containers, before.containers) {
		err = errors.Join(err, refusable(w.RemoveContainer(ctx, id, sim.RemoveOptions{Force: true, Volumes: true})))
	}
	err = errors.Join(err, sweepImages(ctx, w, images))
	for _, name := range without(now.volumes, before.volumes) {
		err = errors.Join(err, refusable(w.RemoveVolume(ctx, name)))
	}
	return err
}

// sweepImages removes images until none more can be removed: one that others
// stand on goes only after them.
func sweepImages(ctx context.Context, w sim.Engine, which func(now inventory) []string) error {
	for left := -1; ; {
		now, err := takeInventory(ctx, w)
		if err != nil {
			return err
		}
		mine := which(now)
		if len(mine) == 0 || len(mine) == left {
			return nil
		}
		left = len(mine)
		for _, ref := range mine {
			if _, err := w.RemoveImage(ctx, ref, true); refusable(err) != nil {
				return err
			}
		}
	}
}

// new are the images of now that were not there before a lesson, neither so
// nor set aside.
func (s inventory) new(now inventory) []string {
	return slices.DeleteFunc(slices.Clone(now.images), func(ref string) bool {
		return slices.Contains(s.images, strings.TrimPrefix(ref, aside)) && !s.aside(now, ref)
	})
}

// aside says whether ref is a name whose image of before the lesson is set
// aside, so that what is called so now is the lesson's.
func (s inventory) aside(now inventory, ref string) bool {
	return slices.Contains(now.images, aside+ref)
}

func without(all, those []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(those, s) })
}

// takeInventory takes stock of an engine.
func takeInventory(ctx context.Context, w sim.Engine) (s inventory, err error) {
	containers, err := w.Containers(ctx)
	if err != nil {
		return s, err
	}
	images, err := w.Images(ctx)
	if err != nil {
		return s, err
	}
	volumes, err := w.Volumes(ctx)
	for _, k := range containers {
		s.containers = append(s.containers, k.ID)
	}
	for _, v := range volumes {
		s.volumes = append(s.volumes, v.Name)
	}
	s.images = tags(images)
	for _, img := range images { // newest first, so a child goes before its parent
		if len(img.Tags) == 0 {
			s.images = append(s.images, img.ID.String())
		}
	}
	return s, err
}

// close throws away what is the lesson's, and gives back what was set aside.
func (b *sandbox) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	err := b.sweep(ctx)
	for _, w := range b.worlds() {
		now, failed := takeInventory(ctx, w)
		err = errors.Join(err, failed)
		for _, ref := range now.images {
			if back, was := strings.CutPrefix(ref, aside); was {
				err = errors.Join(err, move(ctx, w, ref, back))
			}
		}
	}
	b.session.EndScratch(ctx)
	if b.dir == nil {
		return err
	}
	return errors.Join(err, b.dir.Remove())
}
