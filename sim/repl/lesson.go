package repl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"twinlayer/lessons"
)

// listLessons shows the course, and how far the learner has come in it.
func listLessons(r *REPL, _ context.Context, _ []string) error {
	all, err := lessons.All()
	if err != nil {
		return err
	}
	for _, l := range all {
		r.draw.text(fmt.Sprintf("%s %3d  %s\n", r.standing(l), l.Order, l.In(r.Lang).Title))
	}
	return nil
}

// standing is how far the learner has come in a lesson: over, the step that is
// next, or nothing yet.
func (r *REPL) standing(l lessons.Lesson) string {
	place := r.progress().Lessons[l.ID]
	mark := ""
	switch {
	case place.Step > 1:
		mark = fmt.Sprintf("%d/%d", place.Step, place.Of)
	case place.Over:
		mark = r.draw.lines.ok
	}
	return fmt.Sprintf("%5s", mark)
}

func startLesson(r *REPL, ctx context.Context, args []string) error {
	if len(args) != 1 {
		r.tellWarn("lesson needs the number of one; these are there:")
		return listLessons(r, ctx, nil)
	}
	l, ok, err := lessons.Find(args[0])
	switch {
	case err != nil:
		r.draw.warn("%v", err)
		return nil
	case !ok:
		r.tellWarn("there is no lesson %s; these are there:", args[0])
		return listLessons(r, ctx, nil)
	}
	return r.begin(ctx, l, 0)
}

// begin begins a lesson at the step of that index.
func (r *REPL) begin(ctx context.Context, l lessons.Lesson, at int) error {
	if err := r.endLesson(ctx); err != nil {
		return err
	}
	run, err := l.Start(ctx, r.Session)
	if err != nil {
		return errors.Join(err, run.End(ctx))
	}
	r.lesson = &lesson{run: run}
	words := l.In(r.Lang)
	r.draw.title(lessons.Say("Lesson %d: %s", l.Order, words.Title).In(r.Lang))
	r.differences(l)
	if at > 0 {
		r.tell("Going back to step %d: what came before it is done again.", at+1)
		if err := run.Goto(ctx, at); err != nil {
			return err
		}
	}
	return r.openStep(ctx)
}

// differences says what is different on this engine.
func (r *REPL) differences(l lessons.Lesson) {
	engine := "model"
	if r.Session.Real != nil {
		engine = r.Session.Real.Name()
	} else {
		r.tell("There is no real engine here: you see the model alone, and nothing proves it right.")
	}
	if note := l.In(r.Lang).On[engine]; note != "" {
		r.draw.paragraph(r.draw.prose, "  ", note)
	}
}

// endLesson gives up the lesson that is on and throws away what it made.
func (r *REPL) endLesson(ctx context.Context) error {
	if r.lesson == nil {
		return nil
	}
	err := r.lesson.run.End(ctx)
	r.lesson = nil
	return err
}

func restart(r *REPL, ctx context.Context, _ []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	return r.begin(ctx, r.lesson.run.Lesson(), 0)
}

// resume goes on where the learner was, in this session or an earlier one.
func resume(r *REPL, ctx context.Context, _ []string) error {
	if r.lesson != nil {
		return r.openStep(ctx)
	}
	l, ok, err := lessons.Find(r.progress().Last)
	if err != nil || !ok {
		return r.noLesson()
	}
	place := r.progress().Lessons[l.ID]
	if place.Of != len(l.Steps) || place.Step > place.Of {
		place.Step = 1
	}
	return r.begin(ctx, l, max(place.Step-1, 0))
}

func (r *REPL) noLesson() error {
	r.tellWarn("No lesson is on: `lessons` lists them, `lesson N` begins one.")
	return nil
}

// skip goes on without the step: what it leads to is done quietly.
func skip(r *REPL, ctx context.Context, _ []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	run := r.lesson.run
	if !run.Done() {
		if err := run.Play(ctx, func(line lessons.Line) error { r.countLine(line); return nil }); err != nil {
			return err
		}
		r.keep(r.progress().Skipped(run.Lesson()))
	}
	return r.nextStep(ctx)
}

