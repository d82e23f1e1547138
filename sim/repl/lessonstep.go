package repl

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"twinlayer/lessons"
)

// lesson is the lesson that is on, and what the learner was asked in its step.
type lesson struct {
	run     *lessons.Run
	asked   question
	shell   string // in which it was asked; "": in none
	text    string // what was asked
	how     string // and how to answer
	guess   string // the answer to predict
	hints   int    // how many were given
	quizes  bool   // the quiz of the step was asked
	coached string // the wrong attempt that something was said to last
}

// question is one that waits for an answer.
type question string

const (
	nothingAsked question = ""
	askPredict   question = "predict"
	askQuiz      question = "quiz"
)

// openStep shows the open step: what is said, and what there is to do.
func (r *REPL) openStep(ctx context.Context) error {
	run := r.lesson.run
	s, ok := run.Step()
	if !ok {
		return nil
	}
	*r.lesson = lesson{run: run}
	r.keep(r.progress().At(run.Lesson(), run.Number()))
	r.draw.stepHead(run.Number(), len(run.Lesson().Steps))
	words := r.words(s)
	r.draw.paragraph(r.draw.prose, "", words.Prose)
	if s.Exercise() {
		r.draw.text("\n")
		r.tell("This is to be reached, in whatever way you like:")
		if !run.Done() && !r.Auto && !slices.ContainsFunc(run.Checked(), func(c lessons.Checked) bool { return !c.Met() }) {
			r.showGoals(run.Checked(), true) // the learner has run ahead
			return r.watch(ctx, lessons.Line{})
		}
		r.showGoals(run.Checked(), false)
	} else if !r.Auto {
		r.plan(ctx, s.Run)
	}
	if s.Predict != nil && !run.Done() && !r.Auto {
		r.ask(askPredict, words.Predict, s.Predict.How().In(r.Lang))
		return nil
	}
	r.pointOn()
	return nil
}

func (r *REPL) words(s lessons.Step) lessons.StepWords {
	return r.lesson.run.Lesson().In(r.Lang).Steps[s.ID]
}

// ask asks a question. At a terminal the next line is the answer; elsewhere
// only a line with the word answer is.
func (r *REPL) ask(q question, text, how string) {
	r.lesson.asked, r.lesson.shell = q, r.Session.Attached().Shell
	r.lesson.text, r.lesson.how = text, how
	r.draw.text("\n")
	r.draw.paragraph(r.draw.bold, "", text)
	r.draw.paragraph(r.draw.faint, "", how)
}

// asking says whether the next line is an answer. The lines of a shell that was
// begun meanwhile are that shell's.
func (r *REPL) asking() bool {
	if r.lesson == nil || r.lesson.asked == nothingAsked || !r.Lines.Talks() {
		return false
	}
	in := r.Session.Attached().Shell
	return in == "" || in == r.lesson.shell
}

func answer(r *REPL, ctx context.Context, args []string) error {
	if r.lesson == nil || r.lesson.asked == nothingAsked {
		r.tellWarn("Nothing was asked.")
		return nil
	}
	return r.answered(ctx, strings.Join(args, " "))
}

// answered takes an answer; an empty one leaves the question open for good.
func (r *REPL) answered(_ context.Context, said string) error {
	asked, text := r.lesson.asked, strings.TrimSpace(said)
	s, _ := r.lesson.run.Step()
	n, err := strconv.Atoi(text)
	options := len(r.words(s).Quiz.Options)
	switch {
	case text == "":
	case asked == askPredict && !s.Predict.Fits(text):
		r.askAgain(s.Predict.How())
		return nil
	case asked == askPredict:
		r.lesson.guess = text
	case err != nil || n < 1 || n > options:
		r.askAgain(lessons.Say("Answer with a number from 1 to %d.", options))
		return nil
	default:
		r.judgeQuiz(s, n)
	}
	r.lesson.asked = nothingAsked
	r.pointOn()
	return nil
}

// askAgain leaves a question open whose answer is none.
func (r *REPL) askAgain(how lessons.Phrase) {
	r.draw.paragraph(r.draw.odd, "", how.In(r.Lang))
	r.tell("Enter leaves the question.")
}

func (r *REPL) judgeQuiz(s lessons.Step, n int) {
	words := r.words(s).Quiz
	if n == s.Quiz.Right {
		r.draw.paragraph(r.draw.good, "", r.draw.lines.ok+" "+lessons.Say("Right.").In(r.Lang))
	} else {
		r.draw.paragraph(r.draw.odd, "", r.draw.lines.warn+" "+lessons.Say("Not quite. The answer is %d: %s", s.Quiz.Right, words.Options[s.Quiz.Right-1]).In(r.Lang))
	}
	r.draw.paragraph(r.draw.prose, "  ", words.Why)
}

// goOn is what Enter does in a lesson: it plays the step, or opens the next.
func (r *REPL) goOn(ctx context.Context) error {
	if r.lesson.asked != nothingAsked && r.Lines.Talks() {
		return r.answered(ctx, "")
	}
	r.lesson.asked = nothingAsked
	run := r.lesson.run
	if s, ok := run.Step(); ok && !run.Done() {
		if s.Exercise() && !r.Auto {
			r.tell("This step is yours: type docker commands. `hint` helps, `goals` shows what is missing, `skip` goes on without.")
			return nil
		}
		if err := r.playStep(ctx); err != nil || r.Lines.Talks() && !r.Auto || !run.Done() {
			return err
		}
	}
	return r.nextStep(ctx)
}

