package sim

import (
	"errors"
	"fmt"
)

// Refusal is an engine's answer to something a learner got wrong, in docker's
// words, with docker's exit status (1 where it is zero). What it is about is
// told by its kind, never by its words.
type Refusal struct {
	Text    string
	Exit    int
	Kind    RefusalKind
	Subject string // what it is about: the reference, id, path or word that was typed; "" where Kind has none
}

// RefusalKind is what sort of refusal it is, where something depends on that.
type RefusalKind string

// The kinds of refusals.
const (
	OtherRefusal     RefusalKind = ""
	UnknownCommand   RefusalKind = "unknown command"   // Subject is no verb of docker's
	InvalidReference RefusalKind = "invalid reference" // of an image; docker's command finds it, not its daemon
	MissingImage     RefusalKind = "no such image"     // at which docker run pulls
	MissingContainer RefusalKind = "no such container"
	MissingPath      RefusalKind = "no such path"   // in a container
	DeniedPull       RefusalKind = "pull denied"    // the registry has no such repository, or hides it
	UsedElsewhere    RefusalKind = "used elsewhere" // by a container of another session
)

func (r *Refusal) Error() string { return r.Text }

// Refuse is a Refusal with exit status 1.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Text: fmt.Sprintf(format, args...), Exit: 1}
}

// About gives the refusal its kind, and what it is about.
func (r *Refusal) About(kind RefusalKind, subject string) *Refusal {
	r.Kind, r.Subject = kind, subject
	return r
}

// reworded is the refusal in other words.
func (r *Refusal) reworded(text string) *Refusal {
	again := *r
	again.Text = text
	return &again
}

// IsRefusal says whether err is a refusal of this kind.
func IsRefusal(err error, kind RefusalKind) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Kind == kind
}

// FromDaemon marks a refusal as what the engine said, as docker does.
func FromDaemon(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r.reworded("Error response from daemon: " + r.Text)
	}
	return err
}

// Lost is the error of every call to an engine that is gone, and why it is.
type Lost struct{ Err error }

func (l *Lost) Error() string { return l.Err.Error() }

// Unwrap is why it is gone.
func (l *Lost) Unwrap() error { return l.Err }
