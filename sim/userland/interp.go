package userland

import (
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/fs"
)

// interp is a shell that runs. It evaluates parsed commands over its state;
// a subshell is a clone of it.
type interp struct {
	state
	p   *Process
	ctx context.Context
	fds fdTable

	jump        jump
	loops       int // loops entered
	calls       int // functions entered
	sourced     int // files read by "."
	quiet       int // >0: a failing command is being tested, so -e does not apply
	frames      []map[string]variable
	interactive bool // an error does not end the shell
	substStatus int  // of the last command substitution
	depth       int  // of aliases and functions being expanded
	jobs        *jobTable
	newest      *job     // whose id is still to become $!
	pending     []string // signals that came while a command ran
	halfway     bool     // the command that is being read has begun

	last *syntax.CallExpr // what a shell started with -c does last
}

// jump is what makes evaluation leave what it is in.
type jump struct {
	kind jumpKind
	n    int // loops left to leave
}

type jumpKind int

const (
	jumpNone jumpKind = iota
	jumpBreak
	jumpContinue
	jumpReturn
	jumpAbort // back to the prompt of an interactive shell
	jumpExit
)

const depthMax = 1000

func newInterp(ctx context.Context, p *Process, s state) *interp {
	in := &interp{state: s, p: p, ctx: ctx, jobs: &jobTable{}}
	in.fds[0] = stream{r: p.Stdin}
	in.fds[1] = stream{w: p.Stdout}
	in.fds[2] = stream{w: p.Stderr}
	if p.Stdin == nil {
		in.fds[0] = stream{r: strings.NewReader("")}
	}
	return in
}

// subshell is a copy of the shell, for ( … ), pipelines, $( … ) and &.
func (in *interp) subshell() *interp {
	c := *in
	c.state = in.state.clone()
	c.frames = slices.Clone(in.frames)
	for i, f := range c.frames {
		c.frames[i] = maps.Clone(f)
	}
	c.traps = map[string]string{}
	c.jump, c.loops = jump{}, 0
	c.jobs = &jobTable{}
	c.interactive = false
	c.p = in.p.copy()
	c.p.Replace = nil // it is no process of its own that could be replaced
	return &c
}

// run evaluates f as a subshell's whole life and returns its exit status.
func (in *interp) run(f func()) int {
	f()
	in.atExit()
	return in.status
}

// atExit runs the EXIT trap.
func (in *interp) atExit() {
	action, ok := in.traps["EXIT"]
	if !ok || in.ctx.Err() != nil {
		return
	}
	delete(in.traps, "EXIT")
	status := in.status
	left := in.jump
	in.jump = jump{}
	in.eval(action)
	if in.jump.kind != jumpExit {
		in.status = status
	}
	in.jump = left
}

func (in *interp) stdout() io.Writer { return in.fds[1].writer() }
func (in *interp) stderr() io.Writer { return in.fds[2].writer() }

// complain prints "sh: …" and sets the status.
func (in *interp) complain(status int, format string, args ...any) int {
	name := in.name
	if in.bash && in.origin == "s" {
		name = baseOf(name) // as bash calls itself at a prompt
	}
	fmt.Fprintf(in.stderr(), "%s: %s\n", name, fmt.Sprintf(format, args...))
	in.status = status
	return status
}

// abort is an error that ends a script and takes an interactive shell back to
// its prompt.
func (in *interp) abort(format string, args ...any) int {
	in.complain(2, format, args...)
	in.jump = jump{kind: jumpExit}
	if in.interactive {
		in.jump.kind = jumpAbort
	}
	return 2
}

// eval parses and runs text. A syntax error does not end the shell.
func (in *interp) eval(text string) int {
	file, err := parse(text)
	if err != nil {
		return in.complain(2, "%s", err)
	}
	return in.body(file.Stmts)
}

// body runs a list of commands; that of an empty one succeeds.
func (in *interp) body(list []*syntax.Stmt) int {
	if len(list) == 0 {
		in.status = 0
	}
	in.stmts(list)
	return in.status
}

func (in *interp) stopped() bool {
	if in.ctx.Err() != nil && in.jump.kind != jumpExit {
		in.status, in.jump = exitKilled, jump{kind: jumpExit}
	}
	if in.jump.kind == jumpNone && in.p.Interrupt != nil && in.p.Interrupt.Load() {
		in.status, in.jump = exitInterrupted, jump{kind: jumpExit}
		if in.interactive {
			in.jump.kind = jumpAbort
		}
	}
	return in.jump.kind != jumpNone
}

