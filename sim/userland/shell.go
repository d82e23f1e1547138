package userland

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
)

// Shell is a shell between two lines: its directory, variables, functions,
// options, $?. It is immutable.
type Shell struct {
	state state
	jobs  []Job
}

// NewShell is a shell that has run nothing yet, with p's environment,
// directory and, behind Args[0], positional parameters.
func NewShell(p *Process) *Shell {
	s := newState(p)
	s.origin = "s" // it takes its commands from its input
	if len(p.Args) > 1 {
		s.params = append(s.params, p.Args[1:]...)
	}
	return &Shell{state: s}
}

// Dir is the shell's working directory.
func (s *Shell) Dir() string { return s.state.dir }

// Status is $?, the exit status of the last command.
func (s *Shell) Status() int { return s.state.status }

// Env is the environment that a program run by the shell would have.
func (s *Shell) Env() []string { return s.state.env() }

// Umask is the shell's file mode creation mask.
func (s *Shell) Umask() uint32 { return s.state.umask }

// Jobs are the commands that the last line has left in the background.
func (s *Shell) Jobs() []Job { return s.jobs }

// Line runs one line, which may contain newlines, and returns the shell after
// it, the exit status, and whether the shell ended (exit, set -e). s is
// unchanged and can be used again. p carries streams, files, kernel and so on
// for this one line, and the jobs that earlier ones left. Commands started with &
// are waited for until they sleep; what they do then ends with ctx.
func (s *Shell) Line(ctx context.Context, p *Process, line string) (next *Shell, status int, ended bool) {
	p = p.copy()
	p.Stdout, p.Stderr = shareWriters(p.Stdout, p.Stderr)
	in := newInterp(ctx, p, s.state.clone())
	in.interactive = true
	in.reopen()
	in.resume(p.Jobs)
	in.applyUmask()
	in.script(stringLines(line))
	if ended = in.jump.kind == jumpExit; ended {
		in.atExit()
	}
	left := in.jobs.leave(ctx)
	in.lastJobID()
	for _, f := range in.fds {
		if f.c != nil {
			f.c.Close()
		}
	}
	return &Shell{in.state, left}, in.status, ended
}

// Hangup ends the shell as the end of its input does: it runs the EXIT trap.
func (s *Shell) Hangup(ctx context.Context, p *Process) int {
	_, status, _ := s.Line(ctx, p, "exit")
	return status
}

// script runs the commands of a source of lines, each as soon as it is
// complete.
func (in *interp) script(next func() (line string, more bool)) {
	text := ""
	for more := true; more && !in.stopped(); {
		var line string
		in.halfway = text != ""
		line, more = next()
		text += line
		if more && !Complete(text) {
			continue
		}
		in.chunk(text, !more)
		text = ""
	}
}

// chunk runs whole commands, the last there are if end. Back at the prompt, an
// aborted line is over.
func (in *interp) chunk(text string, end bool) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if in.opts['v'] {
		io.WriteString(in.stderr(), strings.TrimSuffix(text, "\n")+"\n")
	}
	file, err := parse(text)
	if err != nil {
		in.abort("%s", err)
	} else {
		if end && in.origin == "c" && in.sourced == 0 {
			in.last = lastCall(file.Stmts)
		}
		in.stmts(file.Stmts)
	}
	if in.interactive && in.sourced == 0 && in.calls == 0 {
		in.settle()
		if in.p.Interrupt != nil {
			in.p.Interrupt.Store(false)
		}
	}
}

// stringLines is a source of the lines of text.
func stringLines(text string) func() (string, bool) {
	return func() (line string, more bool) {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			line, text = text, ""
			return line, false
		}
		line, text = text[:i+1], text[i+1:]
		return line, true
	}
}

// readerLines is a source of lines that never reads past the newline.
func readerLines(r io.Reader, before func()) func() (string, bool) {
	return func() (string, bool) {
		before()
		var b strings.Builder
		for {
			c, err := readByte(r)
			if err != nil {
				return b.String(), false
			}
			b.WriteByte(c)
			if c == '\n' {
				return b.String(), true
			}
		}
	}
}

// shareWriters makes the writers safe for the sides of a pipeline, which run
// at once; files of the system are that already.
func shareWriters(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	mu := new(sync.Mutex)
	return lockWriter(mu, stdout), lockWriter(mu, stderr)
}

func lockWriter(mu *sync.Mutex, w io.Writer) io.Writer {
	switch w.(type) {
	case nil:
		return io.Discard
	case *os.File, *lockedWriter:
		return w
	}
	return &lockedWriter{mu, w}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
