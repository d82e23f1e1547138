package userland

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// wc counts lines, words and bytes.
func wc(t *tool) int {
	var total counts
	files := 0
	t.eachInput(func(name string, r io.Reader) error {
		c, err := count(r)
		total.add(c)
		files++
		if len(t.args) == 0 {
			name = ""
		}
		t.wcLine(c, name)
		return err
	})
	if len(t.args) > 1 {
		t.wcLine(total, "total")
	}
	return 0
}

type counts struct{ lines, words, bytes, chars, longest int64 }

func (c *counts) add(d counts) {
	c.lines += d.lines
	c.words += d.words
	c.bytes += d.bytes
	c.chars += d.chars
	c.longest = max(c.longest, d.longest)
}

func count(r io.Reader) (c counts, err error) {
	b := bufio.NewReader(r)
	inWord, width := false, int64(0)
	for {
		x, err := b.ReadByte()
		if err != nil {
			c.longest = max(c.longest, width)
			return c, ignoreEOF(err)
		}
		c.bytes++
		if utf8.RuneStart(x) {
			c.chars++
		}
		space := x == ' ' || x >= '\t' && x <= '\r'
		if !space && !inWord {
			c.words++
		}
		inWord = !space
		width++
		if x == '\n' {
			c.lines++
			c.longest = max(c.longest, width-1)
			width = 0
		}
	}
}

func (t *tool) wcLine(c counts, name string) {
	var fields []int64
	all := t.last("lwcmL") == 0
	for _, f := range []struct {
		flag byte
		n    int64
	}{{'l', c.lines}, {'w', c.words}, {'m', c.chars}, {'c', c.bytes}, {'L', c.longest}} {
		if t.has(f.flag) || all && strings.IndexByte("lwc", f.flag) >= 0 {
			fields = append(fields, f.n)
		}
	}
	if len(fields) == 1 {
		t.printf("%d", fields[0])
	} else {
		for i, n := range fields {
			if i > 0 {
				t.out.WriteByte(' ')
			}
			t.printf("%9d", n)
		}
	}
	if name != "" {
		t.out.WriteString(" " + name)
	}
	t.out.WriteByte('\n')
}

// uniq drops repeated lines.
func uniq(t *tool) int {
	if len(t.args) > 2 {
		return badUsage
	}
	in := "-"
	if len(t.args) > 0 {
		in = t.args[0]
	}
	r, err := t.catOpen(in)
	if err != nil {
		return t.cannot("open", in, err)
	}
	defer r.Close()
	if len(t.args) == 2 && t.args[1] != "-" {
		f, err := t.create(t.args[1])
		if err != nil {
			return t.cannot("open", t.args[1], err)
		}
		defer f.Close()
		t.out = bufio.NewWriter(f)
	}
	u := uniqRun{tool: t}
	if t.eachLine(r, func(line string, _ bool) bool { u.line(line); return !t.done() }); u.count > 0 {
		u.show()
	}
	t.out.Flush()
	return 0
}

type uniqRun struct {
	*tool
	last  string
	count int
}

func (u *uniqRun) line(line string) {
	if u.count > 0 && u.key(line) == u.key(u.last) {
		u.count++
		return
	}
	if u.count > 0 {
		u.show()
	}
	u.last, u.count = line, 1
}

func (u *uniqRun) key(line string) string {
	if n, err := strconv.Atoi(u.val('f')); err == nil {
		for range n {
			line = strings.TrimLeft(line, " \t")
			if i := strings.IndexAny(line, " \t"); i >= 0 {
				line = line[i:]
			} else {
				line = ""
			}
		}
	}
	if n, err := strconv.Atoi(u.val('s')); err == nil {
		line = line[min(n, len(line)):]
	}
	if u.has('i') {
		line = strings.ToLower(line)
	}
	return line
}

func (u *uniqRun) show() {
	if u.has('d') && u.count == 1 || u.has('u') && u.count > 1 {
		return
	}
	if u.has('c') {
		u.printf("%7d ", u.count)
	}
	u.println(u.last)
}

// cut prints parts of lines.
func cut(t *tool) int {
	flag := t.last("bcf")
	if flag == 0 {
		return t.errorf("expected a list of bytes, characters, or fields")
	}
	list, ok := parseRanges(t.val(flag))
	if !ok {
		return t.errorf("invalid range %s", t.val(flag))
	}
	sep := "\t"
	if t.has('d') {
		if sep = t.val('d'); utf8.RuneCountInString(sep) != 1 {
			return t.errorf("the delimiter must be a single character")
		}
	}
	t.eachInput(func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			switch {
			case flag != 'f':
				t.println(cutBytes(line, list))
			case strings.Contains(line, sep):
				t.println(cutFields(line, sep, list))
			case !t.has('s'):
				t.println(line)
			}
			return !t.done()
		})
	})
	return 0
}

