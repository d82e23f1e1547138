package play

import (
	"context"
	"errors"

	"twinlayer/lessons"
)

// playAll begins with the lessons that were asked for: with Auto it plays them
// all, else it opens the first.
func (c *Conversation) playAll(ctx context.Context) error {
	for _, l := range c.Play {
		if err := c.begin(ctx, l, 0); err != nil || !c.Auto {
			return err
		}
		if err := c.playOut(ctx); err != nil {
			return err
		}
	}
	return nil
}

// playOut plays the lesson that is on to its end, or to where it fails.
func (c *Conversation) playOut(ctx context.Context) error {
	for c.lesson != nil && ctx.Err() == nil {
		missed := c.missed
		if err := c.goOn(ctx); err != nil {
			return err
		}
		if c.missed > missed {
			return c.endLesson(ctx)
		}
	}
	return ctx.Err()
}

// checkAll plays lessons in all ways and says what does not hold in each.
func (c *Conversation) checkAll(ctx context.Context) {
	if len(c.Play) > 1 {
		if err := lessons.Keep(ctx, c.Session, c.Play); err != nil {
			c.fail(err)
		}
	}
	for _, l := range c.Play {
		if err := lessons.Check(ctx, c.Session, l); err != nil {
			c.missed++
			c.fail(err)
			continue
		}
		c.tell(Checked{l.ID})
	}
}

// listLessons tells the course, and how far the learner has come in it.
func listLessons(c *Conversation, _ context.Context, _ []string) error {
	all, err := lessons.All()
	if err != nil {
		return err
	}
	var out Lessons
	for _, l := range all {
		at := c.Course.Progress.Lessons[l.ID]
		out.Lessons = append(out.Lessons, LessonPlace{refTo(l), at.Step, at.Of, at.Over})
	}
	c.tell(out)
	return nil
}

func startLesson(c *Conversation, ctx context.Context, args []string) error {
	if len(args) != 1 {
		c.refuse(lessonNeeds)
		return listLessons(c, ctx, nil)
	}
	l, ok, err := lessons.Find(c.host, args[0])
	switch {
	case err != nil:
		return err
	case !ok:
		c.refuse(noSuchLesson(args[0]))
		return listLessons(c, ctx, nil)
	}
	return c.begin(ctx, l, 0)
}

// begin begins a lesson at the step of that index.
func (c *Conversation) begin(ctx context.Context, l lessons.Lesson, at int) error {
	if err := c.endLesson(ctx); err != nil {
		return err
	}
	run, err := l.Start(ctx, c.Session)
	if err != nil {
		return errors.Join(err, run.End(ctx))
	}
	c.lesson = &lesson{run: run}
	c.tell(Lesson{refTo(l), len(l.Steps), c.Session.Real == nil, c.differences(l)})
	if at > 0 {
		c.say(goingBack(at + 1))
		if err := run.Goto(ctx, at); err != nil {
			return err
		}
	}
	return c.openStep(ctx)
}

// differences says what is different on this engine.
func (c *Conversation) differences(l lessons.Lesson) Text {
	engine := c.Session.Model.Name()
	if c.Session.Real != nil {
		engine = c.Session.Real.Name()
	}
	return textOf(l, func(w lessons.Words) string { return w.On[engine] })
}

// endLesson gives up the lesson that is on and throws away what it made.
func (c *Conversation) endLesson(ctx context.Context) error {
	if c.lesson == nil {
		return nil
	}
	err := c.lesson.run.End(ctx)
	c.lesson, c.draft = nil, nil
	return err
}

// inLesson is the word that is for lessons only.
func inLesson(run func(*Conversation, context.Context, []string) error) func(*Conversation, context.Context, []string) error {
	return func(c *Conversation, ctx context.Context, args []string) error {
		if c.lesson == nil {
			c.refuse(noLesson)
			return nil
		}
		return run(c, ctx, args)
	}
}

func restart(c *Conversation, ctx context.Context, _ []string) error {
	return c.begin(ctx, c.lesson.run.Lesson(), 0)
}

// resume goes on where the learner was, in this session or an earlier one.
func resume(c *Conversation, ctx context.Context, _ []string) error {
	if c.lesson != nil {
		return c.openStep(ctx)
	}
	progress := c.Course.Progress
	l, ok, err := lessons.Find(c.host, progress.Last)
	if err != nil || !ok {
		c.refuse(noLesson)
		return nil
	}
	place := progress.Lessons[l.ID]
	if place.Of != len(l.Steps) || place.Step > place.Of {
		place.Step = 1
	}
	return c.begin(ctx, l, max(place.Step-1, 0))
}

// offer says that the lesson of that id can be gone on with.
func (c *Conversation) offer(id string) {
	if l, ok, err := lessons.Find(c.host, id); ok && err == nil {
		place := c.Course.Progress.Lessons[id]
		c.say(halfDone(l.Order, place.Step, place.Of))
	}
}

// skip goes on without the step: what it leads to is done quietly.
func skip(c *Conversation, ctx context.Context, _ []string) error {
	run := c.lesson.run
	if !run.Done() {
		if err := run.Play(ctx, func(line lessons.Line) error { c.countLine(line); return nil }); err != nil {
			return err
		}
		c.keep(c.Course.Progress.Skipped(run.Lesson()))
	}
	return c.nextStep(ctx)
}

// countLine takes note of a line that is not shown.
func (c *Conversation) countLine(line lessons.Line) {
	if line.Result != nil {
		c.count(*line.Result)
	}
}

// keep says once that progress could not be kept; lessons go on without.
func (c *Conversation) keep(err error) {
	if err != nil && !c.lost {
		c.lost = true
		c.warn(notKept(err.Error()))
	}
}
