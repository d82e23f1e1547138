package repl

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
)

// What the terminal says of lessons.
var (
	lessonHead  = say.P2("screen.lesson-head")
	noReal      = say.P0("screen.no-real")
	toBeReached = say.P0("screen.to-be-reached")
	clearedAway = say.P0("screen.cleared-away")
	lessonOver  = say.P0("screen.lesson-over")
	lessonNext  = say.P2("screen.lesson-next")
	right       = say.P0("screen.right")
	theAnswer   = say.P2("screen.the-answer")
	itIs        = say.P2("screen.it-is")
	notQuite    = say.P2("screen.not-quite")
	predicted   = say.P1("screen.predicted")
	filesAre    = say.P1("screen.files-are")
	partlyRight = say.P4("screen.partly-right")
	cannotTell  = say.P1("screen.cannot-tell")
	allRight    = say.P2("screen.all-right")
	notRight    = say.P2("screen.not-right")
	nothing     = say.P0("screen.nothing")
	inWorlds    = say.P2("screen.in-worlds")
	ofWorld     = say.P2("screen.of-world")
	comma       = say.P0("screen.comma")
	modelWorld  = say.P0("screen.model")
	realWorld   = say.P0("screen.real")
	realEngine  = say.P1("screen.real-engine")
)

// course draws what a lesson tells.
func (p painter) course(b play.Body) {
	switch b := b.(type) {
	case play.Lessons:
		p.lessons(b)
	case play.Lesson:
		p.lesson(b)
	case play.Step:
		p.text("\n")
		p.line(p.faint, fmt.Sprintf("[%d/%d]", b.Number, b.Of))
		p.paragraph(p.prose, "", b.Prose.In(p.lang))
	case play.Plan:
		p.plan(b)
	case play.Asked:
		p.asked(b)
	case play.Score:
		p.score(b)
	case play.Goals:
		p.goals(b)
	case play.Coach:
		p.coach(b)
	case play.Afresh:
		p.text("\n")
		p.note(clearedAway)
	case play.Done:
		p.after(b)
	case play.Checked:
		p.text(p.lines.ok + " " + b.Lesson)
	case play.Over:
		p.over(b)
	}
}

func (p painter) lessons(all play.Lessons) {
	for _, l := range all.Lessons {
		p.text(fmt.Sprintf("%6s %3d  %s\n", p.standing(l), l.Order, l.Title.In(p.lang)))
	}
}

// standing is how far the learner has come in a lesson: over, the step that is
// next, both where it is played again, or nothing yet.
func (p painter) standing(l play.LessonPlace) string {
	switch {
	case l.Over && l.Step > 1:
		return fmt.Sprintf("%s %d/%d", p.lines.ok, l.Step, l.Of)
	case l.Step > 1:
		return fmt.Sprintf("%d/%d", l.Step, l.Of)
	case l.Over:
		return p.lines.ok
	}
	return ""
}

func (p painter) lesson(l play.Lesson) {
	p.paragraph(p.bold, "", p.in(lessonHead(l.Order, l.Title.In(p.lang))))
	if l.ModelOnly {
		p.note(noReal)
	}
	if l.Note != nil {
		p.paragraph(p.prose, "  ", l.Note.In(p.lang))
	}
}

func (p painter) after(d play.Done) {
	if d.After != nil {
		p.text("\n")
		p.paragraph(p.prose, "", d.After.In(p.lang))
	}
}

func (p painter) over(o play.Over) {
	if o.Lesson == "" {
		return
	}
	p.text("\n")
	p.note(lessonOver)
	if o.Next != nil {
		p.note(lessonNext(o.Next.Order, o.Next.Title.In(p.lang)))
	}
}

// asked draws a question, with its options numbered.
func (p painter) asked(q play.Asked) {
	text := q.Text.In(p.lang)
	for i, o := range q.Options {
		text += "\n" + strconv.Itoa(i+1) + ". " + o.In(p.lang)
	}
	p.text("\n")
	p.paragraph(p.bold, "", text)
	p.paragraph(p.faint, "", p.in(q.How))
}

func (p painter) coach(c play.Coach) {
	switch {
	case c.Hint != nil:
		p.paragraph(p.prose, "  ", c.Hint.In(p.lang))
	case c.Mistake != nil:
		p.paragraph(p.odd, "  ", c.Mistake.In(p.lang))
	default:
		p.paragraph(p.odd, "  ", p.in(c.Says))
	}
}

// plan draws lines as they are to be typed.
func (p painter) plan(all play.Plan) {
	prompts := map[play.Place]string{play.AtDocker: "  $ ", play.AtShell: "  # ", play.AtSelf: "  > "}
	p.text("\n")
	for _, line := range all.Lines {
		p.command(prompts[line.At], line.Text)
	}
}

// lessonCommand draws one of the lesson's own lines; what somebody has typed
// is on the screen already.
func (p painter) lessonCommand(c play.Command) {
	if !c.Lesson {
		return
	}
	prompts := map[play.Place]string{play.AtDocker: "$ ", play.AtShell: c.Container + " # ", play.AtSelf: "> "}
	p.text("\n")
	p.command(prompts[c.At], c.Text)
}