func (in *interp) stmts(list []*syntax.Stmt) {
	for _, st := range list {
		if in.stopped() {
			return
		}
		in.stmt(st)
	}
}

func (in *interp) stmt(st *syntax.Stmt) {
	switch {
	case in.opts['n'] && !in.interactive:
		return
	case st.Background:
		in.background(st)
		return
	}
	if st.Negated {
		in.quiet++
	}
	in.status = in.withRedirs(st.Redirs, st.Cmd, func() int { return in.command(st.Cmd) })
	if st.Negated {
		in.quiet--
		in.status = oneIf(in.status == 0)
	}
	in.deliver()
	in.checkError(st)
}

// checkError ends the shell for set -e.
func (in *interp) checkError(st *syntax.Stmt) {
	if in.status == 0 || !in.opts['e'] || in.quiet > 0 || st.Negated || in.jump.kind != jumpNone {
		return
	}
	switch cmd := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.AndStmt || cmd.Op == syntax.OrStmt {
			return
		}
	case nil, *syntax.CallExpr, *syntax.Subshell, *syntax.DeclClause, *syntax.TestClause, *syntax.LetClause:
	default:
		return // what is inside was checked
	}
	in.jump = jump{kind: jumpExit}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (in *interp) command(cmd syntax.Command) int {
	switch c := cmd.(type) {
	case nil:
		return 0
	case *syntax.CallExpr:
		return in.simple(c)
	case *syntax.DeclClause:
		return in.decl(c)
	case *syntax.Block:
		return in.body(c.Stmts)
	case *syntax.Subshell:
		sub := in.subshell()
		status := sub.run(func() { sub.body(c.Stmts) })
		in.after(sub)
		return status
	case *syntax.BinaryCmd:
		return in.binary(c)
	case *syntax.IfClause:
		return in.ifClause(c)
	case *syntax.WhileClause:
		return in.while(c)
	case *syntax.ForClause:
		return in.forIn(c)
	case *syntax.CaseClause:
		return in.caseOf(c)
	case *syntax.FuncDecl:
		in.funcs[c.Name.Value] = c.Body
		return 0
	case *syntax.TestClause:
		return in.testClause(c)
	case *syntax.TimeClause:
		return in.time(c)
	case *syntax.LetClause:
		return in.let(c)
	}
	return in.complain(2, "syntax error: %T is not in this shell", cmd)
}

func (in *interp) binary(c *syntax.BinaryCmd) int {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		return in.pipeline(c)
	}
	in.quiet++
	in.stmt(c.X)
	in.quiet--
	if in.jump.kind == jumpNone && (in.status == 0) == (c.Op == syntax.AndStmt) {
		in.stmt(c.Y)
	}
	return in.status
}

// pipeline runs both sides at once, each in a subshell.
func (in *interp) pipeline(c *syntax.BinaryCmd) int {
	pr, pw, err := in.pipe()
	if err != nil {
		return in.complain(1, "can't create pipe: %s", reason(err))
	}
	left, right := in.subshell(), in.subshell()
	left.fds[1] = stream{w: pw}
	if c.Op == syntax.PipeAll {
		left.fds[2] = stream{w: pw}
	}
	right.fds[0] = stream{r: pr}
	var wg sync.WaitGroup
	var leftStatus int
	wg.Go(func() {
		leftStatus = left.run(func() { left.stmt(c.X) })
		pw.Close()
	})
	status := right.run(func() { right.stmt(c.Y) })
	pr.Close()
	wg.Wait()
	in.after(left, right)
	if in.opts['P'] && status == 0 {
		status = leftStatus
	}
	return status
}

// pipe makes a pipe that is closed with the context.
func (in *interp) pipe() (io.ReadCloser, io.WriteCloser, error) {
	if in.p.Pipe != nil {
		return in.p.Pipe()
	}
	r, w := io.Pipe()
	context.AfterFunc(in.ctx, func() { r.CloseWithError(fs.EPIPE) })
	return r, w, nil
}

func (in *interp) test(cond []*syntax.Stmt) bool {
	in.quiet++
	in.stmts(cond)
	in.quiet--
	return in.status == 0
}

func (in *interp) ifClause(c *syntax.IfClause) int {
	switch {
	case len(c.Cond) == 0 || in.test(c.Cond):
		if in.jump.kind == jumpNone {
			in.body(c.Then)
		}
	case in.jump.kind != jumpNone:
	case c.Else != nil:
		return in.ifClause(c.Else)
	default:
		in.status = 0
	}
	return in.status
}

