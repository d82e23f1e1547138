package play

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim/cli"
)

// lesson is the lesson that is on, and what the learner was asked in its step.
type lesson struct {
	run     *lessons.Run
	asked   Asked  // what waits for an answer
	latest  Asked  // what was asked last in the step; it may be answered late
	shell   string // in which it was asked; "": in none
	guess   string // the answer to predict
	hints   int    // how many were given
	quizzed bool   // the quiz of the step was asked
	coached string // the wrong attempt that something was said to last
}

// text is a text of the open step.
func (l *lesson) text(pick func(lessons.StepWords) string) Text {
	s, _ := l.run.Step()
	return textIn(l.run.Lesson(), s.ID, pick)
}

// options are those of the open step's quiz.
func (l *lesson) options() (all []Text) {
	for i := 0; ; i++ {
		option := l.text(func(w lessons.StepWords) string {
			if i < len(w.Quiz.Options) {
				return w.Quiz.Options[i]
			}
			return ""
		})
		if option == nil {
			return all
		}
		all = append(all, option)
	}
}

// openStep tells of the open step: what is said, and what there is to do.
func (c *Conversation) openStep(ctx context.Context) error {
	run := c.lesson.run
	s, ok := run.Step()
	if !ok {
		return nil
	}
	*c.lesson = lesson{run: run}
	c.keep(c.Course.Progress.At(run.Lesson(), run.Number()))
	prose := c.lesson.text(func(w lessons.StepWords) string { return w.Prose })
	c.tell(Step{s.ID, run.Number(), len(run.Lesson().Steps), prose, s.Exercise()})
	switch {
	case s.Exercise() && c.ranAhead():
		c.tell(Goals{true, true, goalsOf(run.Checked())})
		return c.watch(ctx, lessons.Line{})
	case s.Exercise():
		c.tell(Goals{true, false, goalsOf(run.Checked())})
	case !c.Auto:
		c.plan(ctx, s.Run)
	}
	if s.Predict != nil && !run.Done() && !c.Auto {
		c.ask(Asked{Predict, c.lesson.text(func(w lessons.StepWords) string { return w.Predict }), nil, s.Predict.How()})
		return nil
	}
	c.pointOn()
	return nil
}

// ranAhead says whether what the step is for is there already.
func (c *Conversation) ranAhead() bool {
	run := c.lesson.run
	return !run.Done() && !c.Auto && !slices.ContainsFunc(run.Checked(), func(g lessons.Checked) bool { return !g.Met() })
}

// ask asks a question. Where a person types, the next line is the answer;
// elsewhere only a line with the word answer is.
func (c *Conversation) ask(q Asked) {
	c.lesson.asked, c.lesson.latest, c.lesson.shell = q, q, c.Session.Attached().Shell
	c.tell(q)
}

// open says whether a question waits for an answer.
func (c *Conversation) open() bool { return c.lesson != nil && c.lesson.asked.Question != NoQuestion }

// asking says whether the next line is an answer. The lines of a shell that was
// begun meanwhile are that shell's.
func (c *Conversation) asking() bool {
	if !c.open() || !c.Person {
		return false
	}
	in := c.Session.Attached().Shell
	return in == "" || in == c.lesson.shell
}

func answerWord(c *Conversation, ctx context.Context, args []string) error {
	return c.answer(ctx, strings.Join(args, " "))
}

// answer takes an answer; an empty one skips the question that is open. One
// that was skipped can be answered still, as long as its step is open.
func (c *Conversation) answer(ctx context.Context, text string) error {
	switch {
	case c.lesson == nil || c.lesson.latest.Question == NoQuestion || !c.open() && text == "":
		c.refuse(nothingAsked)
		return nil
	case text != "" && !c.fits(text):
		c.warn(c.lesson.latest.How)
		if c.open() {
			c.say(enterLeaves)
		}
		return nil
	}
	was := c.open()
	c.lesson.asked = Asked{}
	if err := c.judge(ctx, text); err != nil {
		return err
	}
	switch {
	case was:
		c.pointOn()
	case c.lesson.guess == text:
		c.say(guessNoted)
	}
	return nil
}

