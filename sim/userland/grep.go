package userland

import (
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// searcher is a running grep.
type searcher struct {
	*tool
	res           []*pattern
	names         bool // the file's name before each line
	before, after int
	limit         int
	found, listed bool // listed: by -L
	failure       bool
}

func grep(t *tool) int {
	s := &searcher{tool: t, limit: -1}
	patterns, ok := s.patterns()
	if !ok {
		return max(t.failed, 2)
	}
	if patterns == nil {
		t.failed = 2
		return badUsage
	}
	if !s.compile(patterns) || !s.numbers() {
		return 2
	}
	recurse := t.last("rR") != 0
	files := t.args
	if len(files) == 0 {
		files = []string{"-"}
	}
	s.names = len(files) > 1 || recurse
	switch t.last("hH") {
	case 'h':
		s.names = false
	case 'H':
		s.names = true
	}
	for _, name := range files {
		s.visit(name, recurse, true)
		if t.done() || s.found && t.has('q') {
			break
		}
	}
	return s.status()
}

func (s *searcher) status() int {
	s.failed = 0
	switch {
	case s.found && s.has('q'):
		return 0
	case s.failure:
		return 2
	case s.found:
		return 0
	}
	return 1
}

// patterns are those of -e and -f, or the first operand; nil if there is
// none.
func (s *searcher) patterns() (list []string, ok bool) {
	for _, e := range s.values['e'] {
		list = append(list, strings.Split(e, "\n")...)
	}
	for _, name := range s.values['f'] {
		r, ok := s.input(name)
		if !ok {
			return nil, false
		}
		list = slices.Concat([]string{}, list)
		s.eachLine(r, func(line string, _ bool) bool { list = append(list, line); return true })
		r.Close()
	}
	if !s.has('e') && !s.has('f') {
		if len(s.args) == 0 {
			return nil, true
		}
		list = strings.Split(s.args[0], "\n")
		s.args = s.args[1:]
	}
	return list, true
}

func (s *searcher) compile(patterns []string) bool {
	extended := s.name == "egrep" || s.last("EF") == 'E'
	fixed := s.name == "fgrep" || s.last("EF") == 'F'
	for _, pat := range patterns {
		var re *pattern
		var err error
		if fixed {
			flags := ""
			if s.has('i') {
				flags = "(?i)"
			}
			re = &pattern{plain: regexp.MustCompile(flags + regexp.QuoteMeta(strings.ToValidUTF8(pat, "\uFFFD")))}
		} else if re, err = compileRE(pat, extended, s.has('i') || s.has('y')); err != nil {
			s.errorf("%s", err)
			return false
		}
		s.res = append(s.res, re)
	}
	return true
}

func (s *searcher) numbers() bool {
	for flag, to := range map[byte]*int{'A': &s.after, 'B': &s.before, 'm': &s.limit} {
		if !s.number(flag, to) {
			return false
		}
	}
	if s.has('C') {
		if !s.number('C', &s.after) {
			return false
		}
		s.before = s.after
	}
	return true
}

func (s *searcher) number(flag byte, to *int) bool {
	if !s.has(flag) {
		return true
	}
	n, err := strconv.Atoi(s.val(flag))
	if err != nil || n < 0 {
		s.errorf("invalid number '%s'", s.val(flag))
		return false
	}
	*to = n
	return true
}

func (s *searcher) visit(name string, recurse, named bool) {
	if recurse && name != "-" {
		stat := s.lstat
		if named || s.has('R') {
			stat = s.stat
		}
		st, err := stat(name)
		switch {
		case err != nil:
			s.complain(name, err)
			return
		case st.Mode&fs.S_IFMT == fs.S_IFDIR:
			s.eachEntry(name, func(child string) { s.visit(child, true, false) })
			return
		case !named && st.Mode&fs.S_IFMT != fs.S_IFREG:
			return
		}
	}
	s.file(name)
}

func (s *searcher) complain(name string, err error) {
	s.failure = true
	if !s.has('s') {
		s.fail(name, err)
	}
}

func (s *searcher) file(name string) {
	var r io.Reader = s.in
	label := "(standard input)"
	if name != "-" {
		f, err := s.open(name)
		if err != nil {
			s.complain(name, err)
			return
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return // busybox reads nothing from a directory and says nothing
		}
		r, label = obey(s.ctx, f), name
	}
	count := s.scan(r, label)
	s.summary(label, count)
}

func (s *searcher) summary(label string, count int) {
	switch {
	case s.has('q'):
	case s.has('l'):
		if count > 0 {
			s.println(label)
		}
	case s.has('L'):
		s.found = s.listed
		if count == 0 {
			s.listed, s.found = true, true
			s.println(label)
		}
	case s.has('c'):
		prefix := ""
		if s.names {
			prefix = label + ":"
		}
		s.printf("%s%d\n", prefix, count)
	}
}

// scan prints the lines of r that are wanted and counts them.
func (s *searcher) scan(r io.Reader, label string) int {
	quiet := s.has('q') || s.has('l') || s.has('L')
	c := around{searcher: s, label: label}
	count, number := 0, 0
	s.eachLine(r, func(line string, _ bool) bool {
		number++
		if s.matches(line) == s.has('v') {
			if !s.has('c') && !quiet {
				c.other(line, number)
			}
			return !s.done()
		}
		count++
		s.found = true
		if quiet {
			return false
		}
		if !s.has('c') {
			c.hit(line, number)
		}
		return count != s.limit && !s.done()
	})
	return count
}

func (s *searcher) matches(line string) bool {
	return slices.ContainsFunc(s.res, func(re *pattern) bool { return s.find(re, line, 0) != nil })
}

// find is where re fits line from an offset, as -w and -x want it.
func (s *searcher) find(re *pattern, line string, from int) []int {
	for from <= len(line) {
		loc := re.FindStringIndex(line[from:])
		if loc == nil {
			return nil
		}
		lo, hi := from+loc[0], from+loc[1]
		switch {
		case s.has('x') && (lo != 0 || hi != len(line)):
			return nil
		case s.has('w') && !wholeWord(line, lo, hi):
			from = lo + 1
			continue
		case from > 0 && re.anchored:
			return nil
		}
		return []int{lo, hi}
	}
	return nil
}

func wholeWord(line string, lo, hi int) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(line) && (line[i] == '_' || inClass("alnum", rune(line[i])))
	}
	return lo < hi && !word(lo-1) && !word(hi)
}

