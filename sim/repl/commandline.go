package repl

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"twinlayer/lessons"
	"twinlayer/sim"
)

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
func LessonFiles(host sim.Host, words []string, lang string, out io.Writer) (done bool, err error) {
	switch {
	case len(words) == 0:
		return false, nil
	case words[0] == "new":
		if err := lessons.New(host, words[1], time.Now()); err != nil {
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
func LessonsAsked(host sim.Host, words []string) (check bool, all []lessons.Lesson, err error) {
	if len(words) == 0 {
		return false, nil, nil
	}
	check = words[0] == "check"
	if len(words) == 1 {
		all, err = lessons.All()
		return check, all, err
	}
	for _, name := range words[1:] {
		l, ok, err := lessons.Find(host, name)
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
