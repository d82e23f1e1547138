package session

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/compare"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
)

// What other sessions make of images and volumes that this one shares with
// them, it takes over before its next command, so that both worlds begin that
// alike. Until then neither sees any of it (see [Engine.Refresh]).

// takeOver has both worlds see what other sessions have done since the last
// command, and returns what is to be said of it.
func (s *Session) takeOver(ctx context.Context, cmd sim.Cmd) (notice say.Phrase) {
	if s.Real == nil || s.broken != nil {
		return notice
	}
	changed, err := s.Real.Refresh(ctx)
	if err == nil && changed {
		err = s.quietly(func() error {
			notice, err = s.takeOverStore(ctx)
			return err
		})
	}
	if err == nil {
		err = s.lookAtOthers(ctx, cmd)
	}
	s.fell(err)
	return notice
}

// quietly calls f and forgets the model's steps in it.
func (s *Session) quietly(f func() error) error {
	return s.Model.Unseen(f)
}

// takeOverStore takes over which images and volumes there are.
func (s *Session) takeOverStore(ctx context.Context) (notice say.Phrase, err error) {
	images, err := s.Real.Images(ctx)
	if err != nil {
		return notice, err
	}
	volumes, err := s.Real.Volumes(ctx)
	if err != nil {
		return notice, err
	}
	was := s.images.real
	news := s.changesOf(was, images, volumes)
	err = s.Model.TakeOver(func(a model.Adoption) error {
		s.takeOverImages(ctx, a, was, images)
		s.takeOverVolumes(a, volumes)
		return nil
	})
	s.images.real, s.images.model = images, s.Model.State().Images()
	s.pairs.Learn(ctx, compare.Side{Engine: s.Model, Images: s.images.model}, compare.Side{Engine: s.Real, Images: images})
	return news, err
}

// takeOverImages does to the model's images what leads from was to now.
func (s *Session) takeOverImages(ctx context.Context, a model.Adoption, was, now []sim.Image) {
	old, kept := byID(was), byID(now)
	for _, img := range was {
		if _, ok := kept[img.ID]; !ok {
			a.RemoveImage(s.modelID(a, img.ID))
		}
	}
	for _, img := range slices.Backward(now) {
		before, had := old[img.ID]
		if had && slices.Equal(before.Tags, img.Tags) {
			continue
		}
		id := s.adoptImage(ctx, a, img)
		for _, tag := range before.Tags {
			if !slices.Contains(img.Tags, tag) {
				a.Untag(id, tag)
			}
		}
		a.Tags(img, id)
	}
}

func byID(all []sim.Image) map[digest.Digest]sim.Image {
	out := map[digest.Digest]sim.Image{}
	for _, img := range all {
		out[img.ID] = img
	}
	return out
}

// modelID is the id that an image of the real engine has in the model.
func (s *Session) modelID(a model.Adoption, id digest.Digest) digest.Digest {
	if a.HasImage(id) {
		return id
	}
	return cmp.Or(s.pairs.Other(id), id)
}

// takeOverVolumes gives the model the volumes that the real engine has.
func (s *Session) takeOverVolumes(a model.Adoption, volumes []sim.Volume) {
	for _, name := range a.VolumeNames() {
		if !slices.ContainsFunc(volumes, func(v sim.Volume) bool { return v.Name == name }) {
			a.RemoveVolume(name)
			delete(s.unread, name)
		}
	}
	s.adoptVolumeNames(a, volumes)
}

// changesOf says in one sentence what other sessions have changed; empty if that
// is nothing that shows.
func (s *Session) changesOf(was, now []sim.Image, volumes []sim.Volume) say.Phrase {
	names := map[string]string{}
	for _, name := range s.Model.State().VolumeNames() {
		names[name] = name
	}
	there := map[string]string{}
	for _, v := range volumes {
		there[v.Name] = v.Name
	}
	parts := slices.Concat(became(imageChanges, named(was), named(now)), became(volumeChanges, names, there))
	if len(parts) == 0 {
		return say.Phrase{}
	}
	all := parts[0]
	for _, part := range parts[1:] {
		all = sayAnd(all, part)
	}
	return sayOthersChanged(all)
}

// named are the ids of images by their tags, or by what is shown of them.
func named(all []sim.Image) map[string]string {
	out := map[string]string{}
	for _, img := range all {
		for _, tag := range img.Tags {
			out[tag] = img.ID.String()
		}
		if len(img.Tags) == 0 {
			out[sim.Short(img.ID)] = img.ID.String()
		}
	}
	return out
}