// span is a range of positions from 1; to is -1 for the end.
type span struct{ from, to int }

func parseRanges(s string) (list []span, ok bool) {
	for _, part := range strings.Split(s, ",") {
		lo, hi, isRange := strings.Cut(part, "-")
		r := span{1, -1}
		var err1, err2 error
		if lo != "" {
			r.from, err1 = strconv.Atoi(lo)
		}
		switch {
		case !isRange:
			r.to = r.from
		case hi != "":
			r.to, err2 = strconv.Atoi(hi)
		}
		if err1 != nil || err2 != nil || r.from < 1 || part == "" || part == "-" {
			return nil, false
		}
		list = append(list, r)
	}
	return list, true
}

func inRanges(list []span, i int) bool {
	for _, r := range list {
		if i >= r.from && (r.to < 0 || i <= r.to) {
			return true
		}
	}
	return false
}

func cutBytes(line string, list []span) string {
	var b strings.Builder
	for i := range len(line) {
		if inRanges(list, i+1) {
			b.WriteByte(line[i])
		}
	}
	return b.String()
}

func cutFields(line, sep string, list []span) string {
	var kept []string
	for i, f := range strings.Split(line, sep) {
		if inRanges(list, i+1) {
			kept = append(kept, f)
		}
	}
	return strings.Join(kept, sep)
}

// tr replaces, squeezes or deletes characters.
func tr(t *tool) int {
	if len(t.args) < 1 || len(t.args) < 2 && !t.has('d') && !t.has('s') {
		return badUsage
	}
	complement := t.last("cC") != 0
	from := trSet(t.args[0])
	if complement {
		from = trComplement(from)
	}
	var to []byte
	if len(t.args) > 1 {
		to = trSet(t.args[1])
	}
	var table [256]int
	var squeeze [256]bool
	for i := range table {
		table[i] = i
	}
	for i, c := range from {
		switch {
		case t.has('d'):
			table[c] = -1
		case len(to) > 0:
			table[c] = int(to[min(i, len(to)-1)])
		}
	}
	if t.has('s') {
		set := to
		if len(to) == 0 {
			set = from
		}
		for _, c := range set {
			squeeze[c] = true
		}
	}
	t.trStream(&table, &squeeze)
	return 0
}

func (t *tool) trStream(table *[256]int, squeeze *[256]bool) {
	r := bufio.NewReader(t.in)
	last := -1
	for {
		c, err := r.ReadByte()
		if err != nil || t.done() {
			return
		}
		n := table[c]
		if n < 0 || n == last && squeeze[n] {
			continue
		}
		last = n
		t.out.WriteByte(byte(n))
	}
}

// trSet expands "a-z[:digit:]\n" to the bytes it means.
func trSet(s string) []byte {
	var set []byte
	for s != "" {
		if name, rest, ok := cutClassName(s); ok {
			for c := range 256 {
				if inClass(name, rune(c)) {
					set = append(set, byte(c))
				}
			}
			s = rest
			continue
		}
		if len(s) >= 5 && s[0] == '[' && s[1] == '=' && s[3] == '=' && s[4] == ']' {
			set = append(set, s[2])
			s = s[5:]
			continue
		}
		var lo byte
		lo, s = trByte(s)
		if len(s) > 1 && s[0] == '-' {
			var hi byte
			hi, s = trByte(s[1:])
			for c := int(lo); c <= int(hi); c++ {
				set = append(set, byte(c))
			}
			continue
		}
		set = append(set, lo)
	}
	return set
}

func trByte(s string) (byte, string) {
	if s[0] != '\\' || len(s) == 1 {
		return s[0], s[1:]
	}
	if c, ok := simpleEscapes[s[1]]; ok {
		return c, s[2:]
	}
	if s[1] >= '0' && s[1] <= '7' {
		n, size := numberEscape(s[1:])
		return n, s[1+size:]
	}
	return s[1], s[2:]
}

func trComplement(set []byte) []byte {
	var in [256]bool
	for _, c := range set {
		in[c] = true
	}
	var out []byte
	for c := range 256 {
		if !in[c] {
			out = append(out, byte(c))
		}
	}
	return out
}
