// Package shell holds a session with a shell that reads its commands from a
// pipe: one line goes in, and what that line alone printed comes out, with
// its exit status. It knows nothing of engines; it needs the shell's three
// streams. The shell may be anybody's: dash, bash, busybox ash and the bundled
// one are tested.
//
// Nothing of this stands in the shell's own namespace, where a learner may
// call anything by any name. Around a line go only words of the shell's
// grammar, which no function, alias or variable hides, and the signs by which
// the shell tells of its state are the complaints of redirections that fail:
//
//	( <"/MARK/a/$?/$$/$-/"; … ) 2>&6
//	sh: can't open /MARK/a/0/1/s/: no such file
//
// MARK is random, and new for each line, so that nothing a program prints can
// be taken for it. What the shell says before it is learned from a second
// sign, which follows at once. Descriptors 6 and 7 are copies of the outputs
// that the shell began with; they are closed while a line runs, so that a line
// can send its own outputs elsewhere for good, and take nothing of ours.
//
// A line is handed over as
//
//	\command \eval 'LINE' </dev/null 6>&- 7>&-
//
// eval keeps it in the shell's own process, where cd, variables and functions
// last; command takes from eval the power to end the shell on an error (POSIX,
// XCU 2.8.1); a backslash keeps an alias away. Whether a function has taken
// one of the two names is tried after each line, and then grammar alone has
// to do.
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

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/sim"
)

// ErrBusy is the error of a Line that finds another one still running.
var ErrBusy = errors.New("the shell is still busy with the line before: wait for it or end the shell")

// Session is a shell that waits for lines.
type Session struct {
	mu     sync.Mutex // held while a line runs
	stdin  io.WriteCloser
	stdout *stream
	stderr *stream
	met    bool // it has been told of descriptors 6 and 7
	state  state
}

// Result is what one line did.
type Result struct {
	Stdout, Stderr string
	Exit           int  // where Ended is not set
	PID            int  // the shell's, as itself sees it; where Ended is not set
	Ended          bool // the shell is gone; its exit status is the process's
}

// state is what a shell tells of itself when it has done a line.
type state struct {
	exit, pid int
	flags     string // $-
	sound     bool   // command and eval are its own
}

// shows says whether the shell shows what it reads or runs.
func (s state) shows() bool { return strings.ContainsAny(s.flags, "vx") }

// New starts a session with a shell that just started. Both outputs must end
// when the shell does.
func New(stdin io.WriteCloser, stdout, stderr io.Reader) *Session {
	return &Session{stdin: stdin, stdout: newStream(stdout), stderr: newStream(stderr)}
}

// Line runs one line and returns what it printed. When ctx ends, interrupt is
// called to stop what the line started; Line then still waits for the shell's
// signs or its end, so interrupt must see to one of them.
func (s *Session) Line(ctx context.Context, line string, interrupt func()) (Result, error) {
	if !s.mu.TryLock() {
		return Result{}, ErrBusy
	}
	defer s.mu.Unlock()
	defer context.AfterFunc(ctx, interrupt)()
	before := Result{}
	if !s.met {
		before = s.say(ctx, "exec 6>&1 7>&2", newMark())
		s.met = true
	}
	if before.Ended {
		return before, nil
	}
	r := s.run(ctx, clean(line))
	r.Stdout, r.Stderr = before.Stdout+r.Stdout, before.Stderr+r.Stderr
	return r, nil
}

// Hangup closes the shell's input and returns what it still prints until it
// ends; when ctx ends first, interrupt is called.
func (s *Session) Hangup(ctx context.Context, interrupt func()) (Result, error) {
	if !s.mu.TryLock() {
		return Result{}, ErrBusy
	}
	defer s.mu.Unlock()
	defer context.AfterFunc(ctx, interrupt)()
	if s.met {
		io.WriteString(s.stdin, s.status()+"\n") // it waits for this
	}
	s.stdin.Close()
	return s.collect(ctx, ""), nil
}

// clean is a line as a shell may have it. A NUL byte cannot be in a command; a
// terminal passes it on and the shell drops it, so it is dropped.
func clean(line string) string {
	return strings.ReplaceAll(strings.TrimRight(line, "\n"), "\x00", "")
}

