package play

import (
	"context"
	"strings"

	"twinlayer/sim/userland"
)

// Input is what somebody, or a program, does: one of the types below.
type Input interface {
	do(ctx context.Context, c *Conversation) error
}

// Start begins: it tells with whom one speaks, and does what [Course] asks for.
type Start struct{}

// Line is a line that was typed at the prompt, of whatever kind. One that is
// not whole is kept, and the next one goes on with it.
type Line string

// Answer answers the open question; an empty one leaves it.
type Answer string

// Next goes forward, one step where By is 0: in the model's timeline or, where
// that is at its end, in the lesson.
type Next struct{ By int }

// Back goes back in the model's timeline, one step where By is 0.
type Back struct{ By int }

// GoTo goes to a step of the model's timeline: the first that can be gone to is
// number 1.
type GoTo int

// ToEnd goes to the present.
type ToEnd struct{}

// Look asks for the present of each world, as a [Moment] of each. The entries
// of these paths, and what is below them, are in the picture whatever happened
// to them.
type Look struct{ Paths []string }

// Cancel ends what is going on, as control-C does, or gives up a line that is
// not whole. It may be given while another input is dealt with.
type Cancel struct{}

// Beside is a docker command that looks at containers, or ends them, while
// another input is dealt with, as from a second terminal: see
// [session.Session.Beside]. It may be given at any time.
type Beside string

// Complete asks how a line could go on where the cursor is, in characters; a
// [Completion] answers.
type Complete struct {
	Line string
	At   int
}

// WriteFile writes a file of the lesson's directory.
type WriteFile struct{ Name, Content string }

// Hangup is the end of the input, as control-D tells it: it gives a line that
// is not whole as it stands or, where there is none, ends the attached shell
// or, where there is none, the conversation.
type Hangup struct{}

// Quit ends the conversation.
type Quit struct{}

// maxLine is where a command that is still not whole is given to the shell as
// it stands.
const maxLine = 1 << 20

// wideColon is the colon as a Chinese keyboard types it. No program's name
// begins with it.
const wideColon = "："

func (l Line) do(ctx context.Context, c *Conversation) error {
	line := string(l)
	if c.draft != nil {
		return c.draftLine(line)
	}
	if rest, wide := strings.CutPrefix(strings.TrimSpace(line), wideColon); wide {
		line = ":" + rest
	}
	if c.unfinished {
		line = c.pending + "\n" + line
	}
	c.pending = line
	if c.unfinished = c.goesOn(line); c.unfinished {
		return nil
	}
	return c.line(ctx, line)
}

// goesOn says whether a line is a shell's whose command goes on in the next.
func (c *Conversation) goesOn(line string) bool {
	return c.Session.Attached().Shell != "" && !isWord(line) && !c.asking() && !userland.Complete(line) && len(line) < maxLine
}

// flush gives what is not whole as it stands.
func (c *Conversation) flush(ctx context.Context) (some bool, err error) {
	switch {
	case c.draft != nil:
		return true, c.writeDraft()
	case c.unfinished:
		c.unfinished = false
		return true, c.line(ctx, c.pending)
	}
	return false, nil
}

func (Hangup) do(ctx context.Context, c *Conversation) error {
	if some, err := c.flush(ctx); some {
		return err
	}
	if c.Session.Attached().Shell == "" {
		return c.end(ctx)
	}
	return c.show(c.Session.Hangup(ctx))
}

func (Quit) do(ctx context.Context, c *Conversation) error {
	if _, err := c.flush(ctx); err != nil {
		c.fail(err)
	}
	return c.end(ctx)
}

func (b Beside) do(ctx context.Context, c *Conversation) error {
	result, err := c.Session.Beside(ctx, string(b), c.Getenv)
	if err != nil {
		return err
	}
	c.tell(Command{Text: string(b), At: AtDocker})
	c.tell(Result{Result: result})
	return nil
}

func (Cancel) do(context.Context, *Conversation) error { return nil } // see Conversation.cancel

func (a Answer) do(ctx context.Context, c *Conversation) error {
	return c.answer(ctx, strings.TrimSpace(string(a)))
}