// fits says whether an answer has the form of one to what was asked last.
func (c *Conversation) fits(text string) bool {
	s, _ := c.lesson.run.Step()
	if c.lesson.latest.Question == Predict {
		return s.Predict.Fits(text)
	}
	return c.option(text) > 0
}

// judge scores an answer: to a quiz at once, a prediction when the step is
// done.
func (c *Conversation) judge(ctx context.Context, text string) error {
	s, _ := c.lesson.run.Step()
	switch {
	case c.lesson.latest.Question == Quiz:
		right := s.Quiz.Right
		why := c.lesson.text(func(w lessons.StepWords) string { return w.Quiz.Why })
		c.tell(Score{Question: Quiz, Guess: text, Right: c.option(text) == right, Answer: right, Option: c.lesson.latest.Options[right-1], Why: why})
	case c.lesson.run.Done():
		return c.scorePrediction(ctx, text)
	default:
		c.lesson.guess = text
	}
	return nil
}

// option is the number of the option that an answer names, by its number or by
// words that no other has; 0 where it names none.
func (c *Conversation) option(text string) (found int) {
	options := c.lesson.latest.Options
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > len(options) {
			return 0
		}
		return n
	}
	for i, o := range options {
		switch {
		case !o.names(text):
		case o.is(text):
			return i + 1
		case found != 0:
			return 0
		default:
			found = i + 1
		}
	}
	return found
}

// late says whether a line answers a question that was skipped, or answered
// already. Only what is no command anywhere counts: a number, what docker diff
// prints, or an option's own words.
func (c *Conversation) late(line string) bool {
	if c.lesson == nil || !c.Person || c.Session.Attached().Shell != "" || line == "" {
		return false
	}
	s, ok := c.lesson.run.Step()
	switch {
	case !ok || c.lesson.latest.Question == NoQuestion:
		return false
	case c.lesson.latest.Question == Predict:
		return s.Predict.Prints == "" && s.Predict.Fits(line)
	}
	_, err := strconv.Atoi(line)
	return err == nil || slices.ContainsFunc(c.lesson.latest.Options, func(o Text) bool { return o.is(line) })
}

// goOn is what Next does in a lesson: it plays the step, or opens the next.
func (c *Conversation) goOn(ctx context.Context) error {
	if c.open() && c.Person {
		return c.answer(ctx, "")
	}
	c.lesson.asked = Asked{}
	run := c.lesson.run
	if s, ok := run.Step(); ok && !run.Done() {
		if s.Exercise() && !c.Auto {
			c.say(stepIsYours)
			return nil
		}
		if err := c.playStep(ctx); err != nil || c.Person && !c.Auto || !run.Done() {
			return err
		}
	}
	return c.nextStep(ctx)
}

// leaveShell leaves the shell that the learner is in: a step begins outside.
func (c *Conversation) leaveShell() {
	if at := c.Session.Attached(); at.Shell != "" && c.Person {
		c.Session.Detach()
		c.say(goesOnAlone(at.Name, at.Name))
	}
}

// playStep plays the step's own lines.
func (c *Conversation) playStep(ctx context.Context) error {
	see := func(line lessons.Line) error { return c.lessonLine(ctx, line) }
	if c.Person && !c.Auto { // one command at a time
		if more, err := c.lesson.run.PlayLine(ctx, see); err != nil || more {
			c.pointOn()
			return err
		}
	} else if err := c.lesson.run.Play(ctx, see); err != nil {
		return err
	}
	c.tellGoals(c.lesson.run.Checked())
	if !c.lesson.run.Done() {
		c.missed++
		c.warn(ledAstray)
		return nil
	}
	return c.stepDone(ctx)
}

