package userland

import (
	"context"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/fs"
)

// simple runs a simple command: assignments, a function, a builtin or a
// program.
func (in *interp) simple(c *syntax.CallExpr) int {
	if text, ok := in.alias(c); ok {
		return text()
	}
	in.substStatus = 0
	args, ok := in.fields(c.Args...)
	if !ok {
		return in.status
	}
	old := map[string]variable{}
	assigns, ok := in.assignments(c.Assigns, old, len(args) == 0)
	if !ok {
		in.restore(old)
		return in.status
	}
	in.trace(assigns, args)
	if len(args) == 0 {
		return in.substStatus
	}
	if special(args[0]) {
		clear(old) // assignments before a special builtin stay
	}
	status := in.call(args, c == in.last && len(in.traps) == 0)
	in.restore(old)
	return status
}

// lastCall is the command that is the last thing that a list does, if it does
// it: a shell has nothing to do behind it, and makes way. nil: there is none.
func lastCall(list []*syntax.Stmt) *syntax.CallExpr {
	if len(list) == 0 {
		return nil
	}
	st := list[len(list)-1]
	for !st.Background && !st.Negated {
		switch c := st.Cmd.(type) {
		case *syntax.CallExpr:
			return c
		case *syntax.BinaryCmd:
			if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt || len(st.Redirs) > 0 {
				return nil
			}
			st = c.Y
		default:
			return nil
		}
	}
	return nil
}

func (in *interp) restore(vars map[string]variable) {
	for name, v := range vars {
		in.vars[name] = v
	}
}

type assignment struct{ name, value string }

// assignments sets variables one after another. Those that do not stay are for
// a command and exported to it; old keeps what they were.
func (in *interp) assignments(list []*syntax.Assign, old map[string]variable, stay bool) (out []assignment, ok bool) {
	for _, as := range list {
		name := as.Name.Value
		value, ok := in.assignValue(as.Value)
		before := in.vars[name]
		if !ok || !in.assign(name, value) {
			return nil, false
		}
		out = append(out, assignment{name, value})
		if stay {
			continue
		}
		if _, saved := old[name]; !saved {
			old[name] = before
		}
		v := in.vars[name]
		v.exported = true
		in.vars[name] = v
	}
	return out, true
}

// assignValue expands the right side of "=", where a tilde also counts after
// a colon.
func (in *interp) assignValue(word *syntax.Word) (string, bool) {
	if word == nil {
		return "", true
	}
	lit := word.Lit()
	if !strings.Contains(lit, ":~") {
		return in.literal(word)
	}
	parts := strings.Split(lit, ":")
	for i, part := range parts {
		home, rest, _ := in.tilde(part, true)
		parts[i] = home + rest
	}
	return strings.Join(parts, ":"), true
}

// trace prints a command for set -x.
func (in *interp) trace(assigns []assignment, args []string) {
	if !in.opts['x'] || len(assigns)+len(args) == 0 {
		return
	}
	var words []string
	for _, a := range assigns {
		words = append(words, a.name+"="+quoteIfNeeded(a.value))
	}
	for _, arg := range args {
		words = append(words, quoteIfNeeded(arg))
	}
	fmt.Fprintf(in.stderr(), "%s%s\n", in.get("PS4"), strings.Join(words, " "))
}

func quoteIfNeeded(s string) string {
	if syntax.IsKeyword(s) || strings.ContainsAny(s, " \t\n\\'\"`$&;<>()|*?[]{}~#!=%") {
		return quote(s)
	}
	return s
}

// quote puts s in single quotes, as ash does.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// call runs a command whose words are expanded. If it is the shell's last, a
// program takes the shell's place.
func (in *interp) call(args []string, last bool) int {
	name := args[0]
	run := builtin(name)
	body := in.funcs[name]
	switch {
	case run != nil && (special(name) || body == nil):
		return run(in, args)
	case body != nil:
		return in.function(body, args)
	}
	if !last {
		return in.program(in.process(args))
	}
	status, err := in.makeWay(in.process(args))
	if err != nil {
		return in.cannotRun(args[0], err)
	}
	return status
}

func (in *interp) function(body *syntax.Stmt, args []string) int {
	if in.depth++; in.depth > depthMax {
		in.depth = 0
		return in.abort("%s: function nested too deeply", args[0])
	}
	params, loops := in.params, in.loops
	in.params, in.loops = args[1:], 0
	in.calls++
	in.frames = append(in.frames, map[string]variable{})
	in.stmt(body)
	if in.jump.kind == jumpReturn {
		in.jump = jump{}
	}
	in.leaveFrame()
	in.calls--
	in.depth = max(0, in.depth-1)
	in.params, in.loops = params, loops
	return in.status
}

// leaveFrame brings back what "local" hid.
func (in *interp) leaveFrame() {
	last := len(in.frames) - 1
	for name, v := range in.frames[last] {
		in.vars[name] = v
	}
	in.frames = in.frames[:last]
}

// process is the child that args describe.
func (in *interp) process(args []string) *Process {
	child := in.p.child(args)
	child.Env, child.Dir, child.Umask = in.env(), in.dir, in.umask
	child.Stdin, child.Stdout, child.Stderr = in.fds[0].reader(), in.stdout(), in.stderr()
	child.Started = in.p.Started
	return child
}

