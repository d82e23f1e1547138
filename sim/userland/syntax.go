package userland

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// parse parses whole commands as busybox ash would take them.
func parse(text string) (*syntax.File, error) {
	text = asRunes(text)
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, errors.New(asBytes(syntaxText(err, text)))
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.Lit:
			n.Value = asBytes(n.Value)
		case *syntax.SglQuoted:
			n.Value = asBytes(n.Value)
		}
		return true
	})
	return file, refuse(file)
}

// stray is the rune that stands for byte 0 where the parser, which takes
// nothing but UTF-8, is given what is none; the others follow. They are for
// private use, and lie at the end of Unicode.
const stray = utf8.MaxRune - 0xff

// asRunes is text in UTF-8, each byte that is none as a rune of its own.
func asRunes(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isStray) {
		return text
	}
	var b strings.Builder
	for text != "" {
		r, n := utf8.DecodeRuneInString(text)
		if r != utf8.RuneError && !isStray(r) || n == 3 {
			b.WriteString(text[:n])
		} else {
			for i := range n {
				b.WriteRune(stray + rune(text[i]))
			}
		}
		text = text[n:]
	}
	return b.String()
}

// asBytes undoes asRunes.
func asBytes(text string) string {
	if !strings.ContainsFunc(text, isStray) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isStray(r) {
			b.WriteByte(byte(r - stray))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isStray(r rune) bool { return r >= stray }

// Complete says whether line is a whole command: no open quote or
// here-document, no "if" without its "fi", no backslash at the end.
func Complete(line string) bool {
	line = asRunes(line)
	_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return !incomplete(err)
	}
	return !continued(line)
}

// incomplete says whether more text could mend err. The parser does not know
// it of a quoted here-document.
func incomplete(err error) bool {
	return syntax.IsIncomplete(err) || strings.Contains(err.Error(), "unclosed here-document")
}

// continued says whether the text ends in a backslash that quotes the newline
// to come.
func continued(text string) bool {
	text = strings.TrimSuffix(text, "\n")
	n := len(text) - len(strings.TrimRight(text, `\`))
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return n%2 == 1 && !strings.HasPrefix(strings.TrimSpace(last), "#")
}

var (
	onlyRE      = regexp.MustCompile("^`([^`]+)` can only")
	foundRE     = regexp.MustCompile("encountered `([^`]+)`")
	notAfterRE  = regexp.MustCompile("^`?([^`]*)`? ?must be followed by")
	quoteErrors = "without closing quote"
)

// closers are what ash expects to end what was opened.
var closers = map[string]string{
	"if": "fi", "elif": "fi", "then": "fi", "else": "fi", "while": "done", "until": "done",
	"for": "done", "do": "done", "case": "esac", "{": "}", "(": ")", "$(": ")", "if <cond>": "then",
	"while <cond>": "do", "until <cond>": "do",
}

// syntaxText is the parser's complaint in ash's words.
func syntaxText(err error, text string) string {
	var perr syntax.ParseError
	if !errors.As(err, &perr) {
		return "syntax error: " + err.Error()
	}
	what := perr.Text
	switch {
	case strings.Contains(what, quoteErrors):
		return "syntax error: unterminated quoted string"
	case strings.Contains(what, "arithmetic"):
		return "arithmetic syntax error"
	}
	if m := onlyRE.FindStringSubmatch(what); m != nil {
		return fmt.Sprintf("syntax error: unexpected %q", m[1])
	}
	if m := foundRE.FindStringSubmatch(what); m != nil {
		return fmt.Sprintf("syntax error: unexpected %q", m[1])
	}
	if perr.Incomplete {
		return "syntax error: unexpected end of file" + expecting(what)
	}
	if m := notAfterRE.FindStringSubmatch(what); m != nil {
		if next := tokenAfter(text, perr.Pos, m[1]); next != "" {
			return fmt.Sprintf("syntax error: unexpected %q", next)
		}
	}
	return "syntax error: " + what
}

func expecting(what string) string {
	for _, part := range strings.Split(what, "`") {
		if end, ok := closers[part]; ok {
			return fmt.Sprintf(" (expecting %q)", end)
		}
	}
	return ""
}

// tokenAfter is the operator or word that follows the word at pos.
func tokenAfter(text string, pos syntax.Pos, word string) string {
	from := int(pos.Offset()) + len(strings.TrimSuffix(word, " <cond>"))
	if from > len(text) {
		return ""
	}
	rest := strings.TrimLeft(text[from:], " \t")
	for _, op := range []string{"\n", "&&", "||", ";;", ";", "&", "|", "(", ")"} {
		if strings.HasPrefix(rest, op) {
			return strings.ReplaceAll(op, "\n", "newline")
		}
	}
	next, _, _ := strings.Cut(rest, " ")
	return next
}

// refuse finds what bash has and ash has not.
func refuse(file *syntax.File) (err error) {
	no := func(what string) { err = fmt.Errorf("syntax error: %s", what) }
	syntax.Walk(file, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.ArrayExpr:
			no(`unexpected "("`)
		case *syntax.ArithmCmd:
			no(`unexpected "(("`)
		case *syntax.ProcSubst:
			no("process substitution is not in this shell")
		case *syntax.ExtGlob:
			no(`unexpected "("`)
		case *syntax.CStyleLoop:
			no("bad for loop variable")
		case *syntax.CoprocClause:
			no("coproc is not in this shell")
		case *syntax.ForClause:
			if n.Select {
				no("select is not in this shell")
			}
		case *syntax.Assign:
			if n.Index != nil || n.Append {
				no("arrays and += are not in this shell")
			}
		case *syntax.ParamExp:
			if n.Index != nil || n.Excl || n.Names != 0 || n.Param == nil {
				no("bad substitution")
			}
		case *syntax.CmdSubst:
			if n.TempFile || n.ReplyVar {
				no("bad substitution")
			}
		}
		return err == nil
	})
	return err
}
