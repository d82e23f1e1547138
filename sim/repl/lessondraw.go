package repl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim/cli"
	"twinlayer/sim/repl/ink"
)

func (p painter) stepHead(n, of int) {
	p.text("\n")
	p.line(p.faint, fmt.Sprintf("[%d/%d]", n, of))
}

// plan lists lines as they are to be typed.
func (r *REPL) plan(ctx context.Context, lines []string) {
	p := r.draw
	p.text("\n")
	inShell := false
	for _, line := range lines {
		line = r.lesson.run.Typed(ctx, line)
		prompt := "  $ "
		if inShell && !strings.HasPrefix(line, "docker ") {
			prompt = "  # "
		}
		wasInShell := inShell
		inShell = opensShell(line) || inShell && line != ":detach" && line != "exit" && !strings.HasPrefix(line, "docker ")
		if !wasInShell && strings.HasPrefix(line, ":") {
			prompt, line = "  > ", line[1:]
		}
		p.command(prompt, line)
	}
}

// opensShell says whether a docker line leads into a container's shell.
func opensShell(line string) bool {
	cmd, err := cli.Parse(line, func(string) string { return "" })
	return err == nil && (cmd.Verb == "attach" || (cmd.Verb == "run" || cmd.Verb == "exec") && cmd.Interactive)
}

// command draws a line of a lesson; the content of a file is drawn below its
// name.
func (p painter) command(prompt, line string) {
	first, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\n")
	for i, part := range fold(ink.Visible(clipped(first)), p.width-len(prompt)) {
		if i > 0 {
			prompt = strings.Repeat(" ", len(prompt))
		}
		p.line(p.bold, prompt+part)
	}
	if rest == "" {
		return
	}
	for content := range strings.SplitSeq(rest, "\n") {
		p.text(strings.Repeat(" ", len(prompt)) + p.lines.wall + " " + ink.Printed(clipped(content)))
	}
}

// lessonLine draws one of the lesson's own lines and what it came to.
func (r *REPL) lessonLine(ctx context.Context, line lessons.Line) error {
	if line.Afresh {
		r.draw.text("\n")
		r.tell("Something that you tried before was in the way. It is cleared away, and the step begins afresh.")
		return nil
	}
	prompt := "$ "
	if line.At.Shell != "" {
		prompt = line.At.Name + " # "
	}
	text := line.Text
	if line.At.Shell == "" && line.Result == nil {
		prompt, text = "> ", strings.TrimPrefix(text, ":")
	}
	r.draw.text("\n")
	r.draw.command(prompt, text)
	switch w, args, _ := r.word(line.Text); {
	case line.Shows:
		return w.run(r, ctx, args)
	case line.Result != nil:
		return r.show(*line.Result, nil)
	}
	return nil
}

// countLine takes note of a line that is not drawn.
func (r *REPL) countLine(line lessons.Line) {
	if line.Result != nil {
		r.count(*line.Result)
	}
}

// showGoals draws goals and, if they were looked at, how they stand in each
// world.
func (r *REPL) showGoals(all []lessons.Checked, looked bool) {
	for _, c := range all {
		mark, color := "-", r.draw.prose
		switch {
		case looked && c.Met():
			mark, color = r.draw.lines.ok, r.draw.good
		case looked:
			mark, color = r.draw.lines.warn, r.draw.odd
		}
		text := mark + " " + c.Goal.Says().In(r.Lang)
		if looked && c.Met() {
			text = lessons.Say("%s (%s)", text, worldsOf(c.Answers, r.Lang)).In(r.Lang)
		}
		r.draw.paragraph(color, "", text)
		if looked {
			r.showMisses(c.Answers)
		}
	}
}

// showMisses says what is missing in each world; once, where it is the same.
func (r *REPL) showMisses(all []lessons.Answer) {
	if len(all) == 2 && all[0].Why.In(r.Lang) == all[1].Why.In(r.Lang) {
		all[0].World = worldsOf(all, r.Lang)
		all = all[:1]
	}
	for _, a := range all {
		if !a.Why.Empty() {
			r.draw.paragraph(r.draw.faint, "   ", lessons.Say("%s: %s", shortName(a.World, r.Lang), a.Why).In(r.Lang))
		}
	}
}

func worldsOf(all []lessons.Answer, lang string) (out string) {
	for _, a := range all {
		if out != "" {
			out += lessons.Say(", ").In(lang)
		}
		out += shortName(a.World, lang)
	}
	return out
}

// shortName is a world's name where it is clear which engine is the real one.
func shortName(world, lang string) string {
	switch {
	case world == "model":
		return lessons.Say("model").In(lang)
	case slices.Contains([]string{"embedded", "docker", "podman"}, world):
		return lessons.Say("real").In(lang)
	}
	return world
}

func worldName(world, lang string) string {
	if world == "model" {
		return lessons.Say("model").In(lang)
	}
	return lessons.Say("real (%s)", world).In(lang)
}

// showScores draws how good a prediction was, in each world.
func (r *REPL) showScores(all []lessons.Score) {
	r.tell("You predicted: %s", r.lesson.guess)
	if len(all) == 2 && all[1] == (lessons.Score{World: all[1].World, Hits: all[0].Hits, Of: all[0].Of, Is: all[0].Is, Uncertain: all[0].Uncertain}) {
		all[0].World = shortName(all[0].World, r.Lang) + lessons.Say(", ").In(r.Lang) + shortName(all[1].World, r.Lang)
		all = all[:1]
	}
	for _, s := range all {
		color, mark := r.draw.odd, r.draw.lines.warn
		if s.Right() {
			color, mark = r.draw.good, r.draw.lines.ok
		}
		world, is := shortName(s.World, r.Lang), orNothing(s.Is, r.Lang)
		text := lessons.Say("%s: %d of %d right; it is: %s", world, s.Hits, s.Of, is)
		switch {
		case s.Uncertain:
			text = lessons.Say("%s: it cannot be told", world)
		case s.Right():
			text = lessons.Say("%s: right, it is: %s", world, is)
		case s.Of == 1:
			text = lessons.Say("%s: not right; it is: %s", world, is)
		}
		r.draw.paragraph(color, "", mark+" "+text.In(r.Lang))
	}
}

func orNothing(is, lang string) string {
	if is == "" {
		return lessons.Say("nothing").In(lang)
	}
	return is
}
