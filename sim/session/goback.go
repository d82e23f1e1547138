package session

import (
	"context"
	"slices"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
)

// Point is a moment between two commands of a session, to which it can go
// back. It shares with the session what has not changed since.
type Point struct {
	state   model.State
	kept    []ran
	at      Attached
	begun   bool
	real    []sim.Image
	scratch int // the time of scratch that it is in; 0: none
}

// Point is the moment now.
func (s *Session) Point() Point {
	return Point{s.Model.State(), slices.Clip(s.kept), s.at, s.begun, s.images.real, s.scratchNow()}
}

// scratchNow numbers the times between BeginScratch and EndScratch.
func (s *Session) scratchNow() int {
	if s.scratch {
		return s.scratches
	}
	return 0
}

// GoBack takes both worlds to a point: the model at once, and a fresh real
// engine by what was run up to there, as [Session.Reconnect] does. What later
// commands have made or pulled there is removed, unless somebody else uses it.
// What they have written to volumes of earlier sessions and to files of the
// host stays. A lesson's
// commands cannot be left, nor come back to once it is over. The error is a
// [say.Error] where the point cannot be gone to; nothing has changed then.
func (s *Session) GoBack(ctx context.Context, p Point) (done Reconnected, err error) {
	switch {
	case p.scratch != s.scratchNow():
		return done, &say.Error{Phrase: sayOtherLesson}
	case s.Real != nil && s.Open == nil:
		return done, &say.Error{Phrase: sayNoOtherEngine}
	}
	left := leftBehind{kept: s.kept, real: p.real}
	for _, name := range s.Model.State().VolumeNames() {
		if !slices.Contains(s.volumes, name) {
			left.volumes = append(left.volumes, name)
		}
	}
	s.Model.Restore(p.state)
	s.Model.Steps()
	s.kept, s.at, s.begun, s.behind = p.kept, p.at, p.begun, nil
	s.images.model = p.state.Images()
	if s.Real == nil {
		return done, nil
	}
	s.left = left
	defer func() { s.left = leftBehind{} }()
	return s.Reconnect(ctx)
}

// leftBehind is what goes with the commands that are gone back behind.
type leftBehind struct {
	kept    []ran       // all that was run until then
	real    []sim.Image // that were there at the point
	volumes []string    // that the session has made: what is run again makes them anew
}

// pulled says whether one of the commands has pulled the image.
func (l leftBehind) pulled(img sim.Image) bool {
	if slices.ContainsFunc(l.real, func(old sim.Image) bool { return old.ID == img.ID }) {
		return false
	}
	return slices.ContainsFunc(l.kept, func(cmd ran) bool {
		return slices.Contains(pulls, cmd.Verb) && len(cmd.Args) > 0 && slices.Contains(img.Tags, familiar(cmd.Args[0]))
	})
}

// pulls are the commands that pull the image that they name first.
var pulls = []string{"run", "create", "pull"}

// familiar is a reference as images are listed.
func familiar(ref string) string {
	if f, err := sim.Familiar(ref); err == nil {
		return f
	}
	return ref
}

// removeLeft removes what is left of the commands in a fresh engine.
func (s *Session) removeLeft(ctx context.Context, images []sim.Image) error {
	for _, img := range images { // the newest first, which have no children
		if !s.left.pulled(img) {
			continue
		}
		for _, ref := range img.Tags {
			_, err := s.Real.RemoveImage(ctx, ref, false)
			if err := ignoreRefusal(err); err != nil {
				return err
			}
		}
	}
	for _, name := range s.left.volumes {
		if err := ignoreRefusal(s.Real.RemoveVolume(ctx, name)); err != nil {
			return err
		}
	}
	return nil
}
