package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"twinlayer/lessons"
)

// Missed is how many steps of lessons did not lead where they should.
func (r *REPL) Missed() int { return r.missed }

// playAll begins with the lessons that were asked for: with Auto it plays them
// all, else it opens the first.
func (r *REPL) playAll(ctx context.Context) error {
	for _, l := range r.Play {
		if err := r.begin(ctx, l, 0); err != nil || !r.Auto {
			return err
		}
		if err := r.playOut(ctx); err != nil {
			return err
		}
	}
	return nil
}

// playOut plays the lesson that is on to its end, or to where it fails.
func (r *REPL) playOut(ctx context.Context) error {
	for r.lesson != nil && ctx.Err() == nil {
		missed := r.missed
		if err := r.goOn(ctx); err != nil {
			return err
		}
		if r.missed > missed {
			return r.endLesson(ctx)
		}
	}
	return ctx.Err()
}

// checkAll plays lessons in all ways and says what does not hold in each.
func (r *REPL) checkAll(ctx context.Context) {
	if len(r.Play) > 1 {
		if err := lessons.Keep(ctx, r.Session, r.Play); err != nil {
			r.draw.warn("%v", err)
		}
	}
	for _, l := range r.Play {
		if err := lessons.Check(ctx, r.Session, l); err != nil {
			r.missed++
			r.draw.warn("%v", err)
			continue
		}
		r.draw.text(r.draw.lines.ok + " " + l.ID)
	}
}

// LessonUsage is what can be asked of lessons on the command line.
const LessonUsage = `
lesson list               the lessons there are
lesson play [LESSON…]     play a lesson of the course (its number or id) or of a
                          directory; with --auto to its end, and without a
                          name the whole course
lesson check [LESSON…]    play lessons in all ways, and say what does not hold
lesson new DIR            begin a lesson of your own
lesson format             what may stand in a lesson's files
`

// CheckLessonWords says what is wrong with what is asked of lessons.
func CheckLessonWords(words []string, auto bool) error {
	n := len(words) - 1
	switch {
	case n < 0:
		return errors.New("lesson needs one of: list, play, check, new, format")
	case (words[0] == "list" || words[0] == "format") && n == 0, words[0] == "new" && n == 1, words[0] == "check":
		if auto {
			return errors.New("--auto is for lesson play")
		}
		return nil
	case words[0] == "play" && (auto || n == 1):
		return nil
	case words[0] == "play":
		return errors.New("lesson play needs one lesson, or --auto")
	}
	return fmt.Errorf("lesson %s: unexpected; there are: list, play [LESSON…], check [LESSON…], new DIR, format", strings.Join(words, " "))
}

// LessonFiles does what needs no world; done is false for all else.
func LessonFiles(words []string, lang string, out io.Writer) (done bool, err error) {
	switch {
	case len(words) == 0:
		return false, nil
	case words[0] == "new":
		if err := lessons.New(words[1]); err != nil {
			return true, err
		}
		fmt.Fprintf(out, "%[1]s has a lesson now: edit its files (twinlayer lesson format tells what may stand in them; one language is enough), then run twinlayer lesson check %[1]s\n", words[1])
		return true, nil
	case words[0] == "format":
		_, err := io.WriteString(out, lessons.Format())
		return true, err
	case words[0] == "list":
		all, err := lessons.All()
		for _, l := range all {
			fmt.Fprintf(out, "%3d  %-20s  %s\n", l.Order, l.ID, l.In(lang).Title)
		}
		return true, err
	}
	return false, nil
}

// LessonsAsked are the lessons to check or to play.
func LessonsAsked(words []string) (check bool, all []lessons.Lesson, err error) {
	if len(words) == 0 {
		return false, nil, nil
	}
	check = words[0] == "check"
	if len(words) == 1 {
		all, err = lessons.All()
		return check, all, err
	}
	for _, name := range words[1:] {
		l, ok, err := lessons.Find(name)
		switch {
		case err != nil:
			return check, nil, err
		case !ok:
			return check, nil, fmt.Errorf("lesson %s: there is none of this number, id or directory; lesson list has them", name)
		}
		all = append(all, l)
	}
	return check, all, nil
}