// playStep plays the step's own lines.
func (r *REPL) playStep(ctx context.Context) error {
	see := func(line lessons.Line) error { return r.lessonLine(ctx, line) }
	if err := r.lesson.run.Play(ctx, see); err != nil {
		return err
	}
	r.showGoals(r.lesson.run.Checked(), true)
	if !r.lesson.run.Done() {
		r.missed++
		r.tellWarn("The step did not lead where it should. `restart` begins the lesson afresh; `skip` goes on.")
		return nil
	}
	return r.stepDone(ctx)
}

// stepDone is what follows when a step's goals are reached, however.
func (r *REPL) stepDone(ctx context.Context) error {
	s, _ := r.lesson.run.Step()
	if r.lesson.guess != "" {
		scores, err := r.lesson.run.Score(ctx, r.lesson.guess)
		if err != nil {
			return err
		}
		r.showScores(scores)
	}
	if after := r.words(s).After; after != "" {
		r.draw.text("\n")
		r.draw.paragraph(r.draw.prose, "", after)
	}
	r.lesson.asked = nothingAsked
	if s.Quiz != nil && !r.lesson.quizes && !r.Auto {
		r.lesson.quizes = true
		q := r.words(s).Quiz
		r.ask(askQuiz, q.Question+numbered(q.Options), lessons.Say("Answer with a number from 1 to %d.", len(q.Options)).In(r.Lang))
		return nil
	}
	r.pointOn()
	return nil
}

func numbered(options []string) (out string) {
	for i, o := range options {
		out += "\n" + strconv.Itoa(i+1) + ". " + o
	}
	return out
}

// nextStep opens the next step, or ends the lesson.
func (r *REPL) nextStep(ctx context.Context) error {
	more, err := r.lesson.run.Next(ctx)
	if err != nil {
		return err
	}
	if more {
		return r.openStep(ctx)
	}
	r.keep(r.progress().Over(r.lesson.run.Lesson()))
	over := r.lesson.run.Lesson()
	err = r.endLesson(ctx)
	r.draw.text("\n")
	r.tell("The lesson is over, and all that was made in it is thrown away.")
	r.pointAtNext(over)
	return err
}

// pointAtNext says which lesson of the course follows.
func (r *REPL) pointAtNext(over lessons.Lesson) {
	all, _ := lessons.All()
	for i, l := range all {
		if l.ID == over.ID && i+1 < len(all) && !r.Auto {
			r.tell("`lesson %d` is the next: %s", all[i+1].Order, all[i+1].In(r.Lang).Title)
		}
	}
}

// watch looks at the goals after a line that was typed.
func (r *REPL) watch(ctx context.Context, line lessons.Line) error {
	if r.lesson == nil {
		return nil
	}
	seen, err := r.lesson.run.Look(ctx, line)
	if err != nil {
		return err
	}
	r.showGoals(seen.Ticked, true)
	if seen.Coach != nil {
		r.coach(*seen.Coach)
	}
	if seen.Done {
		r.tell("That is it.")
		return r.stepDone(ctx)
	}
	return nil
}

func (r *REPL) coach(c lessons.Coaching) {
	if c.Slip == "docker-inside" {
		return // what the command came to has said so already
	}
	last := r.lesson.coached
	if r.lesson.coached = c.Wrong; c.Wrong != "" && c.Wrong == last {
		return // it stands as it stood before the line
	}
	text := c.Says.In(r.Lang)
	if c.Wrong != "" {
		s, _ := r.lesson.run.Step()
		text = r.words(s).Wrong[c.Wrong]
	}
	r.draw.paragraph(r.draw.odd, "  ", text)
}

// hint helps a little more each time: first with what is missing, then with
// the lesson's words, last with the solution.
func hint(r *REPL, ctx context.Context, _ []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	s, ok := r.lesson.run.Step()
	if r.lesson.asked != nothingAsked && r.Lines.Talks() {
		r.tell("A question is open: answer it, or leave it with Enter.")
		r.ask(r.lesson.asked, r.lesson.text, r.lesson.how)
		return nil
	}
	if !ok || r.lesson.run.Done() {
		r.tell("Nothing is missing here.")
		return nil
	}
	hints := r.words(s).Hints
	switch n := r.lesson.hints; {
	case n == 0 && len(s.Goals) > 0:
		r.showMissing()
	case n <= len(hints) && n > 0:
		r.draw.paragraph(r.draw.prose, "  ", hints[n-1])
	default:
		r.tell("This does it:")
		r.plan(ctx, s.Lines())
	}
	r.lesson.hints++
	return nil
}

// showMissing tells of the first goal that is not met, and what is nearest.
func (r *REPL) showMissing() {
	for _, c := range r.lesson.run.Checked() {
		if !c.Met() {
			r.tell("This is missing first:")
			r.showGoals([]lessons.Checked{c}, true)
			return
		}
	}
}

func goals(r *REPL, _ context.Context, _ []string) error {
	if r.lesson == nil {
		return r.noLesson()
	}
	if len(r.lesson.run.Checked()) == 0 {
		r.tell("This step has no goal: it only shows something.")
	}
	r.showGoals(r.lesson.run.Checked(), true)
	return nil
}

// pointOn says how to go on.
func (r *REPL) pointOn() {
	run := r.lesson.run
	s, ok := run.Step()
	enter := "Enter"
	if r.Session.Attached().Shell != "" {
		enter = ":next"
	}
	switch {
	case r.Auto || !ok:
	case !run.Done() && s.Exercise():
		r.tell("`hint` helps; `goals` shows what is missing; `skip` goes on without.")
	case !run.Done():
		r.tell("%s runs it; or type it yourself, in your own way.", enter)
	case run.Number() == len(run.Lesson().Steps):
		r.tell("That was the last step. %s ends the lesson and throws away what was made in it.", enter)
	default:
		r.tell("%s goes on; try things of your own before, if you like.", enter)
	}
}