// run has the shell run a line. One that shows what it reads (set -v) is to
// show the line; bash shows what eval reads, too.
func (s *Session) run(ctx context.Context, line string) Result {
	m, shows := newMark(), strings.Contains(s.state.flags, "v")
	text := s.wrap(line, m)
	r := s.say(ctx, text, m)
	if rest, shown := strings.CutPrefix(r.Stderr, text+"\n"); shown && shows {
		r.Stderr = line + "\n" + strings.TrimPrefix(rest, line+"\n")
	}
	return r
}

// say hands the shell a text and collects what it prints. The shell may not
// read before it has printed, so both go on at once; one that has ended cannot
// be written to, and its end shows on its output.
func (s *Session) say(ctx context.Context, text string, m mark) Result {
	go io.WriteString(s.stdin, text+"\n"+m.ask()+"\n")
	return s.collect(ctx, m)
}

func (s *Session) collect(ctx context.Context, m mark) Result {
	errs := make(chan cut, 1)
	quiet := ctx
	if s.state.shows() {
		quiet = sim.WithProgress(ctx, nil) // it shows us first
	}
	go func() { errs <- s.stderr.until(quiet, m) }()
	out, err := s.stdout.until(ctx, m), <-errs
	s.state = out.state
	return Result{
		Stdout: out.text, Stderr: err.text, Exit: s.state.exit, PID: s.state.pid, Ended: out.ended || err.ended,
	}
}

// apart is how a line's streams are kept from ours.
const apart = " </dev/null 6>&- 7>&-"

// wrap is a line as the shell is handed it, with $? as the line before left
// it.
func (s *Session) wrap(line string, m mark) string {
	before, text := s.status(), line
	if strings.Contains(s.state.flags, "x") {
		before, text = "", s.traced(line, m)
	}
	switch {
	case s.state.sound:
		return before + `\command \eval ` + Quote(text) + apart
	case whole(line):
		return "{ " + s.status() + "\n" + line + "\n}" + apart
	}
	return before + `(\eval ` + Quote(text) + `)` + apart
}

// status sets $?, whatever exit is, whether or not a failure ends the shell,
// and unseen by set -x.
func (s *Session) status() string {
	return fmt.Sprintf(`(\exit %d) >/dev/null 2>&1 && (</dev/null) 2>/dev/null; `, s.state.exit)
}

// traced is a line for a shell that shows what it runs (set -x): what it shows
// of us ends with the first thing that it does.
func (s *Session) traced(line string, m mark) string {
	return `(\: ` + m.trace() + `) >/dev/null; ` + s.status() + "\n" + line
}

// whole says whether a text is whole commands, so that others may stand around
// it.
func whole(text string) bool {
	r := strings.NewReader(strings.ToValidUTF8(text, "?"))
	_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(r, "")
	return err == nil && !strings.HasSuffix(text, `\`)
}

// Quote is s as one word of a shell's language.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// mark is what no program knows.
type mark string

func newMark() mark { return mark("twl-" + rand.Text()) }

// trace is what a shell that shows what it runs shows last of us.
func (m mark) trace() string { return string(m) + "-" }

// ask is the text that has the shell give its signs on both outputs, and
// leaves it with $? 0. It is on the left of ||, where nothing that fails ends
// a shell or calls a trap.
func (m mark) ask() string {
	return strings.NewReplacer("MARK", string(m)).Replace(
		`( <"/MARK/a/$?/$$/$-/"; \command \eval '<"/MARK/c/"' >/dev/null; <"/MARK/b/" ) 2>&6 || ` +
			`( <"/MARK/a/0/0/$-/"; <"/MARK/b/" ) 2>&7 || ( </dev/null ) 2>/dev/null`)
}

// heard is what the first sign on the standard output tells.
func heard(sign string) (st state) {
	f := strings.Split(sign, "/")
	if len(f) > 2 {
		st.exit, _ = strconv.Atoi(f[0])
		st.pid, _ = strconv.Atoi(f[1])
		st.flags = f[2]
	}
	return st
}