func (in *interp) while(c *syntax.WhileClause) int {
	status := 0
	in.loops++
	defer func() { in.loops-- }()
	for !in.stopped() {
		runtime.Gosched() // a loop has to let its time limit come, also where there is one thread only
		ok := in.test(c.Cond)
		if in.leaveLoop() {
			return in.status
		}
		if ok == c.Until {
			return status
		}
		in.stmts(c.Do)
		status = in.status
		if in.leaveLoop() {
			break
		}
	}
	return in.status
}

// leaveLoop says whether a jump ends the innermost loop; it takes that loop
// off the jump.
func (in *interp) leaveLoop() bool {
	switch in.jump.kind {
	case jumpNone:
		return false
	case jumpBreak, jumpContinue:
		last := in.jump.n <= 1
		again := last && in.jump.kind == jumpContinue
		in.jump.n--
		if last {
			in.jump = jump{}
		}
		return !again
	}
	return true
}

func (in *interp) forIn(c *syntax.ForClause) int {
	loop, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		return in.abort("syntax error: bad for loop variable")
	}
	items := slices.Clone(in.params)
	if loop.InPos.IsValid() {
		items, ok = in.fields(loop.Items...)
		if !ok {
			return in.status
		}
	}
	if len(items) == 0 {
		in.status = 0
	}
	in.loops++
	defer func() { in.loops-- }()
	for _, item := range items {
		if in.stopped() || !in.assign(loop.Name.Value, item) {
			break
		}
		in.stmts(c.Do)
		if in.leaveLoop() {
			break
		}
	}
	return in.status
}

func (in *interp) caseOf(c *syntax.CaseClause) int {
	subject, ok := in.literal(c.Word)
	if !ok {
		return in.status
	}
	fall, hit := false, false
	for _, item := range c.Items {
		if !fall && !in.anyMatch(item.Patterns, subject) {
			continue
		}
		hit = true
		in.body(item.Stmts)
		if fall = item.Op == syntax.Fallthrough; !fall {
			break
		}
	}
	if !hit {
		in.status = 0
	}
	return in.status
}

func (in *interp) anyMatch(patterns []*syntax.Word, subject string) bool {
	for _, word := range patterns {
		if pat, ok := in.pattern(word); ok && match(pat, subject) {
			return true
		}
	}
	return false
}

func (in *interp) time(c *syntax.TimeClause) int {
	start := in.now()
	if c.Stmt != nil {
		in.stmt(c.Stmt)
	}
	d := in.now().Sub(start)
	fmt.Fprintf(in.stderr(), "real\t%dm %.2fs\nuser\t0m 0.00s\nsys\t0m 0.00s\n", int(d.Minutes()), (d % time.Minute).Seconds())
	return in.status
}

func (in *interp) now() time.Time {
	if in.p.Now == nil {
		return time.Now()
	}
	return in.p.Now()
}

// noPID is above all process ids: what runs inside this shell has none.
const noPID = 1 << 22

// isProgram says whether cmd is a call of a program, which becomes a process.
func (in *interp) isProgram(cmd syntax.Command) bool {
	call, ok := cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	name := call.Args[0].Lit()
	return name != "" && in.funcs[name] == nil && builtin(name) == nil
}

// lastJobID is $!, the process id of the newest background command; 0 if there
// is none.
func (in *interp) lastJobID() int {
	if in.newest != nil {
		in.lastJob, in.newest = in.newest.id(), nil
	}
	return in.lastJob
}

// background starts st and goes on.
func (in *interp) background(st *syntax.Stmt) {
	sub := in.subshell()
	sub.fds[0] = stream{r: strings.NewReader("")}
	plain := *st
	plain.Background = false
	j := in.jobs.add()
	j.more = !in.sleeps(st.Cmd)
	sub.p.Started, sub.p.Sleep = j.begin, j.sleeper(in.p)
	if !in.isProgram(st.Cmd) {
		j.begin(noPID + len(in.jobs.list))
	}
	in.p.beside(func() {
		status := sub.run(func() { sub.stmt(&plain) })
		sub.jobs.wait(in.ctx)
		j.end(status)
	})
	in.newest = j
	if len(st.Redirs) == 0 {
		in.lastJobID() // an open may wait for somebody whom we are yet to start
	}
	in.status = 0
}
