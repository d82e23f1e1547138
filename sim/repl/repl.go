package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
)

// Config is what a REPL needs. Play, Lines and Out must be set.
type Config struct {
	Play  *play.Conversation
	Lines Lines
	Out   io.Writer
	JSON  bool                       // the events, one per line, and nothing else
	Plain bool                       // no colour, no box drawing
	Lang  string                     // of whoever looks; "": en
	Width int                        // columns; 0: 80
	Live  bool                       // Out is a terminal, on which lines can be drawn anew
	Size  func() (columns, rows int) // of the terminal now; must be set if it is Live

	Editor Editor // nil: there is none
}

// Editor changes a file of this machine, by the hands of whoever types.
type Editor interface {
	Name() string // as it is run, for people
	Edit(ctx context.Context, file string) error
}

// Lines is where lines come from.
type Lines interface {
	// Line reads one line; io.EOF at the end, ErrAborted on control-C.
	Line(prompt string) (string, error)
	// Talks says whether somebody types, so that it pays to greet and prompt.
	Talks() bool
}

// Asker can ask whether to go on, where somebody types.
type Asker interface {
	// More shows the question, and says whether to go on.
	More(question string) bool
}

// ErrAborted is what Lines returns when a line was given up.
var ErrAborted = errors.New("line aborted")

// errUnheard is the error of an output that takes no more, and errInterrupted
// of a script that control-C has ended.
var (
	errUnheard     = errors.New("writing the output")
	errInterrupted = errors.New("interrupted")
)

// REPL is the terminal's side of a conversation.
type REPL struct {
	Config
	draw       painter
	prompt     play.Prompt     // the last one
	completion play.Completion // the last one
	edit       play.Edit       // what is to be edited next; Name "": nothing
	stage      stage           // where pictures are
	bars       *bars           // of the command that is under way; nil: none are drawn
	began      time.Time       // the input that is dealt with
	unheard    error           // why nothing more can be written
	pages      *pager          // nil: nobody looks
}

// New is a REPL that listens to a conversation; nothing is read before Run.
func New(c Config) *REPL {
	if c.Width == 0 {
		c.Width = 80
	}
	r := &REPL{Config: c}
	out := c.Out
	if asker, ok := c.Lines.(Asker); ok && c.Live {
		r.pages = &pager{out: out, rows: r.rows, more: func() bool { return asker.More(r.draw.in(sayMore)) }}
		out = r.pages
	}
	r.draw = newPainter(ink.NewPen(out), c.Plain, c.Width)
	r.draw.lang, r.draw.screen = c.Lang, c.Lines.Talks()
	if c.JSON {
		c.Play.Listen(r.write)
	} else {
		c.Play.Listen(r.show)
	}
	return r
}

// rows is the height of the terminal.
func (r *REPL) rows() int {
	_, rows := r.Size()
	return max(rows, 4)
}

// write writes an event as a line of JSON.
func (r *REPL) write(e play.Event) {
	if err := ink.JSON(r.Out, e); err != nil && r.unheard == nil {
		r.unheard = fmt.Errorf("%w: %w", errUnheard, err)
	}
	if p, ok := e.Body.(play.Prompt); ok {
		r.prompt = p
	}
}

// Run reads lines, and hands them to the conversation, until it is over. An
// error means that the input, or the output, could not be used any more, or
// that the conversation could not clear up; whatever a line comes to, the next
// one is read.
func (r *REPL) Run(ctx context.Context) error {
	if !r.Lines.Talks() { // one that comes between two lines is heard too
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
	}
	for in := play.Input(play.Start{}); ; {
		if err := r.do(ctx, in); err != nil || r.Play.Over() {
			return err
		}
		var err error
		switch in, err = r.read(ctx); {
		case errors.Is(err, errInterrupted):
			return err
		case err != nil:
			return fmt.Errorf("reading a line: %w", err)
		}
	}
}

// read is the next input: a line, or what its end stands for.
func (r *REPL) read(ctx context.Context) (play.Input, error) {
	prompt := r.place()
	line, err := r.line(ctx, prompt)
	r.stage.typed = width(prompt) + width(ink.Visible(line))
	switch {
	case errors.Is(err, ErrAborted):
		return play.Cancel{}, nil
	case errors.Is(err, io.EOF):
		return r.end(), nil
	}
	return play.Line(line), err
}

// line is the next line; of a script errInterrupted once that was interrupted.
func (r *REPL) line(ctx context.Context, prompt string) (string, error) {
	if r.Lines.Talks() {
		return r.Lines.Line(prompt)
	}
	type read struct {
		line string
		err  error
	}
	next := make(chan read, 1)
	go func() {
		line, err := r.Lines.Line(prompt)
		next <- read{line, err}
	}()
	select {
	case n := <-next:
		return n.line, n.err
	case <-ctx.Done():
		return "", errInterrupted
	}
}

// end is what the end of the input, control-D, stands for: that of a shell for
// a person; for a script that of all.
func (r *REPL) end() play.Input {
	switch {
	case !r.Lines.Talks():
		return play.Quit{}
	case r.prompt.More != "":
	case r.prompt.Shell != "":
		r.draw.text("exit")
	default:
		r.draw.text("quit")
	}
	return play.Hangup{}
}

// do hands an input to the conversation. Control-C ends what comes of it; in a
// script it ends the script too.
func (r *REPL) do(ctx context.Context, in play.Input) error {
	if r.Lines.Talks() {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
	}
	r.began = time.Now()
	r.draw.width, r.draw.height = r.screen()
	if r.pages != nil {
		r.pages.read()
	}
	err := r.Play.Do(ctx, in)
	r.endBars()
	switch {
	case err != nil:
		return err
	case r.unheard != nil:
		return r.unheard
	case ctx.Err() != nil && !r.Lines.Talks():
		return errInterrupted
	}
	r.openEditor(ctx)
	return nil
}
