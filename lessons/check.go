package lessons

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
)

// Check plays the whole lesson in s and tells everything that does not hold:
//
//   - at the start no goal of a step that the learner has to work out is met,
//     and before each step with goals not all of them;
//   - every line ends with status 0 in each world, or with another where it is
//     to fail, and the verdict on it is same, expected, or declared;
//   - after each step its goals are met in each world;
//   - each wrong attempt misses the goals, and is recognised as what it is;
//   - in the end each world has what it had before.
//
// Tests call it with every engine there is.
func Check(ctx context.Context, s *session.Session, l Lesson) error {
	c := &checker{Session: s, lesson: l}
	if err := c.play(ctx); err != nil {
		c.fault("%v", err)
	}
	return errors.Join(c.faults...)
}

// Keep pulls what the lessons begin with, under names of its own, so that each
// world has it once and for all of them: with a daemon most of the time of
// lessons that are checked one after the other is the pulling.
func Keep(ctx context.Context, s *session.Session, all []Lesson) error {
	var kept []string
	for _, l := range all {
		for _, ref := range l.Images {
			if strings.HasPrefix(ref, "lesson-") || strings.ContainsAny(ref, "/-") && ref != "hello-world:latest" || slices.Contains(kept, ref) {
				continue
			}
			kept = append(kept, ref)
		}
	}
	for _, ref := range kept {
		for _, line := range []string{"docker pull -q " + ref, "docker tag " + ref + " kept/" + ref, "docker rmi " + ref} {
			if _, err := s.Run(ctx, line, noEnv); err != nil {
				return err
			}
		}
	}
	return nil
}

type checker struct {
	*session.Session
	lesson Lesson
	run    *Run
	faults []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("lesson "+c.lesson.ID+": "+format, args...))
}

func (c *checker) play(ctx context.Context) (err error) {
	c.run, err = c.lesson.Start(ctx, c.Session)
	if err == nil {
		err = c.start(ctx)
	}
	for _, step := range c.lesson.Steps {
		if err == nil {
			err = c.step(ctx, step)
		}
	}
	before := c.run.box.before
	if err := errors.Join(err, c.run.End(ctx)); err != nil {
		return err
	}
	return c.left(ctx, before)
}

// start demands that nothing of what the learner has to work out is there.
func (c *checker) start(ctx context.Context) error {
	for _, step := range c.lesson.Steps {
		goals, err := check(ctx, c.Session, step.Goals)
		if err != nil {
			return err
		}
		for _, g := range goals {
			if step.Exercise() && g.some(Met) {
				c.fault("step %s: at the start of the lesson, %s already", step.ID, say.Text(g.Goal.Says()))
			}
		}
	}
	return nil
}

func (c *checker) step(ctx context.Context, s Step) error {
	if len(s.Goals) > 0 && allMet(c.run.Checked()) {
		c.fault("step %s: all goals are met before it: give it one that only its own lines reach", s.ID)
	}
	for _, w := range s.Wrong {
		if err := c.wrong(ctx, s, w); err != nil {
			return fmt.Errorf("step %s, wrong attempt %s: %w", s.ID, w.ID, err)
		}
		if err := c.run.again(ctx); err != nil {
			return err
		}
	}
	unknown := false
	err := c.run.Play(ctx, func(line Line) error {
		unknown = unknown || line.Result != nil && !line.Result.Model.Unknown.Empty() && line.Result.Real == nil
		c.line(s, line)
		return nil
	})
	if err != nil {
		return fmt.Errorf("step %s: %w", s.ID, err)
	}
	c.goals(s, unknown)
	_, err = c.run.Next(ctx)
	return err
}

// wrong makes a wrong attempt as a learner would, and wants it recognised.
func (c *checker) wrong(ctx context.Context, s Step, w Wrong) error {
	var coach *Coaching
	for _, text := range w.Run {
		line, err := c.run.run(ctx, text)
		if err != nil {
			return err
		}
		seen, err := c.run.Look(ctx, line)
		if err != nil {
			return err
		}
		if seen.Coach != nil {
			coach = seen.Coach
		}
	}
	switch {
	case c.run.Done():
		c.fault("step %s: the wrong attempt %s meets the goals", s.ID, w.ID)
	case coach == nil:
		c.fault("step %s: the wrong attempt %s is not recognised: %s", s.ID, w.ID, howAll(c.run.Checked()))
	case w.Mistake != coach.Mistake || w.Mistake == "" && w.ID != coach.Wrong:
		c.fault("step %s: the wrong attempt %s is taken for %s%s", s.ID, w.ID, coach.Mistake, coach.Wrong)
	}
	return nil
}