// program runs a child and says why where it cannot.
func (in *interp) program(child *Process) int {
	name := child.Args[0]
	status, err := in.p.spawn(in.ctx, child)
	if err == nil {
		return status
	}
	return in.cannotRun(name, err)
}

func (in *interp) cannotRun(name string, err error) int {
	switch {
	case fs.ErrnoOf(err) != fs.ENOENT:
	case in.bash && !strings.Contains(name, "/"):
		return in.complain(127, "%s: command not found", name)
	case in.bash:
		return in.complain(127, "%s: %s", name, reason(err))
	default:
		return in.complain(127, "%s: not found", name)
	}
	return in.complain(126, "%s: %s", name, reason(err))
}

// applet runs a builtin that is a tool as well.
func (in *interp) applet(a applet, args []string) int {
	status := runApplet(in.ctx, "sh", a, in.process(args))
	if status == exitPipe {
		in.endByPipe()
	}
	return status
}

// alias is how to run c if its first word is an alias: the alias's text takes
// the word's place and is parsed anew.
func (in *interp) alias(c *syntax.CallExpr) (func() int, bool) {
	if len(c.Args) == 0 || len(in.aliases) == 0 {
		return nil, false
	}
	name := c.Args[0].Lit()
	text, ok := in.aliases[name]
	if !ok {
		return nil, false
	}
	rest := *c
	rest.Args = c.Args[1:]
	var b strings.Builder
	if len(rest.Assigns) > 0 {
		syntax.NewPrinter().Print(&b, &syntax.CallExpr{Assigns: rest.Assigns})
		b.WriteString(" ")
	}
	b.WriteString(text + " ")
	if len(rest.Args) > 0 {
		syntax.NewPrinter().Print(&b, &syntax.CallExpr{Args: rest.Args})
	}
	return func() int {
		delete(in.aliases, name) // an alias does not expand inside itself
		status := in.eval(b.String())
		in.aliases[name] = text
		return status
	}, true
}

// decl is export, readonly or local, whose operands are assignments.
func (in *interp) decl(c *syntax.DeclClause) int {
	args := []string{c.Variant.Value}
	for _, as := range c.Args {
		if as.Name == nil {
			words, ok := in.fields(as.Value)
			if !ok {
				return in.status
			}
			args = append(args, words...)
			continue
		}
		arg := as.Name.Value
		if !as.Naked {
			value, ok := in.assignValue(as.Value)
			if !ok {
				return in.status
			}
			arg += "=" + value
		}
		args = append(args, arg)
	}
	in.trace(nil, args)
	if run := builtin(args[0]); run != nil {
		return run(in, args)
	}
	return in.complain(127, "%s: not found", args[0])
}

func (in *interp) let(c *syntax.LetClause) int {
	var n int64
	for _, x := range c.Exprs {
		var err error
		if n, err = in.arith(x); err != nil {
			if err != errAborted {
				in.abort("%s", err)
			}
			return in.status
		}
	}
	return oneIf(n == 0)
}

// testClause is [[ … ]]: test(1) without splitting, with && and || inside.
func (in *interp) testClause(c *syntax.TestClause) int {
	t := newTool(in.ctx, "sh", in.process([]string{"[["}))
	ok, err := in.testOf(t, c.X)
	if err != nil {
		if err != errAborted {
			in.complain(2, "%s", err)
		}
		return 2
	}
	return oneIf(!ok)
}

func (in *interp) testOf(t *tool, x syntax.TestExpr) (bool, error) {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return in.testOf(t, x.X)
	case *syntax.Word:
		s, ok := in.literal(x)
		return s != "", abortedIf(!ok)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			ok, err := in.testOf(t, x.X)
			return !ok, err
		}
		s, ok := in.literal(x.X.(*syntax.Word))
		if !ok {
			return false, errAborted
		}
		return t.testUnary(x.Op.String(), s)
	case *syntax.BinaryTest:
		return in.testBinary(t, x)
	}
	return false, fmt.Errorf("syntax error in [[")
}

func abortedIf(b bool) error {
	if b {
		return errAborted
	}
	return nil
}

func (in *interp) testBinary(t *tool, x *syntax.BinaryTest) (bool, error) {
	if x.Op == syntax.AndTest || x.Op == syntax.OrTest {
		left, err := in.testOf(t, x.X)
		if err != nil || left == (x.Op == syntax.OrTest) {
			return left, err
		}
		return in.testOf(t, x.Y)
	}
	left, ok1 := in.literal(x.X.(*syntax.Word))
	pat, ok2 := in.pattern(x.Y.(*syntax.Word))
	if !ok1 || !ok2 {
		return false, errAborted
	}
	switch x.Op {
	case syntax.TsMatch, syntax.TsMatchShort:
		return match(pat, left), nil
	case syntax.TsNoMatch:
		return !match(pat, left), nil
	case syntax.TsReMatch:
		re, err := compileRE(unescape(pat), true, false)
		return err == nil && re.MatchString(left), err
	}
	return t.testBinary(left, x.Op.String(), unescape(pat))
}

// Program is what an executable does when it is run as a process.
type Program func(context.Context, *Process) int