// counted is what is said of one thing, and of more.
type counted struct{ one, more func(names any) say.Phrase }

// newsOf is what can become of things of one kind.
type newsOf struct{ fresh, other, gone counted }

var (
	imageChanges  = newsOf{counted{sayImageNew, sayImagesNew}, counted{sayImageOther, sayImagesOther}, counted{sayImageGone, sayImagesGone}}
	volumeChanges = newsOf{counted{sayVolumeNew, sayVolumesNew}, counted{sayVolumeOther, sayVolumesOther}, counted{sayVolumeGone, sayVolumesGone}}
)

func (c counted) of(names []string) say.Phrase {
	if len(names) == 1 {
		return c.one(listed(names))
	}
	return c.more(listed(names))
}

// became says what became of things with names.
func became(news newsOf, was, now map[string]string) (parts []say.Phrase) {
	for _, change := range []struct {
		what counted
		in   map[string]string
		is   func(name string) bool
	}{
		{news.fresh, now, func(name string) bool { return was[name] == "" }},
		{news.other, now, func(name string) bool { return was[name] != "" && was[name] != now[name] }},
		{news.gone, was, func(name string) bool { return now[name] == "" }},
	} {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(change.in)), func(name string) bool { return !change.is(name) })
		if len(names) > 0 {
			parts = append(parts, change.what.of(names))
		}
	}
	return parts
}

// listed are names as a sentence has them, the first few of many.
func listed(names []string) say.Phrase {
	const most = 6
	if len(names) > most {
		return sayAndMore(strings.Join(names[:most], ", "), len(names)-most)
	}
	return say.Verbatim(strings.Join(names, ", "))
}

// lookAtOthers tells the model of the containers of other sessions where a
// command depends on them, and notes which volumes they may have written to.
func (s *Session) lookAtOthers(ctx context.Context, cmd sim.Cmd) error {
	volumes := s.volumesIn(cmd)
	if len(volumes) == 0 && !cmd.Removes() && !s.Model.HasPushed() {
		return nil
	}
	_, err := s.writtenByOthers(ctx, volumes)
	return err
}

// writtenByOthers says whether other sessions may have written to one of these
// volumes since they were last asked about, or may be writing now.
func (s *Session) writtenByOthers(ctx context.Context, volumes []string) (written bool, err error) {
	others, err := s.Real.Others(ctx, volumes)
	if err != nil {
		return false, err
	}
	for i, c := range others.Containers {
		if c.Status == sim.Running {
			others.Written = append(others.Written, volumesOf(c.Mounts)...)
		}
		others.Containers[i].ImageID = cmp.Or(s.pairs.Other(c.ImageID), c.ImageID)
	}
	s.Model.ShareWith(others)
	for _, name := range others.Written {
		if slices.Contains(volumes, name) {
			s.unread[name], written = true, true
		}
	}
	return written, nil
}

func volumesOf(mounts []sim.Mount) (names []string) {
	for _, m := range mounts {
		if m.Type == sim.InStore {
			names = append(names, m.Source)
		}
	}
	return names
}

// volumesIn are the volumes that a command can see: those that it names, and
// those of the containers that it names.
func (s *Session) volumesIn(cmd sim.Cmd) []string {
	names := volumesOf(cli.AskedMounts(cmd, share(s.Host)))
	state := s.Model.State()
	for _, arg := range append(slices.Clone(cmd.Args), cmd.Container) {
		key, _, _ := strings.Cut(arg, ":") // docker cp
		if c, err := state.Container(key); err == nil {
			names = append(names, volumesOf(c.Mounts)...)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// excuse says what the model could not know, where the worlds do not agree
// because of what another session did in the middle of a command.
func (s *Session) excuse(ctx context.Context, r *sim.Result, b *both) error {
	if r.Real == nil || r.Verdict != sim.Bug {
		return nil
	}
	if r.Real.Refusal != nil && r.Real.Refusal.Kind == sim.UsedElsewhere {
		r.Model.Unknown = sayBeginsToUse
	} else if volumes := s.volumesIn(b.modelCmd); len(volumes) > 0 {
		written, err := s.writtenByOthers(ctx, volumes)
		if err != nil {
			return err
		}
		if written {
			r.Model.Unknown = sayWrittenElsewhere
		}
	}
	if !r.Model.Unknown.Empty() {
		s.judge(ctx, r, b)
	}
	return nil
}