// lessonLine tells of one of the lesson's own lines and what it came to.
func (c *Conversation) lessonLine(ctx context.Context, line lessons.Line) error {
	if line.Afresh {
		c.tell(Afresh{})
		return nil
	}
	cmd := commandAt(line.At, line.Text)
	if line.At.Shell == "" && line.Result == nil {
		cmd.At, cmd.Text = AtSelf, strings.TrimPrefix(line.Text, ":")
	}
	cmd.Lesson = true
	c.at = cmd.Container
	c.tell(cmd)
	switch w, args, _ := c.word(line.Text); {
	case line.Shows:
		return w.run(c, ctx, args)
	case line.Result != nil:
		return c.show(*line.Result, nil)
	}
	return nil
}

// stepDone is what follows when a step's goals are reached, however.
func (c *Conversation) stepDone(ctx context.Context) error {
	run := c.lesson.run
	s, _ := run.Step()
	if c.lesson.latest.Question == Predict {
		if err := c.scorePrediction(ctx, c.lesson.guess); err != nil {
			return err
		}
	}
	c.tell(Done{run.Number(), c.lesson.text(func(w lessons.StepWords) string { return w.After })})
	c.lesson.asked = Asked{}
	if s.Quiz != nil && !c.lesson.quizzed && !c.Auto {
		c.lesson.quizzed = true
		question := c.lesson.text(func(w lessons.StepWords) string { return w.Quiz.Question })
		options := c.lesson.options()
		c.ask(Asked{Quiz, question, options, answerNumber(len(options))})
		return nil
	}
	c.pointOn()
	return nil
}

// scorePrediction holds a guess against what the step came to, and tells that
// also where nothing was guessed.
func (c *Conversation) scorePrediction(ctx context.Context, guess string) error {
	scores, err := c.lesson.run.Score(ctx, guess)
	if err == nil {
		c.tell(scoreOf(guess, scores))
	}
	return err
}

func scoreOf(guess string, worlds []lessons.Score) Score {
	out := Score{Question: Predict, Guess: guess, Right: guess != ""}
	for _, s := range worlds {
		out.Worlds = append(out.Worlds, WorldScore(s))
		out.Right = out.Right && s.Right()
	}
	return out
}

// nextStep opens the next step, or ends the lesson.
func (c *Conversation) nextStep(ctx context.Context) error {
	c.leaveShell()
	more, err := c.lesson.run.Next(ctx)
	if err != nil {
		return err
	}
	if more {
		return c.openStep(ctx)
	}
	over := c.lesson.run.Lesson()
	c.keep(c.Course.Progress.Over(over))
	err = c.endLesson(ctx)
	c.tell(Over{over.ID, c.after(over)})
	if place := c.Course.Progress.Lessons[over.ID]; place.Skip > 0 && !place.Over && !c.Auto {
		c.say(notTicked(place.Skip))
	}
	return err
}

// after is the lesson of the course that follows one.
func (c *Conversation) after(over lessons.Lesson) *LessonRef {
	all, _ := lessons.All()
	i := slices.IndexFunc(all, func(l lessons.Lesson) bool { return l.ID == over.ID })
	if i < 0 || i+1 == len(all) || c.Auto {
		return nil
	}
	next := refTo(all[i+1])
	return &next
}

// watch looks at the goals after a line that was typed.
func (c *Conversation) watch(ctx context.Context, line lessons.Line) error {
	if c.lesson == nil {
		return nil
	}
	seen, err := c.lesson.run.Look(ctx, line)
	if err != nil {
		return err
	}
	c.tellGoals(seen.Ticked)
	switch s, ok := c.lesson.run.Step(); {
	case seen.Done:
		c.say(thatIsIt)
		return c.stepDone(ctx)
	case seen.Coach != nil:
		c.coach(*seen.Coach)
	case ok && s.Exercise() && !c.lesson.run.Done() && c.stirred:
		c.say(notThere)
	}
	return nil
}

func (c *Conversation) coach(p lessons.Coaching) {
	if p.Mistake == "docker-inside" {
		return // what the command came to has said so already
	}
	last := c.lesson.coached
	if c.lesson.coached = p.Wrong; p.Wrong != "" && p.Wrong == last {
		return // it stands as it stood before the line
	}
	if p.Wrong == "" {
		c.tell(Coach{Says: p.Says})
		return
	}
	c.tell(Coach{Mistake: c.lesson.text(func(w lessons.StepWords) string { return w.Wrong[p.Wrong] })})
}

