package userland

import (
	"strconv"
	"strings"
)

// echo prints its operands: -n without the newline, -e with escapes.
func echo(t *tool) int {
	newline, escapes := true, false
	args := t.args
	for len(args) > 0 && isEchoFlags(args[0]) {
		for _, c := range args[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		var stop bool
		if text, stop = unescapeC(text, false); stop {
			newline = false
		}
	}
	t.out.WriteString(text)
	if newline {
		t.out.WriteByte('\n')
	}
	return 0
}

func isEchoFlags(s string) bool {
	return len(s) > 1 && s[0] == '-' && strings.Trim(s[1:], "neE") == ""
}

var simpleEscapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\',
}

// unescapeC undoes backslash escapes; stop says that \c ended the text. With
// quotes, \' and \" count too, as in $'…'.
func unescapeC(s string, quotes bool) (out string, stop bool) {
	var b strings.Builder
	for s != "" {
		if s[0] != '\\' || len(s) == 1 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		c := s[1]
		if c == 'c' && !quotes {
			return b.String(), true
		}
		if simple, ok := simpleEscapes[c]; ok {
			b.WriteByte(simple)
			s = s[2:]
			continue
		}
		if n, size := numberEscape(s[1:]); size > 0 {
			b.WriteByte(n)
			s = s[1+size:]
			continue
		}
		if !quotes || c != '\'' && c != '"' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
		s = s[2:]
	}
	return b.String(), false
}

// numberEscape reads 0ooo, ooo or xhh; size is 0 where there is none.
func numberEscape(s string) (n byte, size int) {
	base, from, most := 8, 0, 3
	switch {
	case s[0] == 'x':
		base, from, most = 16, 1, 3
	case s[0] == '0':
		from, most = 1, 4
	}
	end := from
	for end < len(s) && end < most {
		if _, err := strconv.ParseUint(s[end:end+1], base, 8); err != nil {
			break
		}
		end++
	}
	if end == from && s[0] != '0' {
		return 0, 0
	}
	v, _ := strconv.ParseUint("0"+s[from:end], base, 16)
	return byte(v), end
}

// printf prints its operands by a format, again and again until all are used.
func printf(t *tool) int {
	if len(t.args) == 0 {
		t.Stderr.Write([]byte("usage: printf FORMAT [ARG]...\n"))
		return 1
	}
	f := formatter{t: t, args: t.args[1:]}
	for {
		before := len(f.args)
		f.run(t.args[0])
		if f.stop || len(f.args) == 0 || len(f.args) == before || t.done() {
			return f.status
		}
	}
}

type formatter struct {
	t      *tool
	args   []string
	stop   bool
	status int
}

func (f *formatter) run(format string) {
	for format != "" && !f.stop {
		i := strings.IndexAny(format, `%\`)
		if i < 0 {
			i = len(format)
		}
		f.t.out.WriteString(format[:i])
		format = format[i:]
		switch {
		case format == "":
		case format[0] == '\\':
			format = f.escape(format)
		case strings.HasPrefix(format, "%%"):
			f.t.out.WriteByte('%')
			format = format[2:]
		default:
			format = f.directive(format)
		}
	}
}

func (f *formatter) escape(s string) string {
	size := 2
	switch {
	case len(s) == 1:
		size = 1
	case s[1] == 'x' || s[1] >= '0' && s[1] <= '7':
		if _, n := numberEscape(s[1:]); n > 0 {
			size = 1 + n
		}
	}
	text, stop := unescapeC(s[:size], true)
	f.t.out.WriteString(text)
	f.stop = stop || strings.HasPrefix(s, `\c`)
	return s[size:]
}

func (f *formatter) next() string {
	if len(f.args) == 0 {
		return ""
	}
	arg := f.args[0]
	f.args = f.args[1:]
	return arg
}

// directive handles "%-5.2d" and the like and returns what follows.
func (f *formatter) directive(s string) string {
	end := 1
	spec := "%"
	for end < len(s) && strings.IndexByte("-+ #0123456789.*", s[end]) >= 0 {
		if s[end] == '*' {
			spec += f.next()
		} else {
			spec += s[end : end+1]
		}
		end++
	}
	for end < len(s) && strings.IndexByte("hlLqjzt", s[end]) >= 0 {
		end++
	}
	if end == len(s) {
		f.t.errorf("%s: invalid format", s)
		f.stop, f.status = true, 1
		return ""
	}
	f.convert(spec, s[end], s[:end+1])
	return s[end+1:]
}

func (f *formatter) convert(spec string, verb byte, whole string) {
	switch verb {
	case 's':
		f.t.printf(spec+"s", f.next())
	case 'b':
		text, stop := unescapeC(f.next(), false)
		f.t.printf(spec+"s", text)
		f.stop = stop
	case 'c':
		arg := f.next()
		f.t.printf(spec+"s", arg[:min(1, len(arg))])
	case 'd', 'i':
		f.t.printf(spec+"d", f.integer())
	case 'u':
		f.t.printf(spec+"d", uint64(f.integer()))
	case 'o', 'x', 'X':
		f.t.printf(spec+string(verb), uint64(f.integer()))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f.t.printf(spec+string(verb), f.float())
	default:
		f.t.errorf("%s: invalid format", whole)
		f.stop, f.status = true, 1
	}
}

func (f *formatter) integer() int64 {
	arg := f.next()
	if len(arg) > 1 && (arg[0] == '\'' || arg[0] == '"') {
		return int64([]rune(arg[1:])[0])
	}
	n, err := strconv.ParseInt(strings.TrimSpace(arg), 0, 64)
	if err != nil && arg != "" {
		if u, uerr := strconv.ParseUint(strings.TrimSpace(arg), 0, 64); uerr == nil {
			return int64(u)
		}
		f.t.errorf("invalid number '%s'", arg)
		f.status = 1
	}
	return n
}

func (f *formatter) float() float64 {
	arg := f.next()
	n, err := strconv.ParseFloat(strings.TrimSpace(arg), 64)
	if err != nil && arg != "" {
		f.t.errorf("invalid number '%s'", arg)
		f.status = 1
	}
	return n
}
