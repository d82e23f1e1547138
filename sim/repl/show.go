package repl

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/say"
)

// What the terminal says of its own.
var (
	greeting     = say.P0("screen.greeting")
	tryThis      = say.P0("screen.try-this")
	realIs       = say.P1("screen.real-is")
	modelAlone   = say.P1("screen.model-only")
	oneToCome    = say.P0("screen.one-to-come")
	stepsToCome  = say.P1("screen.steps-to-come")
	ownWords     = say.P0("screen.own-words")
	caughtUp     = say.P1("screen.caught-up")
	noEditor     = say.P1("screen.no-editor")
	editorFailed = say.P3("screen.editor-failed")
)

// show draws an event.
func (r *REPL) show(e play.Event) {
	if p, ok := e.Body.(play.Progress); ok {
		r.progress(p)
		return
	}
	r.endBars()
	r.stage.hears(e.Body)
	switch b := e.Body.(type) {
	case play.Moment:
		r.present(r.draw.moment(b))
	case play.Picture:
		r.present(r.draw.picture(b))
	case play.Opened:
		r.greet(b)
	case play.Prompt:
		r.prompt = b
	case play.Completion:
		r.completion = b
	case play.Edit:
		r.edit = b
	case play.Language:
		r.draw.lang = b.Lang
	default:
		r.draw.event(b)
	}
}

// event draws what needs nothing but a painter.
func (p painter) event(b play.Body) {
	switch b := b.(type) {
	case play.Command:
		p.lessonCommand(b)
	case play.Result:
		p.result(b)
	case play.Steps:
		for _, s := range b.Steps {
			p.step(s)
		}
	case play.Output:
		p.output(b)
	case play.Differs:
		p.differs(b)
	case play.Timeline:
		p.timeline(b)
	case play.Report:
		p.report(b)
	case play.Reconnected:
		p.note(caughtUp(b.Ran))
	case play.Notice:
		p.notice(b)
	case play.Error:
		p.warned(b.Text)
	case play.Printed:
		p.text(b.Text)
	case play.Help:
		p.help(b)
	case play.Files:
		p.files(b)
	default:
		p.course(b)
	}
}

func (p painter) notice(n play.Notice) {
	if n.Level == play.Warns {
		p.warned(n.Text)
	} else {
		p.note(n.Text)
	}
}

// note and warned draw what twinlayer says.
func (p painter) note(what say.Phrase)   { p.paragraph(p.faint, "", p.in(what)) }
func (p painter) warned(what say.Phrase) { p.paragraph(p.odd, "", p.in(what)) }

// in is a phrase in the language of whoever looks.
func (p painter) in(what say.Phrase) string { return say.In(p.lang, what) }

func (r *REPL) greet(o play.Opened) {
	if !o.Greet {
		return
	}
	r.draw.paragraph(r.draw.bold, "", r.draw.in(greeting))
	if o.Engine != "" {
		r.draw.note(realIs(o.Engine))
	} else {
		r.draw.warned(modelAlone(o.Missing))
	}
	r.draw.note(tryThis)
}

// place prompts for the next line.
func (r *REPL) place() string {
	p := r.prompt
	switch {
	case p.More == play.MoreFile:
		return ". "
	case p.More == play.MoreCommand:
		return "> "
	case p.Question != play.NoQuestion:
		return "? "
	case p.Shell != "":
		return ink.Visible(fmt.Sprintf("%s:%s # ", p.Container, p.Dir))
	case p.Ahead == 0:
		return "twinlayer> "
	case p.Ahead == 1:
		return r.draw.in(oneToCome)
	}
	return r.draw.in(stepsToCome(p.Ahead))
}

func (p painter) help(h play.Help) {
	if h.Of != "" {
		p.text(h.Docker + p.wordList(h.Words))
		return
	}
	p.printed(p.screenLines(h.Docker))
	p.text("\n" + p.in(ownWords) + "\n" + p.wordList(h.Words))
}

func (p painter) wordList(words []play.Word) string {
	const column = 27
	var b strings.Builder
	for _, w := range words {
		head := strings.TrimSpace(w.Name + " " + w.Args)
		for _, line := range p.wrapWords(p.in(w.Short), p.width-column-2) {
			fmt.Fprintf(&b, "  %-*s%s\n", column, head, line)
			head = ""
		}
	}
	return b.String()
}

// openEditor opens the learner's editor where one is asked for.
func (r *REPL) openEditor(ctx context.Context) {
	asked := r.edit
	r.edit = play.Edit{}
	if asked.Name == "" {
		return
	}
	if r.Editor == nil {
		r.draw.warned(noEditor(asked.Name))
		return
	}
	if err := r.Editor.Edit(ctx, filepath.Join(asked.Dir, asked.Name)); err != nil {
		r.draw.warned(editorFailed(r.Editor.Name(), err.Error(), asked.Dir))
	}
}
