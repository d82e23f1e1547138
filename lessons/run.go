package lessons

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"twinlayer/sim"
)

// Run is a lesson being played in a session. Between two steps a learner may
// run lines of their own there.
type Run struct {
	lesson  Lesson
	session *sim.Session
	next    int
	begun   bool
	ended   bool
	had     []string // of the lesson's images, those that were there before it
}

// Start begins to play the lesson; nothing is run before Next.
func (l Lesson) Start(s *sim.Session) *Run { return &Run{lesson: l, session: s} }

// Played is a step that was played.
type Played struct {
	Step
	Number, Of int          // its place in the lesson, from 1
	Cleared    []sim.Result // what removed the lesson's own things before it, or at the end; most are refused, as nothing is there
	Lines      []Line
	Strayed    string // why the rest of the step's lines could not be run
	Checked    []Checked
}

// Line is a line that was run.
type Line struct {
	At     sim.Attached // the shell it was typed into; none for docker's
	Text   string
	Result *sim.Result // nil for :detach, which is no command
}

// Ahead is the step that Next will play; ok is false at the end.
func (r *Run) Ahead() (s Step, ok bool) {
	if r.ended || r.next >= len(r.lesson.Steps) {
		return s, false
	}
	return r.lesson.Steps[r.next], true
}

// Next plays the next step; ok is false where there was none. Then the lesson
// is over and what it made is removed, which is all that Played tells. A
// shell that is attached is left waiting: a step begins outside. An error
// means that the model broke.
func (r *Run) Next(ctx context.Context) (p Played, ok bool, err error) {
	if p.Step, ok = r.Ahead(); !ok {
		p.Cleared, err = r.End(ctx)
		return p, false, err
	}
	if p.Cleared, err = r.begin(ctx); err != nil {
		return p, true, err
	}
	r.next++
	p.Number, p.Of = r.next, len(r.lesson.Steps)
	r.session.Detach()
	if err := r.play(ctx, &p); err != nil {
		return p, true, err
	}
	p.Checked, err = check(ctx, r.session, p.Goals, p.Lines)
	return p, true, err
}

// begin clears the way for the lesson, once.
func (r *Run) begin(ctx context.Context) ([]sim.Result, error) {
	if r.begun {
		return nil, nil
	}
	r.begun = true
	r.had = slices.DeleteFunc(slices.Clone(r.lesson.Images), func(ref string) bool { return !r.has(ctx, ref) })
	return r.clear(ctx, r.lesson.Images)
}

// has says whether a world has the image.
func (r *Run) has(ctx context.Context, ref string) bool {
	_, err := r.session.Model.Image(ctx, ref)
	if err != nil && r.session.Real != nil {
		_, err = r.session.Real.Image(ctx, ref)
	}
	return err == nil
}

// End ends the lesson where it stands: it removes the lesson's containers, and
// its images but for those that were there before.
func (r *Run) End(ctx context.Context) ([]sim.Result, error) {
	if r.ended || !r.begun {
		r.ended = true
		return nil, nil
	}
	r.ended = true
	return r.clear(ctx, slices.DeleteFunc(slices.Clone(r.lesson.Images), func(ref string) bool { return slices.Contains(r.had, ref) }))
}

// clear removes the lesson's containers, and of its images these. What is not
// there, or is in use by a container of the learner's, is refused and stays.
func (r *Run) clear(ctx context.Context, images []string) (done []sim.Result, err error) {
	if slices.Contains(r.lesson.Containers, r.session.Attached().Name) {
		r.session.Detach()
	}
	for _, words := range [][]string{
		append([]string{"docker rm -f"}, r.lesson.Containers...),
		append([]string{"docker rmi"}, images...),
	} {
		if len(words) == 1 {
			continue
		}
		cmd, err := sim.Parse(strings.Join(words, " "), noEnv)
		if err != nil {
			return done, err
		}
		result, err := r.session.Do(ctx, cmd)
		if err != nil {
			return done, err
		}
		done = append(done, result)
	}
	return done, nil
}

// play runs the lines of a step.
func (r *Run) play(ctx context.Context, p *Played) error {
	for _, text := range p.Run {
		line := Line{At: r.session.Attached(), Text: text}
		if line.At.Shell == "" && !isDocker(text) && !isWord(text) {
			p.Strayed = fmt.Sprintf("%q belongs into a container's shell, and none is attached", text)
			return nil
		}
		if text == wordDetach {
			r.session.Detach()
		} else {
			result, err := r.session.Run(ctx, text, noEnv)
			if err != nil {
				return err
			}
			line.Result = &result
		}
		p.Lines = append(p.Lines, line)
	}
	return nil
}

const wordDetach = ":detach"

func isWord(line string) bool { return strings.HasPrefix(line, ":") }

func isDocker(line string) bool {
	return line == "docker" || strings.HasPrefix(line, "docker ")
}

// noEnv keeps the learner's environment out of a lesson's lines.
func noEnv(string) string { return "" }
