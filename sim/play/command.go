package play

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// line runs one line: a word of twinlayer's own, an answer, or a command for
// both worlds.
func (c *Conversation) line(ctx context.Context, line string) error {
	trimmed := strings.TrimSpace(line)
	c.cmd = trimmed
	switch {
	case !c.asking() || isWord(line):
	case isOwn(trimmed):
		line, trimmed = ":"+trimmed, ":"+trimmed
	case !strings.HasPrefix(trimmed, "docker "):
		return c.answer(ctx, trimmed)
	}
	if c.late(trimmed) {
		c.tell(Command{Text: trimmed, At: AtSelf})
		return c.answer(ctx, trimmed)
	}
	if name, content, ok := c.fileLine(line); ok {
		return c.beginFile(name, content)
	}
	if w, args, ok := c.word(trimmed); ok {
		c.tell(Command{Text: trimmed, At: AtSelf})
		return c.ownWord(ctx, w, args)
	}
	if done, err := c.hostWord(ctx, trimmed); done || err != nil {
		return err
	}
	switch {
	case trimmed == "" && c.Session.Attached().Shell == "":
		return c.enter(ctx)
	case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		return nil
	}
	return c.command(ctx, line)
}

// ownWord does what a word of twinlayer's own stands for. Where a lesson's step
// is to show that, it has shown it.
func (c *Conversation) ownWord(ctx context.Context, w Word, args []string) error {
	on := c.lesson
	if err := w.run(c, ctx, args); err != nil || on == nil || c.lesson != on {
		return err
	}
	line := lessons.Line{At: c.Session.Attached(), Text: strings.Join(append([]string{":" + w.Name}, args...), " "), Shows: true}
	if !on.run.Shows(line.Text) {
		return nil
	}
	c.stirred = false
	return c.watch(ctx, line)
}

// enter is what an empty line does: the next step of what is going on.
func (c *Conversation) enter(ctx context.Context) error {
	if !c.Person || c.timeline.Ahead() == 0 && c.lesson == nil {
		return nil
	}
	return c.next(ctx, 1)
}

// command runs a line in both worlds.
func (c *Conversation) command(ctx context.Context, line string) error {
	if err := c.branch(ctx); err != nil {
		return err
	}
	at, asking := c.Session.Attached(), c.asking()
	cmd := commandAt(at, line)
	c.at = cmd.Container
	c.tell(cmd)
	shown := maps.Clone(c.shown)
	watched, end := c.watched(ctx)
	result, err := c.Session.Run(watched, line, c.Getenv)
	end()
	if err := c.show(result, err); err != nil {
		return err
	}
	c.stirred = c.stirs(at, line, result, shown[result.Model.Container])
	c.pointAtWord(at, result)
	if err := c.watch(ctx, lessons.Line{At: at, Text: line, Result: &result}); err != nil {
		return err
	}
	if c.asking() && !asking && at.Shell != "" {
		c.say(questionOpen)
	}
	return nil
}

// looks are the commands that leave everything as it is.
var looks = []string{"ps", "images", "diff", "history", "inspect", "logs", "top", "info", "version", "system df", "volume ls", "volume inspect", "attach", "exec"}

// stirs says whether a line has failed, or left something behind in a
// container's layer or at the engine: then who typed it may think that the step
// is done.
func (c *Conversation) stirs(at session.Attached, line string, r sim.Result, before string) bool {
	if r.Model.Exit != 0 || r.Model.Container != "" && r.Model.Layer != before {
		return true
	}
	cmd, err := cli.Parse(line, c.Getenv)
	return at.Shell == "" && err == nil && !slices.Contains(looks, cmd.Verb)
}

func commandAt(at session.Attached, line string) Command {
	if at.Shell == "" {
		return Command{Text: line, At: AtDocker}
	}
	return Command{Text: line, At: AtShell, Container: at.Name}
}

// show tells what a command came to.
func (c *Conversation) show(result sim.Result, err error) error {
	if err != nil {
		return err
	}
	c.count(result)
	if result.Container != "" {
		c.last = result.Container
	}
	held := c.Step && c.Person
	c.timeline.Add(result.Cmd, result.Steps, held)
	c.walked, c.result = false, result
	c.remember(result.Cmd)
	out := Result{Result: result, Unchanged: c.asBefore(result), Hints: result.Model.Hints, Adopted: result.Model.Adopted}
	if result.Real != nil {
		out.Builder = result.Real.Builder
	}
	c.tell(out)
	c.pointAtSteps(len(result.Steps), held)
	return nil
}

// asBefore says whether both worlds have the container's layer as it was last
// shown.
func (c *Conversation) asBefore(result sim.Result) bool {
	v := result.Model
	if v.Layer == "" || v.Container == "" {
		return false
	}
	was := c.shown[v.Container]
	c.shown[v.Container] = v.Layer
	return was == v.Layer && (result.Real == nil || result.Real.Layer == v.Layer)
}

// pointAtSteps says how to walk the model's steps: each time where they are
// held, once where they are not.
func (c *Conversation) pointAtSteps(n int, held bool) {
	switch {
	case n == 0 || !c.Person:
	case held && c.Session.Attached().Shell != "":
		c.say(stepsWaitInside(n))
	case held && n == 1:
		c.say(stepWaits)
	case held:
		c.say(stepsWait(n))
	case !c.pointed && n == 1:
		c.pointed = true
		c.say(stepTaken)
	case !c.pointed:
		c.pointed = true
		c.say(stepsTaken(n))
	}
}

// count takes note of a verdict.
func (c *Conversation) count(result sim.Result) {
	if result.Verdict == sim.Bug {
		c.bugs++
	}
}

// pointAtWord helps somebody whose line was no command, but is near to one, or
// is a word that lacks its colon in a container's shell.
func (c *Conversation) pointAtWord(at session.Attached, result sim.Result) {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(result.Cmd), "docker "), " ")
	if mark, found := shellsOwn(result.Cmd); found && at.Shell == "" {
		c.say(sayShellsOwn(mark, mark))
		return
	}
	stderr, refusal := result.Model.Stderr, result.Model.Refusal
	switch {
	case refusal != nil && refusal.Kind == sim.DeniedPull:
		name, _, _ := strings.Cut(refusal.Subject, ":")
		c.suggest(lessons.Closest(name, c.Pullable))
	case at.Shell != "" && strings.Contains(strings.ReplaceAll(stderr, ": command not", ": not"), first+": not found"):
		c.pointAtColon(first)
	case refusal != nil && refusal.Kind == sim.UnknownCommand:
		c.pointAtCommand(first)
	}
}

// suggest asks whether that was meant; "" where nothing is near.
func (c *Conversation) suggest(like string) {
	if like != "" {
		c.say(didYouMean(like))
	}
}

func (c *Conversation) pointAtColon(first string) {
	if isOwn(first) {
		c.say(colonInFront(":" + first))
	} else if like := lessons.Closest(first, wordNames("")); like != "" {
		c.say(didYouMean(":" + like))
	}
}

func (c *Conversation) pointAtCommand(first string) {
	_, number := strconv.Atoi(first)
	switch {
	case c.lesson != nil && (number == nil || lessons.IsLetter(first) || lessons.IsNothing(first)):
		c.say(noQuestion)
	case slices.Contains(userland.Applets(), first):
		c.say(forShell(first, first))
	default:
		c.suggest(lessons.Closest(first, append(append(wordNames(""), cli.VerbNames()...), "docker")))
	}
}
