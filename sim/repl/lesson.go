package repl

import (
	"context"
	"fmt"
	"strconv"

	"twinlayer/lessons"
)

func listLessons(r *REPL, _ context.Context, _ []string) error {
	all, err := lessons.All(r.Lang)
	if err != nil {
		return err
	}
	for _, l := range all {
		r.draw.text(fmt.Sprintf("%3d  %s\n", l.Order, l.Title))
	}
	return nil
}

func startLesson(r *REPL, ctx context.Context, args []string) error {
	all, err := lessons.All(r.Lang)
	if err != nil {
		return err
	}
	for _, l := range all {
		if len(args) == 1 && (args[0] == strconv.Itoa(l.Order) || args[0] == l.ID) {
			if err := endLesson(r, ctx); err != nil {
				return err
			}
			r.lesson = l.Start(r.Session)
			r.draw.title(fmt.Sprintf("Lesson %d: %s", l.Order, l.Title))
			return nextOfLesson(r, ctx)
		}
	}
	r.draw.warn("lesson needs the number of one; these are there:")
	return listLessons(r, ctx, nil)
}

// nextOfLesson plays the next step of the lesson that is on.
func nextOfLesson(r *REPL, ctx context.Context) error {
	played, ok, err := r.lesson.Next(ctx)
	if err != nil {
		return err
	}
	for _, cleared := range played.Cleared {
		r.count(cleared)
	}
	if !ok {
		r.draw.say("The lesson is over, and what it made is removed.")
		r.lesson = nil
		return nil
	}
	r.draw.text(fmt.Sprintf("\n[%d/%d]", played.Number, played.Of))
	r.draw.paragraph(r.draw.prose, "", played.Prose)
	for _, line := range played.Lines {
		if err := r.lessonLine(line); err != nil {
			return err
		}
	}
	if played.Strayed != "" {
		r.draw.warn("the step stops here: %s", played.Strayed)
	}
	for _, c := range played.Checked {
		r.draw.checked(c)
	}
	return r.pointOn()
}

// endLesson gives up the lesson that is on and removes what it made.
func endLesson(r *REPL, ctx context.Context) error {
	if r.lesson == nil {
		return nil
	}
	_, err := r.lesson.End(ctx)
	r.lesson = nil
	return err
}

func (r *REPL) lessonLine(line lessons.Line) error {
	prompt := "$"
	if line.At.Shell != "" {
		prompt = line.At.Name + " #"
	}
	r.draw.text("\n" + r.draw.bold.Sprint(prompt+" "+line.Text) + "\n")
	if line.Result == nil {
		return nil
	}
	return r.show(*line.Result, nil)
}

// pointOn says how to go on.
func (r *REPL) pointOn() error {
	if _, more := r.lesson.Ahead(); more {
		r.draw.say("Enter goes on; try things of your own before, if you like.")
	} else {
		r.draw.say("That was the last step. Enter ends the lesson and removes what it made.")
	}
	return nil
}
