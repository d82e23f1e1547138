package repl

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/peterh/liner"

	"twinlayer/lessons"
	"twinlayer/sim/repl/ink"
)

// Script reads lines from a file or a pipe. Nothing prompts.
type Script struct{ r *bufio.Reader }

var _ Lines = (*Script)(nil)

// NewScript reads commands one per line.
func NewScript(r io.Reader) *Script { return &Script{bufio.NewReader(r)} }

// Line is the next line.
func (s *Script) Line(string) (string, error) {
	line, err := s.r.ReadString('\n')
	if line != "" && errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// Talks is false.
func (s *Script) Talks() bool { return false }

// Terminal reads lines with editing, history and completion.
type Terminal struct {
	state   *liner.State
	history lessons.Store
}

var _ Lines = (*Terminal)(nil)

// NewTerminal takes over the terminal until Close. The lines that were typed
// are kept in history from session to session.
func NewTerminal(history lessons.Store) *Terminal {
	restoreOnTerm()
	t := &Terminal{liner.NewLiner(), history}
	t.state.SetCtrlCAborts(true)
	t.state.SetMultiLineMode(true)
	t.state.SetTabCompletionStyle(liner.TabPrints)
	if earlier, err := history.Load(); err == nil {
		t.recall(bytes.NewReader(earlier))
	}
	return t
}

// recall reads an earlier session's history, but no line that would reach the
// screen as anything else than text.
func (t *Terminal) recall(history io.Reader) {
	lines := bufio.NewScanner(history)
	lines.Buffer(nil, historyMost)
	for lines.Scan() {
		t.remember(lines.Text())
	}
}

// remember keeps a line for those that go back to it.
func (t *Terminal) remember(line string) {
	if strings.TrimSpace(line) != "" && len(line) <= historyLine && ink.Visible(line) == line {
		t.state.AppendHistory(line)
	}
}

const (
	historyLine = 4 << 10 // the longest that is kept
	historyMost = 1 << 20 // the longest that is read
)

// restoreOnTerm gives the terminal back if the program is told to end while
// it waits for a line.
func restoreOnTerm() {
	mode, err := liner.TerminalMode()
	if err != nil {
		return
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, hangups...)
	go func() {
		<-told
		mode.ApplyMode()
		os.Exit(128 + int(syscall.SIGTERM))
	}()
}

// Complete sets what the tabulator completes with: given the line and where
// the cursor is, the text in front, the candidates, and the text behind.
func (t *Terminal) Complete(f func(line string, pos int) (string, []string, string)) {
	t.state.SetWordCompleter(liner.WordCompleter(f))
}

// Line prompts and reads a line.
func (t *Terminal) Line(prompt string) (string, error) {
	line, err := t.state.Prompt(prompt)
	switch {
	case errors.Is(err, liner.ErrPromptAborted):
		return "", ErrAborted
	case err == nil:
		t.remember(line)
	}
	return line, err
}

// More asks, and takes the question off the screen again.
func (t *Terminal) More(question string) bool {
	answer, err := t.state.Prompt(question)
	io.WriteString(os.Stdout, "\x1b[1A\x1b[2K")
	return err == nil && !strings.HasPrefix(strings.TrimSpace(answer), "q")
}

// Talks is true.
func (t *Terminal) Talks() bool { return true }

// Close gives the terminal back and writes the history.
func (t *Terminal) Close() error {
	var lines bytes.Buffer
	_, err := t.state.WriteHistory(&lines)
	return errors.Join(t.state.Close(), err, t.history.Save(lines.Bytes()))
}