// command draws a line of a lesson; the content of a file is drawn below its
// name.
func (p painter) command(prompt, line string) {
	first, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\n")
	for i, part := range fold(ink.Visible(p.clipped(first)), p.width-len(prompt)) {
		if i > 0 {
			prompt = strings.Repeat(" ", len(prompt))
		}
		p.line(p.bold, prompt+part)
	}
	if rest == "" {
		return
	}
	for content := range strings.SplitSeq(rest, "\n") {
		p.text(strings.Repeat(" ", len(prompt)) + p.lines.wall + " " + ink.Printed(p.clipped(content)))
	}
}

func (p painter) files(all play.Files) {
	if all.All {
		p.note(filesAre(all.Dir))
	}
	for _, f := range all.Files {
		p.line(p.bold, f.Name)
		for _, line := range p.screenLines(f.Content) {
			p.text("  " + line)
		}
	}
}

// goals draws goals and, if they were looked at, how they stand in each world.
func (p painter) goals(all play.Goals) {
	if all.Opening {
		p.text("\n")
		p.note(toBeReached)
	}
	for _, g := range all.Goals {
		if all.Looked {
			p.goal(g)
		} else {
			p.paragraph(p.prose, "", "- "+p.in(g.Says))
		}
	}
}

func (p painter) goal(g play.Goal) {
	if g.Met {
		p.paragraph(p.good, "", p.in(inWorlds(p.lines.ok+" "+p.in(g.Says), p.worldsOf(g.Answers))))
	} else {
		p.paragraph(p.odd, "", p.lines.warn+" "+p.in(g.Says))
	}
	p.misses(slices.Clone(g.Answers))
}

// misses says what is missing in each world; once, where it is the same.
func (p painter) misses(all []play.WorldGoal) {
	if len(all) == 2 && p.in(all[0].Why) == p.in(all[1].Why) {
		all[0].World = p.worldsOf(all)
		all = all[:1]
	}
	for _, a := range all {
		if !a.Why.Empty() {
			p.paragraph(p.faint, "   ", p.in(ofWorld(p.shortName(a.World), a.Why)))
		}
	}
}

func (p painter) worldsOf(all []play.WorldGoal) string {
	var names []string
	for _, a := range all {
		names = append(names, p.shortName(a.World))
	}
	return strings.Join(names, p.in(comma))
}

// shortName is a world's name where it is clear which engine is the real one.
func (p painter) shortName(world string) string {
	switch {
	case world == "model":
		return p.in(modelWorld)
	case sim.KindOf(world) != sim.Kind{}:
		return p.in(realWorld)
	}
	return world
}

func (p painter) worldName(world string) string {
	if world == "model" {
		return p.in(modelWorld)
	}
	return p.in(realEngine(world))
}

// score draws how good an answer was.
func (p painter) score(s play.Score) {
	if s.Question == play.Predict {
		p.prediction(s)
		return
	}
	switch {
	case s.Right:
		p.paragraph(p.good, "", p.lines.ok+" "+p.in(right))
	case s.Guess == "":
		p.note(theAnswer(s.Answer, s.Option.In(p.lang)))
	default:
		p.paragraph(p.odd, "", p.lines.warn+" "+p.in(notQuite(s.Answer, s.Option.In(p.lang))))
	}
	p.paragraph(p.prose, "  ", s.Why.In(p.lang))
}

// prediction draws how good a prediction was in each world; once, where it is
// the same.
func (p painter) prediction(s play.Score) {
	if s.Guess != "" {
		p.note(predicted(s.Guess))
	}
	all := slices.Clone(s.Worlds)
	if len(all) == 2 {
		first, second := all[0], all[1]
		if second.World = first.World; first == second {
			all[0].World = p.shortName(all[0].World) + p.in(comma) + p.shortName(all[1].World)
			all = all[:1]
		}
	}
	for _, w := range all {
		p.worldScore(s.Guess != "", w)
	}
}

// worldScore draws how good a prediction was in a world; where nothing was
// predicted, what there was to predict.
func (p painter) worldScore(guessed bool, s play.WorldScore) {
	if !guessed && !s.Uncertain {
		p.note(itIs(p.shortName(s.World), cmp.Or(s.Is, p.in(nothing))))
		return
	}
	c, mark := p.odd, p.lines.warn
	if s.Right() {
		c, mark = p.good, p.lines.ok
	}
	p.paragraph(c, "", mark+" "+p.in(p.scored(s)))
}

func (p painter) scored(s play.WorldScore) say.Phrase {
	world, is := p.shortName(s.World), cmp.Or(s.Is, p.in(nothing))
	switch {
	case s.Uncertain:
		return cannotTell(world)
	case s.Right():
		return allRight(world, is)
	case s.Of == 1:
		return notRight(world, is)
	}
	return partlyRight(world, s.Hits, s.Of, is)
}
