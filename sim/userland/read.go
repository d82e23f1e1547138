package userland

import (
	"fmt"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// read is the builtin that reads one line into variables.
func (in *interp) read(args []string) int {
	o, names, problem := getopt("+rsp:n:d:t:u:", "", args[1:])
	if problem != "" {
		return in.err("read", "%s", problem)
	}
	if o.has('p') {
		fmt.Fprint(in.stderr(), o.val('p'))
	}
	fd := 0
	if n, err := strconv.Atoi(o.val('u')); err == nil && n < len(in.fds) {
		fd = n
	}
	line, ok := in.readLine(fd, o)
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	for _, name := range names {
		if !syntax.ValidName(name) {
			return in.err("read", "%s: bad variable name", name)
		}
	}
	for i, value := range in.splitRead(line, len(names)) {
		if !in.assign(names[i], value) {
			return in.status
		}
	}
	return oneIf(!ok)
}

// readLine reads up to a newline. A byte that a backslash quotes is marked by
// a NUL before it. ok is false at the end of the input.
func (in *interp) readLine(fd int, o options) (line string, ok bool) {
	r := obey(in.ctx, in.fds[fd].reader())
	limit, err := strconv.Atoi(o.val('n'))
	if err != nil {
		limit = -1
	}
	end := byte('\n')
	if d := o.val('d'); d != "" {
		end = d[0]
	}
	var b strings.Builder
	for n := 0; n != limit; n++ {
		if b.Len() > memoryMax {
			in.exhausted()
			return "", false
		}
		c, err := readByte(r)
		if err != nil {
			return b.String(), false
		}
		if c == '\\' && !o.has('r') {
			if c, err = readByte(r); err != nil {
				return b.String(), false
			}
			if c != '\n' {
				b.Write([]byte{0, c})
			}
			continue
		}
		if c == end {
			return b.String(), true
		}
		if c != 0 {
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// splitRead splits a line by IFS into exactly n values; the last one has the
// rest.
func (in *interp) splitRead(line string, n int) []string {
	ifs := in.get("IFS")
	if !in.vars["IFS"].set {
		ifs = " \t\n"
	}
	s := splitter{ifs: ifs, rest: line}
	values := make([]string, n)
	s.skipWhite()
	for i := range n - 1 {
		values[i] = s.next()
	}
	values[n-1] = s.last()
	return values
}

type splitter struct{ ifs, rest string }

func (s *splitter) white(c byte) bool {
	return (c == ' ' || c == '\t' || c == '\n') && strings.IndexByte(s.ifs, c) >= 0
}

func (s *splitter) skipWhite() {
	for s.rest != "" && s.white(s.rest[0]) {
		s.rest = s.rest[1:]
	}
}

func (s *splitter) next() string {
	var b strings.Builder
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		if c == 0 && s.rest != "" {
			b.WriteByte(s.rest[0])
			s.rest = s.rest[1:]
			continue
		}
		if strings.IndexByte(s.ifs, c) < 0 {
			b.WriteByte(c)
			continue
		}
		s.skipWhite()
		if s.white(c) && s.rest != "" && s.rest[0] != 0 && strings.IndexByte(s.ifs, s.rest[0]) >= 0 {
			s.rest = s.rest[1:]
			s.skipWhite()
		}
		break
	}
	return b.String()
}

func (s *splitter) last() string {
	end := len(s.rest)
	for end > 0 && s.white(s.rest[end-1]) && (end < 2 || s.rest[end-2] != 0) {
		end--
	}
	rest := s.rest[:end]
	one := splitter{ifs: s.ifs, rest: rest}
	if v := one.next(); one.rest == "" {
		return v
	}
	return strings.ReplaceAll(rest, "\x00", "")
}

// getopts is the builtin that parses a script's flags, one at a call.
func (in *interp) getopts(args []string) int {
	if len(args) < 3 {
		return in.err("getopts", "usage: getopts optstring var [arg]")
	}
	spec, name := args[1], args[2]
	params := in.params
	if len(args) > 3 {
		params = args[3:]
	}
	if n, _ := strconv.Atoi(in.get("OPTIND")); n != in.index+1 {
		in.getoptAt = getoptAt{index: max(n-1, 0)}
	}
	flag, arg, more := in.nextFlag(spec, params)
	in.assign("OPTIND", strconv.Itoa(in.index+1))
	if arg == nil {
		delete(in.vars, "OPTARG")
	} else {
		in.assign("OPTARG", *arg)
	}
	if !in.assign(name, flag) {
		return in.status
	}
	return oneIf(!more)
}

// nextFlag is the next flag of params; arg is its argument if it has one.
func (in *interp) nextFlag(spec string, params []string) (flag string, arg *string, more bool) {
	if in.index >= len(params) {
		return "?", nil, false
	}
	cluster := params[in.index]
	if in.char == 0 {
		if len(cluster) < 2 || cluster[0] != '-' {
			return "?", nil, false
		}
		if cluster == "--" {
			in.index++
			return "?", nil, false
		}
		in.char = 1
	}
	c := cluster[in.char : in.char+1]
	in.char++
	rest := cluster[in.char:]
	if rest == "" {
		in.getoptAt = getoptAt{index: in.index + 1}
	}
	i := strings.Index(spec, c)
	switch {
	case i < 0 || c == ":":
		return in.badFlag(spec, "?", "Illegal option -"+c, c)
	case i+1 >= len(spec) || spec[i+1] != ':':
		return c, new(string), true
	case rest != "":
		in.getoptAt = getoptAt{index: in.index + 1}
		return c, &rest, true
	case in.index >= len(params):
		return in.badFlag(spec, ":", "No arg for -"+c+" option", c)
	}
	value := params[in.index]
	in.index++
	return c, &value, true
}

func (in *interp) badFlag(spec, silent, text, c string) (string, *string, bool) {
	if strings.HasPrefix(spec, ":") {
		return silent, &c, true
	}
	fmt.Fprintln(in.stderr(), text)
	return "?", nil, true
}
