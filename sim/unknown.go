package sim

import (
	"context"
	"errors"
)

// IsBroken tells an engine that is gone, and a command that was given up, from
// all that can go wrong in a command.
func IsBroken(err error) bool {
	return errors.As(err, new(*Lost)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Unknown is a model's answer where it cannot predict what the real world
// does, and why.
type Unknown struct{ Why string }

func (u *Unknown) Error() string { return "the model cannot know: " + u.Why }

// FromDaemon marks a refusal as what the engine said, as docker does.
func FromDaemon(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return &Refusal{Text: "Error response from daemon: " + r.Text, Exit: r.Exit}
	}
	return err
}
