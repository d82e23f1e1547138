package repl

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/peterh/liner"

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
	history string
}

var _ Lines = (*Terminal)(nil)

// NewTerminal takes over the terminal until Close. The history is kept in the
// given file; "" keeps none.
func NewTerminal(history string) *Terminal {
	restoreOnTerm()
	t := &Terminal{liner.NewLiner(), history}
	t.state.SetCtrlCAborts(true)
	t.state.SetMultiLineMode(true)
	t.state.SetTabCompletionStyle(liner.TabPrints)
	if f, err := os.Open(history); err == nil {
		t.recall(f)
		f.Close()
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

// Talks is true.
func (t *Terminal) Talks() bool { return true }

// Close gives the terminal back and writes the history.
func (t *Terminal) Close() error {
	err := t.state.Close()
	if t.history == "" {
		return err
	}
	return errors.Join(err, t.save())
}

func (t *Terminal) save() error {
	if err := os.MkdirAll(filepath.Dir(t.history), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(t.history), "history")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = t.state.WriteHistory(tmp)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), t.history)
}