// speak switches the language, also in the middle of a lesson.
func speak(r *REPL, ctx context.Context, args []string) error {
	if len(args) != 1 || !slices.Contains(lessons.Languages, args[0]) {
		r.tellWarn("lang needs one of: %s", strings.Join(lessons.Languages, ", "))
		return nil
	}
	r.Lang, r.draw.lang = args[0], args[0]
	r.keep(r.progress().Speak(r.Lang))
	if r.lesson == nil {
		r.tell("Lessons speak English now.")
		return nil
	}
	return r.openStep(ctx)
}

// files shows the lesson's files, or one of them.
func files(r *REPL, _ context.Context, args []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	if len(args) == 0 {
		r.tell("The lesson's files are in %s:", r.lesson.run.Dir())
	}
	return r.showFiles(r.lesson.run.Dir(), args)
}

// edit opens a file of the lesson's directory in the learner's editor; off a
// terminal, or without a name, it shows what is there.
func edit(r *REPL, ctx context.Context, args []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	dir := r.lesson.run.Dir()
	if len(args) != 1 || !filepath.IsLocal(args[0]) || !r.Lines.Talks() {
		return files(r, ctx, nil)
	}
	editor := os.Getenv("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", filepath.Join(dir, args[0]))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		r.tellWarn("%s could not be run: %s. The lesson's files are in %s; set EDITOR, or edit them in another window.", editor, err, dir)
	}
	return nil
}

// fileLine takes a line "file NAME" apart, which begins a file of the lesson's
// directory; its content may follow in the same line, below.
func (r *REPL) fileLine(line string) (name, content string, ok bool) {
	first, content, _ := strings.Cut(line, "\n")
	first = strings.TrimSpace(first)
	if r.Session.Attached().Shell == "" && !isWord(first) {
		first = ":" + first
	}
	name, ok = strings.CutPrefix(first, ":file ")
	return strings.TrimSpace(name), content, ok
}

// writeFile writes a file of the lesson's directory. What is not given with
// the line follows in the next ones, up to a single dot.
func (r *REPL) writeFile(name, content string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	if !filepath.IsLocal(name) {
		r.tellWarn("A file of the lesson has a name in its directory, not %s", name)
		return nil
	}
	if content == "" {
		if r.Lines.Talks() {
			r.tell("Type the lines of %s; a single dot ends them.", name)
		}
		content = r.untilDot()
	}
	return r.lesson.run.Write(name, content)
}

// untilDot reads lines up to a single dot.
func (r *REPL) untilDot() (content string) {
	for len(content) < maxLine {
		line, err := r.Lines.Line(". ")
		if err != nil || line == "." {
			break
		}
		content += line + "\n"
	}
	return content
}

// showFiles shows the files of the lesson's directory, or those named.
func (r *REPL) showFiles(dir string, names []string) error {
	return filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if len(names) > 0 && !slices.Contains(names, rel) {
			return nil
		}
		r.draw.line(r.draw.bold, rel)
		info, err := d.Info()
		if err != nil || info.Size() > 4096 {
			return err
		}
		content, err := os.ReadFile(name)
		for _, line := range screenLines(string(content)) {
			r.draw.text("  " + line)
		}
		return err
	})
}

// tell says something of lessons in the learner's language.
func (r *REPL) tell(format string, args ...any) {
	r.draw.say("%s", lessons.Say(format, args...).In(r.Lang))
}

func (r *REPL) tellWarn(format string, args ...any) {
	r.draw.warn("%s", lessons.Say(format, args...).In(r.Lang))
}

// progress is the learner's, or one that is kept nowhere.
func (r *REPL) progress() *lessons.Progress {
	if r.Progress == nil {
		r.Progress = &lessons.Progress{}
	}
	return r.Progress
}

// keep says once that progress could not be kept; lessons go on without.
func (r *REPL) keep(err error) {
	if err != nil && !r.lost {
		r.lost = true
		r.tellWarn("Your progress is not kept: %s", err)
	}
}