// tellGoals tells how goals stand; of none it says nothing.
func (c *Conversation) tellGoals(all []lessons.Checked) {
	if len(all) > 0 {
		c.tell(Goals{Looked: true, Goals: goalsOf(all)})
	}
}

func goalsOf(all []lessons.Checked) []Goal {
	out := make([]Goal, 0, len(all))
	for _, g := range all {
		out = append(out, Goal{g.Goal.Says(), g.Met(), answersOf(g.Answers)})
	}
	return out
}

func answersOf(all []lessons.Answer) []WorldGoal {
	out := make([]WorldGoal, 0, len(all))
	for _, a := range all {
		out = append(out, WorldGoal{a.World, a.State, a.Why})
	}
	return out
}

// hint helps a little more each time: first with what is missing, then with
// the lesson's words, last with the solution.
func hint(c *Conversation, ctx context.Context, _ []string) error {
	run := c.lesson.run
	s, ok := run.Step()
	switch {
	case c.open() && c.Person:
		c.say(questionOpen)
		c.ask(c.lesson.asked)
	case !ok || run.Done():
		c.say(nothingMissing)
	default:
		c.push(ctx, s)
	}
	return nil
}

func (c *Conversation) push(ctx context.Context, s lessons.Step) {
	n := c.lesson.hints
	c.lesson.hints++
	words := c.lesson.text(func(w lessons.StepWords) string {
		if n > 0 && n <= len(w.Hints) {
			return w.Hints[n-1]
		}
		return ""
	})
	switch {
	case n == 0 && len(s.Goals) > 0:
		c.tellMissing()
	case words != nil:
		c.tell(Coach{Hint: words})
	default:
		c.say(thisDoesIt)
		c.plan(ctx, s.Lines())
	}
}

// tellMissing tells of the first goal that is not met, and what is nearest.
func (c *Conversation) tellMissing() {
	all := c.lesson.run.Checked()
	if i := slices.IndexFunc(all, func(g lessons.Checked) bool { return !g.Met() }); i >= 0 {
		c.say(missingFirst)
		c.tellGoals(all[i : i+1])
	}
}

func goals(c *Conversation, _ context.Context, _ []string) error {
	all := c.lesson.run.Checked()
	if len(all) == 0 {
		c.say(noGoal)
	}
	c.tellGoals(all)
	return nil
}

// pointOn says how to go on.
func (c *Conversation) pointOn() {
	run := c.lesson.run
	s, ok := run.Step()
	enter := enterKey
	if c.Session.Attached().Shell != "" {
		enter = nextWord
	}
	switch {
	case c.Auto || !ok:
	case !run.Done() && s.Exercise():
		c.say(hintHelps)
	case !run.Done():
		c.say(runsIt(enter))
	case run.Number() == len(run.Lesson().Steps):
		c.say(lastStep(enter))
	default:
		c.say(goesOn(enter))
	}
}

// plan tells lines as they are to be typed.
func (c *Conversation) plan(ctx context.Context, lines []string) {
	var out Plan
	inShell := false
	for _, line := range lines {
		line = c.lesson.run.Typed(ctx, line)
		docker := strings.HasPrefix(line, "docker ")
		p := PlanLine{AtDocker, line}
		if inShell && !docker {
			p.At = AtShell
		}
		wasInShell := inShell
		inShell = opensShell(line) || inShell && line != ":detach" && line != "exit" && !docker
		if !wasInShell && strings.HasPrefix(line, ":") {
			p = PlanLine{AtSelf, line[1:]}
		}
		out.Lines = append(out.Lines, p)
	}
	c.tell(out)
}

// opensShell says whether a docker line leads into a container's shell.
func opensShell(line string) bool {
	cmd, err := cli.Parse(line, func(string) string { return "" })
	return err == nil && (cmd.Verb == "attach" || (cmd.Verb == "run" || cmd.Verb == "exec") && cmd.Interactive)
}
