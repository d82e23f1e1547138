package lessons

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"twinlayer/sim"
)

// Check plays the whole lesson in s and tells everything that does not hold:
//
//   - at the start, no goal is met, and before each step not all of its goals;
//   - every line ends with status 0 in each world, and the verdict on it is
//     same or expected (without a real engine: the model knows all of it);
//   - after each step, its goals are met in each world;
//   - in the end each world has the images and containers it had before, but
//     for containers that an earlier run of the lesson had left.
//
// Tests call it with every engine there is.
func Check(ctx context.Context, s *sim.Session, l Lesson) error {
	c := &checker{Session: s, lesson: l}
	if err := c.play(ctx); err != nil {
		c.fault("%v", err)
	}
	return errors.Join(c.faults...)
}

type checker struct {
	*sim.Session
	lesson Lesson
	faults []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("lesson "+c.lesson.ID+": "+format, args...))
}

func (c *checker) play(ctx context.Context) error {
	before, err := c.inventory(ctx)
	if err != nil {
		return err
	}
	run := c.lesson.Start(c.Session)
	cleared, err := run.begin(ctx)
	if err != nil {
		return err
	}
	c.cleared(cleared)
	if err := c.start(ctx); err != nil {
		return err
	}
	if err := c.steps(ctx, run); err != nil {
		return err
	}
	return c.end(ctx, run, before)
}

// start demands that no goal of any step is met.
func (c *checker) start(ctx context.Context) error {
	for _, step := range c.lesson.Steps {
		goals, err := check(ctx, c.Session, step.Goals, nil)
		if err != nil {
			return err
		}
		for _, g := range goals {
			if g.some(Met) {
				c.fault("step %s: at the start of the lesson, %s already", step.ID, g.Goal)
			}
		}
	}
	return nil
}

func (c *checker) steps(ctx context.Context, run *Run) error {
	for step, ok := run.Ahead(); ok; step, ok = run.Ahead() {
		before, err := check(ctx, c.Session, step.Goals, nil)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(before, func(g Checked) bool { return !g.Met() }) {
			c.fault("step %s: all goals are met before it", step.ID)
		}
		p, _, err := run.Next(ctx)
		if err != nil {
			return fmt.Errorf("step %s: %w", step.ID, err)
		}
		c.played(p)
	}
	return nil
}

func (c *checker) played(p Played) {
	for _, line := range p.Lines {
		if line.Result != nil {
			c.line(p.ID, *line.Result)
		}
	}
	if p.Strayed != "" {
		c.fault("step %s: %s", p.ID, p.Strayed)
	}
	for _, g := range p.Checked {
		for _, a := range g.Answers {
			if a.State == Missed || a.State == Untold && c.Real != nil {
				c.fault("step %s: goal %q in %s: %s", p.ID, g.Goal, a.World, a.Why)
			}
		}
	}
}

// line demands that a line succeeds in both worlds, and alike.
func (c *checker) line(step string, r sim.Result) {
	views := []sim.View{r.Model}
	if r.Real != nil {
		views = append(views, *r.Real)
	}
	for _, v := range views {
		if v.Exit != 0 && v.Unknown == "" {
			c.fault("step %s: %s: exit status %d: %s", step, r.Cmd, v.Exit, strings.TrimSpace(v.Stderr))
		}
	}
	c.verdict("step "+step, r)
}

func (c *checker) verdict(when string, r sim.Result) {
	switch {
	case r.Model.Unknown != "":
		c.fault("%s: %s: the model cannot know: %s", when, r.Cmd, r.Model.Unknown)
	case c.Real != nil && worse(r.Verdict, sim.Expected):
		c.fault("%s: %s: verdict %s: %+v", when, r.Cmd, r.Verdict, r.Differences)
	}
}

func (c *checker) cleared(all []sim.Result) {
	for _, r := range all {
		c.verdict("clearing", r)
	}
}

// end ends the lesson and demands that all is as it was before.
func (c *checker) end(ctx context.Context, run *Run, before []string) error {
	p, _, err := run.Next(ctx)
	if err != nil {
		return err
	}
	c.cleared(p.Cleared)
	after, err := c.inventory(ctx)
	for _, thing := range after {
		if !slices.Contains(before, thing) || slices.Contains(c.lesson.Containers, path.Base(thing)) {
			c.fault("%s is left", thing)
		}
	}
	for _, thing := range before {
		if !slices.Contains(after, thing) && !slices.Contains(c.lesson.Containers, path.Base(thing)) {
			c.fault("%s is gone", thing)
		}
	}
	return err
}

// inventory is what each world has: "model/image/busybox:latest".
func (c *checker) inventory(ctx context.Context) (all []string, err error) {
	worlds := []sim.Engine{c.Model}
	if c.Real != nil {
		worlds = append(worlds, c.Real)
	}
	for _, w := range worlds {
		containers, err := w.Containers(ctx)
		if err != nil {
			return nil, err
		}
		images, err := w.Images(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range names(containers) {
			all = append(all, w.Name()+"/container/"+name)
		}
		for _, ref := range tags(images) {
			all = append(all, w.Name()+"/image/"+ref)
		}
	}
	return all, nil
}