func howAll(all []Checked) string {
	var out []string
	for _, g := range all {
		for _, a := range g.Answers {
			out = append(out, fmt.Sprintf("%s: %s: %s %s", say.Text(g.Goal.Says()), a.World, a.State, say.Text(a.Why)))
		}
	}
	return strings.Join(out, "; ")
}

// goals demands that the step's goals are met, or cannot be told where the
// model does not know what became of a line; that line must be declared.
func (c *checker) goals(s Step, unknown bool) {
	for _, g := range c.run.Checked() {
		for _, a := range g.Answers {
			if a.State == Missed || a.State == Untold && !unknown {
				c.fault("step %s: goal %q in %s: %s", s.ID, say.Text(g.Goal.Says()), a.World, say.Text(a.Why))
			}
		}
	}
}

// line demands that a line ends as it should in both worlds, and alike.
func (c *checker) line(s Step, line Line) {
	if line.Result == nil {
		return
	}
	views := []sim.View{line.Result.Model}
	if line.Result.Real != nil {
		views = append(views, *line.Result.Real)
	}
	for i, v := range views {
		switch world := []string{"model", "real"}[i]; {
		case !v.Unknown.Empty():
		case line.Fails && v.Exit == 0:
			c.fault("step %s: %s: it should fail in %s", s.ID, line.Text, world)
		case !line.Fails && v.Exit != 0:
			c.fault("step %s: %s: exit status %d in %s: %s", s.ID, line.Text, v.Exit, world, strings.TrimSpace(v.Stderr+v.Stdout))
		}
	}
	c.verdict(s, line)
}

func (c *checker) verdict(s Step, line Line) {
	allowed := sim.Expected
	engine := "model"
	if c.Real != nil {
		engine = c.Real.Name()
	}
	d := c.lesson.Differs[engine]
	if slices.Contains(d.Lines, line.Text) || slices.Contains(d.Lines, "! "+line.Text) {
		allowed = d.Verdict
	}
	switch r := line.Result; {
	case !r.Model.Unknown.Empty() && allowed != sim.Limit:
		c.fault("step %s: %s: %s", s.ID, line.Text, say.Text(sim.CannotKnow(r.Model.Unknown)))
	case c.Real != nil && worse(r.Verdict, allowed):
		c.fault("step %s: %s: verdict %s: %s", s.ID, line.Text, r.Verdict, differing(r.Differences, allowed))
	}
}

// differing tells of the differences that are graver than allowed, each with
// the first line that is not the same.
func differing(all []sim.Difference, allowed sim.Class) string {
	var out []string
	for _, d := range all {
		if !worse(d.Class, allowed) {
			continue
		}
		m, r := strings.Split(d.Model, "\n"), strings.Split(d.Real, "\n")
		for len(m) > 1 && len(r) > 1 && m[0] == r[0] {
			m, r = m[1:], r[1:]
		}
		out = append(out, fmt.Sprintf("%s differs: %s (model: %.200q, real: %.200q)", d.What, say.Text(d.Reason), m[0], r[0]))
	}
	return strings.Join(out, "; ")
}

// worse says whether a is a graver verdict than b.
func worse(a, b sim.Class) bool {
	return a != b && sim.Verdict([]sim.Difference{{Class: a}, {Class: b}}) == a
}

// left demands that all is as it was before, but for what an earlier run of
// the lesson had left.
func (c *checker) left(ctx context.Context, before map[string]inventory) error {
	for _, w := range c.run.box.worlds() {
		now, err := takeInventory(ctx, w)
		if err != nil {
			return err
		}
		was := before[w.Name()]
		was.images = c.run.box.had()
		parents, err := parents(ctx, w)
		if err != nil {
			return err
		}
		now.images = without(now.images, parents)
		for _, id := range without(now.containers, was.containers) {
			c.fault("container %s is left in %s", id, w.Name())
		}
		for _, thing := range slices.Concat(without(now.images, was.images), without(now.volumes, was.volumes)) {
			c.fault("%s is left in %s", thing, w.Name())
		}
		for _, ref := range without(before[w.Name()].images, now.images) {
			c.fault("%s is gone from %s", ref, w.Name())
		}
	}
	return nil
}

// parents are the ids of images that others were made from, which stay as long
// as those do.
func parents(ctx context.Context, w sim.Engine) (ids []string, err error) {
	all, err := w.Images(ctx)
	for _, img := range all {
		ids = append(ids, img.Parent.String())
	}
	return ids, err
}
