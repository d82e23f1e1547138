package sim

import (
	"context"
	"errors"

	"twinlayer/sim/say"
)

// IsBroken tells an engine that is gone, and a command that was given up, from
// all that can go wrong in a command.
func IsBroken(err error) bool {
	return errors.As(err, new(*Lost)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Unknown is a model's answer where it cannot predict what the real world
// does, and why.
type Unknown struct{ Why say.Phrase }

// Told is that the model cannot know, and why.
func (u *Unknown) Told() say.Phrase { return CannotKnow(u.Why) }

func (u *Unknown) Error() string { return say.Text(u.Told()) }
