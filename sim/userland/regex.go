package userland

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// compileRE compiles a POSIX regular expression, basic or extended, with
// leftmost-longest matching (leftmost alone where it has back-references).
func compileRE(pat string, extended, fold bool) (*pattern, error) {
	tr := translator{s: pat, extended: extended, start: true}
	expr, err := tr.run()
	if err != nil {
		return nil, err
	}
	flags := "(?s)"
	if fold {
		flags = "(?si)"
	}
	re, err := compile(flags, expr, tr.back)
	if err != nil {
		return nil, errors.New("bad regex '" + pat + "': Invalid regular expression")
	}
	re.groups, re.anchored = tr.groups, strings.HasPrefix(expr, "^")
	if re.plain != nil {
		re.plain.Longest()
	}
	return re, nil
}

// translator writes a POSIX expression as Go's regexp takes it.
type translator struct {
	s        string
	extended bool
	start    bool // at the start of an expression, where * is itself
	open     int
	groups   int  // opened so far
	back     bool // it has back-references
	b        strings.Builder
}

func (t *translator) run() (string, error) {
	for t.s != "" {
		c := t.s[0]
		t.s = t.s[1:]
		if err := t.one(c); err != nil {
			return "", err
		}
	}
	return t.b.String(), nil
}

func (t *translator) one(c byte) error {
	start := t.start
	t.start = false
	switch {
	case c == '\\':
		return t.escaped(start)
	case c == '[':
		return t.bracket()
	case c == '*' && start:
		t.b.WriteString(`\*`)
	case c == '*':
		t.repeat("*")
	case c == '.':
		t.b.WriteByte('.')
	case c == '^':
		t.caret(start)
	case c == '$':
		t.dollar()
	case t.extended && strings.IndexByte("()|+?{", c) >= 0:
		t.operator(c, start)
	default:
		t.b.WriteString(regexp.QuoteMeta(string(c)))
	}
	return nil
}

func (t *translator) caret(start bool) {
	if t.extended || start {
		t.b.WriteByte('^')
		t.start = true
		return
	}
	t.b.WriteString(`\^`)
}

func (t *translator) dollar() {
	if t.extended || t.s == "" || strings.HasPrefix(t.s, `\)`) || strings.HasPrefix(t.s, `\|`) {
		t.b.WriteByte('$')
		return
	}
	t.b.WriteString(`\$`)
}

// escaped handles what follows a backslash.
func (t *translator) escaped(start bool) error {
	if t.s == "" {
		return errors.New("bad regex: Trailing backslash")
	}
	c := t.s[0]
	t.s = t.s[1:]
	switch {
	case !t.extended && strings.IndexByte("(){|+?", c) >= 0:
		t.operator(c, start)
	case c >= '1' && c <= '9':
		return t.backReference(int(c - '0'))
	case c == '<' || c == '>':
		t.b.WriteString(`\b`)
	case strings.IndexByte("wWsSbB", c) >= 0:
		t.b.WriteString(`\` + string(c))
	case c == 'n':
		t.b.WriteByte('\n')
	case c == 't':
		t.b.WriteByte('\t')
	case c == '\'':
		t.b.WriteString(`\z`)
	case c == '`':
		t.b.WriteString(`\A`)
	default:
		t.b.WriteString(regexp.QuoteMeta(string(c)))
	}
	return nil
}

func (t *translator) backReference(n int) error {
	if n > t.groups {
		return errors.New("bad regex: Invalid back reference")
	}
	t.back = true
	t.b.WriteString(`\` + strconv.Itoa(n) + `(?:)`) // what follows is no further digit
	return nil
}

func (t *translator) operator(c byte, start bool) {
	switch c {
	case '(':
		t.open++
		t.groups++
		t.start = true
		t.b.WriteByte('(')
	case ')':
		if t.open == 0 {
			t.b.WriteString(`\)`)
			return
		}
		t.open--
		t.b.WriteByte(')')
	case '|':
		t.start = true
		t.b.WriteByte('|')
	case '{':
		t.interval(start)
	default:
		if start {
			t.b.WriteString(`\` + string(c))
			return
		}
		t.repeat(string(c))
	}
}

// repeat appends a repetition operator; one after another counts once.
func (t *translator) repeat(op string) {
	s := t.b.String()
	if n := len(s); n > 0 && strings.IndexByte("*+?", s[n-1]) >= 0 && (n < 2 || s[n-2] != '\\') {
		if s[n-1] == '*' {
			return
		}
		t.b.Reset()
		t.b.WriteString("(?:" + s + ")")
	}
	t.b.WriteString(op)
}

func (t *translator) interval(start bool) {
	end := "}"
	if !t.extended {
		end = `\}`
	}
	body, rest, ok := strings.Cut(t.s, end)
	if !ok || start || body == "" || strings.Trim(body, "0123456789,") != "" {
		t.b.WriteString(`\{`)
		return
	}
	if body[0] == ',' {
		body = "0" + body
	}
	t.s = rest
	t.b.WriteString("{" + body + "}")
}

// bracket copies a bracket expression, in which a backslash is itself.
func (t *translator) bracket() error {
	i := 0
	if strings.HasPrefix(t.s, "^") {
		i++
	}
	if i < len(t.s) && t.s[i] == ']' {
		i++
	}
	for i < len(t.s) && t.s[i] != ']' {
		if i+1 < len(t.s) && t.s[i] == '[' && strings.IndexByte(":.=", t.s[i+1]) >= 0 {
			end := strings.Index(t.s[i+2:], string(t.s[i+1])+"]")
			if end < 0 {
				break
			}
			i += 2 + end + 2
			continue
		}
		i++
	}
	if i >= len(t.s) {
		return errors.New("bad regex: Unmatched [, [^, [:, [., or [=")
	}
	t.b.WriteString("[" + bracketBody(t.s[:i]) + "]")
	t.s = t.s[i+1:]
	return nil
}

func bracketBody(s string) string {
	var b strings.Builder
	if strings.HasPrefix(s, "^") {
		b.WriteByte('^')
		s = s[1:]
	}
	for s != "" {
		if strings.HasPrefix(s, "[:") {
			if name, rest, ok := strings.Cut(s[2:], ":]"); ok {
				b.WriteString("[:" + name + ":]")
				s = rest
				continue
			}
		}
		switch c := s[0]; {
		case c == '\\' && len(s) > 1 && (s[1] == 'n' || s[1] == 't' || s[1] == ']' || s[1] == '\\'):
			b.WriteString(s[:2])
			s = s[2:]
			continue
		case strings.IndexByte(`\[]^&~`, c) >= 0:
			b.WriteByte('\\')
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}
