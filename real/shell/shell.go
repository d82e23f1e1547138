// Package shell holds a session with a shell that reads its commands from a
// pipe: one line goes in, and what that line alone printed comes out, with
// its exit status. It knows nothing of engines; it needs the shell's three
// streams.
//
// The shell is taught one function at the start,
//
//	__t() { echo "$2 $1"; echo "$2" >&2; return $1; }
//
// and is handed each line as
//
//	command eval 'LINE' </dev/null; __t $? MARK
//
// MARK is random, and new for each line, so that nothing a program prints can
// be taken for it. eval keeps the line in the shell's own process, where cd,
// variables and functions last; command takes from eval the power to end the
// shell on a syntax error (POSIX, XCU 2.8.1). It works with dash, bash,
// busybox ash and mvdan.cc/sh.
package shell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// ErrBusy is the error of a Line that finds another one still running.
var ErrBusy = errors.New("the shell is still busy with the line before: wait for it or end the shell")

// Session is a shell that waits for lines.
type Session struct {
	mu     sync.Mutex // held while a line runs
	stdin  io.WriteCloser
	stdout *stream
	stderr *stream
}

// Result is what one line did.
type Result struct {
	Stdout, Stderr string
	Exit           int  // where Ended is not set
	Ended          bool // the shell is gone; its exit status is the process's
}

// New starts a session with a shell that just started. Both outputs must end
// when the shell does.
func New(stdin io.WriteCloser, stdout, stderr io.Reader) *Session {
	s := &Session{stdin: stdin, stdout: newStream(stdout), stderr: newStream(stderr)}
	s.write(`__t() { echo "$2 $1"; echo "$2" >&2; return $1; }` + "\n")
	return s
}

// Line runs one line and returns what it printed. When ctx ends, interrupt is
// called to stop what the line started; Line then still waits for the shell's
// mark or its end, so interrupt must see to one of them.
func (s *Session) Line(ctx context.Context, line string, interrupt func()) (Result, error) {
	if !s.mu.TryLock() {
		return Result{}, ErrBusy
	}
	defer s.mu.Unlock()
	defer context.AfterFunc(ctx, interrupt)()
	mark := "twl-" + rand.Text()
	// The shell may not read before it has printed, so both go on at once.
	go s.write(wrap(line, mark))
	return s.collect(ctx, mark), nil
}

// Hangup closes the shell's input and returns what it still prints until it
// ends; when ctx ends first, interrupt is called.
func (s *Session) Hangup(ctx context.Context, interrupt func()) (Result, error) {
	if !s.mu.TryLock() {
		return Result{}, ErrBusy
	}
	defer s.mu.Unlock()
	defer context.AfterFunc(ctx, interrupt)()
	s.stdin.Close()
	return s.collect(ctx, ""), nil
}

// A shell that has ended cannot be written to; its end shows on its output.
func (s *Session) write(text string) { io.WriteString(s.stdin, text) }

func (s *Session) collect(ctx context.Context, mark string) Result {
	errs := make(chan cut, 1)
	go func() { errs <- s.stderr.until(ctx, mark) }()
	out, err := s.stdout.until(ctx, mark), <-errs
	exit, _ := strconv.Atoi(out.rest)
	return Result{Stdout: out.text, Stderr: err.text, Exit: exit, Ended: out.ended || err.ended}
}

// wrap is the line as the shell is handed it. A NUL byte cannot be in a
// command; a terminal passes it on and the shell drops it, so it is dropped.
func wrap(line, mark string) string {
	line = strings.ReplaceAll(strings.TrimRight(line, "\n"), "\x00", "")
	return fmt.Sprintf("command eval %s </dev/null; __t $? %s\n", Quote(line), mark)
}

// Quote is s as one word of a shell's language.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
