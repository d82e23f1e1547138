package repl

import (
	"context"
	"fmt"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim"
)

func (p painter) stepHead(n, of int) { p.text(fmt.Sprintf("\n%s", p.faint.Sprintf("[%d/%d]", n, of))) }

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
	cmd, err := sim.Parse(line, func(string) string { return "" })
	return err == nil && (cmd.Verb == "attach" || (cmd.Verb == "run" || cmd.Verb == "exec") && cmd.Interactive)
}

// command draws a line of a lesson; the content of a file is drawn below its
// name.
func (p painter) command(prompt, line string) {
	first, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\n")
	for i, part := range fold(first, p.width-len(prompt)) {
		if i > 0 {
			prompt = strings.Repeat(" ", len(prompt))
		}
		p.text(p.bold.Sprint(prompt + part))
	}
	if rest == "" {
		return
	}
	for content := range strings.SplitSeq(rest, "\n") {
		p.text(strings.Repeat(" ", len(prompt)) + p.lines.wall + " " + content)
	}
}

// lessonLine draws one of the lesson's own lines and what it came to.
func (r *REPL) lessonLine(ctx context.Context, line lessons.Line) error {
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
			text += " (" + worldNames(c, r.Lang) + ")"
		}
		r.draw.paragraph(color, "", text)
		for _, a := range c.Answers {
			if looked && !a.Why.Empty() {
				r.draw.paragraph(r.draw.faint, "   ", worldName(a.World, r.Lang)+": "+a.Why.In(r.Lang))
			}
		}
	}
}

func worldNames(c lessons.Checked, lang string) string {
	var out []string
	for _, a := range c.Answers {
		out = append(out, worldName(a.World, lang))
	}
	return strings.Join(out, ", ")
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
	for _, s := range all {
		color, mark := r.draw.odd, r.draw.lines.warn
		if s.Right() {
			color, mark = r.draw.good, r.draw.lines.ok
		}
		text := lessons.Say("%s: %d of %d right; it is: %s", worldName(s.World, r.Lang), s.Hits, s.Of, orNothing(s.Is, r.Lang))
		if s.Uncertain {
			text = lessons.Say("%s: it cannot be told", worldName(s.World, r.Lang))
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