// around prints lines with those around them.
type around struct {
	*searcher
	label  string
	kept   []string // up to before lines that were not wanted
	last   int      // the number of the last line printed
	follow int      // lines still to print after a hit
}

func (c *around) hit(line string, number int) {
	if c.has('o') {
		c.parts(line, number)
		return
	}
	first := number - len(c.kept)
	if c.before+c.after > 0 && c.last > 0 && first > c.last+1 {
		c.println("--")
	}
	for i, kept := range c.kept {
		c.print(kept, first+i, '-')
	}
	c.kept = nil
	c.print(line, number, ':')
	c.follow = c.after
}

func (c *around) other(line string, number int) {
	if c.follow > 0 && !c.has('o') {
		c.follow--
		c.print(line, number, '-')
		return
	}
	if c.before > 0 {
		c.kept = append(c.kept, line)
		if len(c.kept) > c.before {
			c.kept = c.kept[1:]
		}
	}
}

func (c *around) print(line string, number int, sep byte) {
	c.last = number
	if c.names {
		c.out.WriteString(c.label)
		c.out.WriteByte(sep)
	}
	if c.has('n') {
		c.out.WriteString(strconv.Itoa(number))
		c.out.WriteByte(sep)
	}
	c.println(line)
}

// parts prints every match on a line of its own.
func (c *around) parts(line string, number int) {
	if c.has('v') {
		return
	}
	for from := 0; from <= len(line); {
		var best []int
		for _, re := range c.res {
			if loc := c.find(re, line, from); loc != nil && (best == nil || loc[0] < best[0] || loc[0] == best[0] && loc[1] > best[1]) {
				best = loc
			}
		}
		if best == nil {
			return
		}
		if best[1] > best[0] {
			c.print(line[best[0]:best[1]], number, ':')
		}
		from = max(best[1], best[0]+1)
	}
}

const (
	grepFlags = "HhnlLoqvsrRiwxFEzm:A:B:C:e:f:cy"
	grepLong  = "ignore-case=i invert-match=v line-number=n count=c files-with-matches=l recursive=r quiet=q only-matching=o extended-regexp=E fixed-strings=F word-regexp=w"
	grepUsage = "[-HhnlLoqvsrRiwFEz] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]..."
)
