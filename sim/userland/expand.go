package userland

import (
	"errors"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// field is one word in the making: its text, and the same as a pattern, where
// what was quoted has backslashes.
type field struct {
	text, pat strings.Builder
	glob      bool // something unquoted in it is * ? or [
}

// expansion turns words into fields.
type expansion struct {
	in    *interp
	split bool // by IFS, and into the elements of $@
	heed  bool // in a here-document: a double quote is nothing special
	done  []*field
	cur   *field
	gap   bool // whitespace of IFS ended the last field
	held  *ledger
	err   error
}

// errAborted is an expansion that failed after its complaint.
var errAborted = errors.New("aborted")

// fields expands words to arguments: with splitting, globbing, and without
// quotes.
func (in *interp) fields(words ...*syntax.Word) ([]string, bool) {
	var out []string
	var held ledger
	for _, word := range words {
		e := expansion{in: in, split: true, held: &held}
		e.word(word)
		e.end()
		if e.err != nil {
			return nil, false
		}
		for _, f := range e.done {
			out = append(out, in.globField(f)...)
		}
	}
	return out, true
}

func (in *interp) globField(f *field) []string {
	if f.glob && !in.opts['f'] {
		if found := glob(in.p.FS, in.dir, f.pat.String()); len(found) > 0 {
			return found
		}
	}
	return []string{f.text.String()}
}

func (in *interp) single(word *syntax.Word) (*field, bool) {
	e := expansion{in: in, cur: &field{}, held: new(ledger)}
	if word != nil {
		e.word(word)
	}
	return e.cur, e.err == nil
}

// literal expands a word to one string, as in an assignment.
func (in *interp) literal(word *syntax.Word) (string, bool) {
	f, ok := in.single(word)
	return f.text.String(), ok
}

// pattern expands a word to a pattern for [match].
func (in *interp) pattern(word *syntax.Word) (string, bool) {
	f, ok := in.single(word)
	return f.pat.String(), ok
}

// document expands a here-document; quoted is one that is taken as it is.
func (in *interp) document(word *syntax.Word, quoted, tabs bool) (string, bool) {
	if tabs {
		word = withoutTabs(word)
	}
	if quoted {
		return word.Lit(), true
	}
	e := expansion{in: in, cur: &field{}, heed: true, held: new(ledger)}
	e.parts(word.Parts, true, false)
	return e.cur.text.String(), e.err == nil
}

func withoutTabs(word *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	start := true
	for _, part := range word.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			lines := strings.SplitAfter(lit.Value, "\n")
			for i, line := range lines {
				if i > 0 || start {
					lines[i] = strings.TrimLeft(line, "\t")
				}
			}
			part = &syntax.Lit{Value: strings.Join(lines, "")}
			start = strings.HasSuffix(lit.Value, "\n")
		} else {
			start = false
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

func (e *expansion) word(word *syntax.Word) {
	parts := word.Parts
	if len(parts) > 0 {
		if lit, ok := parts[0].(*syntax.Lit); ok {
			if home, rest, ok := e.in.tilde(lit.Value, len(parts) == 1); ok {
				e.add(home, true)
				parts = append([]syntax.WordPart{&syntax.Lit{Value: rest}}, parts[1:]...)
			}
		}
	}
	e.parts(parts, false, false)
}

// tilde splits "~user/rest" into the user's home directory and the rest.
func (in *interp) tilde(s string, whole bool) (home, rest string, ok bool) {
	if !strings.HasPrefix(s, "~") {
		return "", s, false
	}
	end := strings.IndexAny(s, "/:")
	if end < 0 {
		if !whole {
			return "", s, false
		}
		end = len(s)
	}
	user := s[1:end]
	if user == "" {
		return in.get("HOME"), s[end:], in.vars["HOME"].set
	}
	if u, ok := userByName(in.p.FS, user); ok {
		return u.home, s[end:], true
	}
	return "", s, false
}

// holds says whether there is room for n bytes more; where there is none, the
// shell ends.
func (e *expansion) holds(n int) bool {
	if e.held.take(n) {
		return true
	}
	e.err = errAborted
	e.in.exhausted()
	return false
}

func (e *expansion) open() *field {
	if e.cur == nil {
		e.held.take(cellSize)
		e.cur = &field{}
	}
	return e.cur
}

func (e *expansion) end() {
	if e.cur != nil {
		e.done = append(e.done, e.cur)
		e.cur = nil
	}
}

// add appends s to the field.
func (e *expansion) add(s string, quoted bool) {
	if s == "" && !quoted {
		return
	}
	if e.err != nil || !e.holds(len(s)) {
		return
	}
	f := e.open()
	e.gap = false
	f.text.WriteString(s)
	if quoted {
		f.pat.WriteString(escapePattern(s))
		return
	}
	f.pat.WriteString(s)
	f.glob = f.glob || strings.ContainsAny(s, "*?[")
}

func escapePattern(s string) string {
	if !strings.ContainsAny(s, `*?[]\!-`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?[]\!-`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// result appends what an expansion yielded: split by IFS unless quoted.
func (e *expansion) result(s string, quoted bool) {
	if quoted || !e.split {
		e.add(s, quoted)
		return
	}
	ifs := " \t\n"
	if v := e.in.vars["IFS"]; v.set {
		ifs = v.value
	}
	start := 0
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(ifs, s[i]) < 0 {
			continue
		}
		e.add(s[start:i], false)
		start = i + 1
		e.separator(s[i])
	}
	e.add(s[start:], false)
}

// separator ends a field. Whitespace around another separator belongs to it.
func (e *expansion) separator(c byte) {
	white := c == ' ' || c == '\t' || c == '\n'
	switch {
	case e.cur != nil:
		e.end()
		e.gap = white
	case !white && e.gap:
		e.gap = false
	case !white:
		e.open()
		e.end()
	}
}

func (e *expansion) parts(parts []syntax.WordPart, quoted, splitLit bool) {
	for _, part := range parts {
		if e.err != nil {
			return
		}
		switch p := part.(type) {
		case *syntax.Lit:
			e.lit(p.Value, quoted, splitLit)
		case *syntax.SglQuoted:
			s := p.Value
			if p.Dollar {
				s = ansiC(s)
			}
			e.add(s, true)
		case *syntax.DblQuoted:
			if !e.isEmptyAt(p) {
				e.add("", true)
			}
			e.parts(p.Parts, true, false)
		case *syntax.ParamExp:
			e.param(p, quoted)
		case *syntax.CmdSubst:
			out, err := e.in.substitute(p)
			if err != nil {
				e.failed(err)
				return
			}
			e.result(out, quoted)
		case *syntax.ArithmExp:
			n, err := e.in.arith(p.X)
			if err != nil {
				e.failed(err)
				return
			}
			e.result(strconv.FormatInt(n, 10), quoted)
		default:
			e.fail("bad substitution")
		}
	}
}

// isEmptyAt says whether p is "$@" without any parameter, which is no field.
func (e *expansion) isEmptyAt(p *syntax.DblQuoted) bool {
	if len(p.Parts) != 1 || len(e.in.params) > 0 {
		return false
	}
	param, ok := p.Parts[0].(*syntax.ParamExp)
	return ok && param.Param.Value == "@" && param.Exp == nil && !param.Length
}

func (e *expansion) fail(format string, args ...any) {
	e.err = errAborted
	e.in.abort(format, args...)
}

// failed complains of err, unless that was done.
func (e *expansion) failed(err error) {
	if err == errAborted {
		e.err = err
		return
	}
	e.fail("%s", err)
}

// lit appends literal text, its backslashes taken off.
func (e *expansion) lit(s string, quoted, split bool) {
	special := "$`\"\\\n"
	if e.heed {
		special = "$`\\\n"
	}
	for s != "" {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			break
		}
		next := s[i+1 : i+2]
		e.plain(s[:i], quoted, split)
		switch {
		case next == "\n":
		case quoted && !strings.Contains(special, next):
			e.add(`\`+next, true)
		default:
			e.add(next, true)
		}
		s = s[i+2:]
	}
	e.plain(s, quoted, split)
}

func (e *expansion) plain(s string, quoted, split bool) {
	if split && !quoted {
		e.result(s, false)
		return
	}
	if s != "" {
		e.add(s, quoted)
	}
}

// substitute is the output of $( … ) without the newlines at its end.
func (in *interp) substitute(cs *syntax.CmdSubst) (string, error) {
	r, w, err := in.pipe()
	if err != nil {
		in.complain(1, "can't create pipe: %s", reason(err))
		return "", nil
	}
	sub := in.subshell()
	sub.fds[1] = stream{w: w}
	sub.status = in.status
	status := make(chan int, 1)
	go func() {
		n := sub.run(func() { sub.stmts(cs.Stmts) })
		w.Close()
		status <- n
	}()
	out, err := readAll(r)
	r.Close()
	in.substStatus = <-status
	in.after(sub)
	switch {
	case in.ctx.Err() != nil:
		return "", errAborted // by ^C or kill
	case err == errMemory:
		in.exhausted()
		return "", errAborted
	}
	return strings.TrimRight(strings.ReplaceAll(string(out), "\x00", ""), "\n"), nil
}

// ansiC undoes the escapes of $'…'.
func ansiC(s string) string {
	out, _ := unescapeC(s, true)
	return out
}
