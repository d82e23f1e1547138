package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/compare"
	"twinlayer/sim/say"
)

// ran is a command that was run, as the model was told.
type ran struct {
	sim.Cmd
	lost bool // the real engine was lost in it
}

// remember remembers a command that ran to its end, for [Session.Reconnect].
func (s *Session) remember(ctx context.Context, b *both) {
	if ctx.Err() == nil {
		cmd := b.modelCmd
		cmd.Ask, cmd.Tell = nil, nil
		s.kept = append(s.kept, ran{cmd, b.err != nil})
	}
}

// Reconnected tells what a reconnect came to.
type Reconnected struct {
	Ran    int      `json:"ran"`    // so many commands were run again
	Passed []string `json:"passed"` // and these were passed over: the engine was lost in them each time
}

// Reconnect opens a fresh real engine and runs there what was run so far, but
// for what was interrupted, so that it catches up with the model. A command in
// which the engine is lost once more is passed over. What the engine then has
// otherwise, the model takes over: volumes and images outlive an engine, and a
// command may do another thing where it has been run before. Files of the host
// are read again, and none is written.
func (s *Session) Reconnect(ctx context.Context) (done Reconnected, err error) {
	if s.Open == nil {
		return done, errors.New("there is no real engine in this session: start twinlayer with --real")
	}
	for {
		at, err := s.again(ctx)
		switch {
		case err == nil:
			done.Ran = len(s.kept)
			return done, s.level(ctx, len(done.Passed) > 0)
		case at < 0:
			return done, err
		case s.kept[at].lost:
			done.Passed = append(done.Passed, s.kept[at].Text)
			s.pass(at)
		default:
			s.kept[at].lost = true // by chance, perhaps
		}
	}
}

// pass forgets a command.
func (s *Session) pass(at int) {
	s.kept = slices.Delete(s.kept, at, at+1)
	if at < s.lasts {
		s.lasts--
	}
}

// again opens a fresh real engine and runs there what is kept. Where the
// engine is lost in one of the commands, at is which; -1 where it is another
// error.
func (s *Session) again(ctx context.Context) (at int, err error) {
	fresh, err := s.Open(ctx)
	if err != nil {
		return -1, err
	}
	if s.Real != nil {
		s.Real.Close() // it may be gone; what it left is removed if it can be
	}
	s.Real, s.pairs, s.images.real, s.broken = fresh, compare.ImageMap{}, nil, nil
	if err := s.removeMade(ctx); err != nil {
		s.fell(err)
		return -1, err
	}
	for i, cmd := range s.kept {
		if s.scratch && i == s.lasts {
			s.setScratch(ctx)
		}
		view, err := cli.Client{Engine: s.Real, Host: reader{share(s.Host)}}.Do(ctx, cmd.Cmd)
		switch {
		case err != nil:
			err = fmt.Errorf("running %q again: %w", cmd.Text, err)
			s.fell(err)
			return i, err
		case ctx.Err() != nil:
			return -1, ctx.Err()
		}
		s.images.real = view.Inventory
	}
	if s.scratch && s.lasts == len(s.kept) {
		s.setScratch(ctx)
	}
	return -1, s.broken
}

// removeMade removes the images that the commands to be run again have made
// before, for they make others: the files in them are of another time. Such an
// image has the time of its command. One that is in use elsewhere stays.
func (s *Session) removeMade(ctx context.Context) error {
	images, err := s.Real.Images(ctx)
	if err != nil {
		return err
	}
	for _, img := range images { // the newest first, which have no children
		if !s.made(img) {
			continue
		}
		_, err := s.Real.RemoveImage(ctx, img.ID.String(), true)
		if err := ignoreRefusal(err); err != nil {
			return err
		}
	}
	return s.removeLeft(ctx, images)
}

func (s *Session) made(img sim.Image) bool {
	at := func(cmd ran) bool { return cmd.Now.Equal(*img.Config.Created) }
	return img.Config.Created != nil && (slices.ContainsFunc(s.kept, at) || slices.ContainsFunc(s.left.kept, at))
}

// level pairs the images of both worlds after a reconnect, and has the model
// take over what is there now; all of it, where commands were passed over.
func (s *Session) level(ctx context.Context, all bool) error {
	s.pairs.Learn(ctx, compare.Side{Engine: s.Model, Images: s.images.model}, compare.Side{Engine: s.Real, Images: s.images.real})
	images, err := s.Real.Images(ctx)
	if err == nil {
		s.images.real = images
		err = s.adoptInventory(ctx, all)
	}
	if err == nil {
		err = s.distrustVolumes(ctx)
	}
	s.Model.Steps()
	s.fell(err)
	s.images.model = s.Model.State().Images()
	if s.broken == nil {
		s.leave(ctx)
	}
	return s.broken
}

// distrustVolumes has what every volume holds taken over before the next
// command that can see it.
func (s *Session) distrustVolumes(ctx context.Context) error {
	volumes, err := s.Real.Volumes(ctx)
	for _, v := range volumes {
		s.unread[v.Name] = true
	}
	return err
}

// leave detaches from a shell that the real engine no longer has.
func (s *Session) leave(ctx context.Context) {
	all, err := s.Real.Containers(ctx)
	if err == nil && !slices.ContainsFunc(all, func(k sim.Container) bool { return k.ID == s.at.Container && k.Status == sim.Running }) {
		s.Detach()
	}
}

func (s *Session) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

func (s *Session) noReal() say.Phrase {
	if s.broken != nil {
		return sayStale(s.stale.Format(time.TimeOnly), s.broken.Error())
	}
	return sayNoReal
}
