package userland

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// sorter is a running sort.
type sorter struct {
	*tool
	keys []sortKey
}

// sortKey is what one -k means: fields and characters from 1, and flags.
type sortKey struct {
	from, fromChar, to, toChar int // to 0: the end of the line
	flags                      string
}

const sortFlags = "bdfghinMVr"

func sortTool(t *tool) int {
	s := &sorter{tool: t}
	for _, text := range t.values['k'] {
		key, ok := parseKey(text)
		if !ok {
			return t.errorf("bad field specification '%s'", text)
		}
		s.keys = append(s.keys, key)
	}
	var lines []string
	var held ledger
	t.eachInput(func(_ string, r io.Reader) error {
		return keepLines(r, &held, func(line string, _ bool) bool {
			lines = append(lines, line)
			return t.ctx.Err() == nil
		})
	})
	if t.failed > 0 {
		return 2
	}
	if t.last("cC") != 0 {
		return s.check(lines)
	}
	slices.SortStableFunc(lines, s.compare)
	if t.has('u') {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return s.compareKeys(a, b) == 0 })
	}
	return s.write(lines)
}

func (s *sorter) write(lines []string) int {
	if s.has('o') {
		f, err := s.create(s.val('o'))
		if err != nil {
			return max(2, s.fail(s.val('o'), err))
		}
		defer f.Close()
		s.out = bufio.NewWriter(f)
	}
	for _, line := range lines {
		s.println(line)
		if s.done() {
			break
		}
	}
	s.out.Flush()
	return 0
}

func (s *sorter) check(lines []string) int {
	for i := 1; i < len(lines); i++ {
		order := s.compare(lines[i-1], lines[i])
		if order > 0 || order == 0 && s.has('u') {
			if s.last("cC") == 'c' {
				io.WriteString(s.Stderr, sprintf("Check line %d\n", i))
			}
			return 1
		}
	}
	return 0
}

func parseKey(text string) (k sortKey, ok bool) {
	start, end, hasEnd := strings.Cut(text, ",")
	k.from, k.fromChar, k.flags, ok = parseKeyPart(start)
	if !ok || k.from < 1 {
		return k, false
	}
	if hasEnd {
		var flags string
		k.to, k.toChar, flags, ok = parseKeyPart(end)
		k.flags += flags
	}
	return k, ok
}

// parseKeyPart reads "2.3nr".
func parseKeyPart(s string) (field, char int, flags string, ok bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) && r != '.' })
	if i >= 0 {
		s, flags = s[:i], s[i:]
	}
	f, c, hasChar := strings.Cut(s, ".")
	field, err := strconv.Atoi(f)
	if err == nil && hasChar {
		char, err = strconv.Atoi(c)
	}
	return field, char, flags, err == nil && strings.Trim(flags, sortFlags) == ""
}

func (s *sorter) compare(a, b string) int {
	order := s.compareKeys(a, b)
	if order == 0 && !s.has('s') {
		order = strings.Compare(a, b)
		if s.has('r') {
			order = -order
		}
	}
	return order
}

func (s *sorter) compareKeys(a, b string) int {
	var global string
	for _, f := range s.order {
		if strings.IndexByte(sortFlags, f) >= 0 {
			global += string(f)
		}
	}
	if len(s.keys) == 0 {
		return compareBy(a, b, global)
	}
	for _, key := range s.keys {
		flags := key.flags
		if flags == "" {
			flags = global
		}
		if order := compareBy(s.extract(a, key, flags), s.extract(b, key, flags), flags); order != 0 {
			return order
		}
	}
	return 0
}

// extract is the part of line that key names.
func (s *sorter) extract(line string, k sortKey, flags string) string {
	starts, ends := s.fieldBounds(line)
	lo := len(line)
	if k.from <= len(starts) {
		lo = starts[k.from-1]
		if strings.Contains(flags, "b") {
			for lo < len(line) && (line[lo] == ' ' || line[lo] == '\t') {
				lo++
			}
		}
		lo = min(len(line), lo+max(k.fromChar-1, 0))
	}
	hi := len(line)
	switch {
	case k.to == 0 || k.to > len(ends):
	case k.toChar == 0:
		hi = ends[k.to-1]
	default:
		hi = min(len(line), starts[k.to-1]+k.toChar)
	}
	return line[min(lo, hi):hi]
}

// fieldBounds are the fields of a line: between -t characters, or each with
// the blanks before it.
func (s *sorter) fieldBounds(line string) (starts, ends []int) {
	if sep := s.val('t'); sep != "" {
		at := 0
		for _, f := range strings.Split(line, sep) {
			starts, ends = append(starts, at), append(ends, at+len(f))
			at += len(f) + len(sep)
		}
		return starts, ends
	}
	for i := 0; i < len(line); {
		start := i
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		starts, ends = append(starts, start), append(ends, i)
	}
	return starts, ends
}

func compareBy(a, b, flags string) int {
	order := 0
	switch {
	case strings.ContainsAny(flags, "ng"):
		order = cmp.Compare(leadingNumber(a), leadingNumber(b))
	case strings.Contains(flags, "h"):
		order = cmp.Compare(humanNumber(a), humanNumber(b))
	case strings.Contains(flags, "V"):
		order = compareVersions(a, b)
	case strings.Contains(flags, "M"):
		order = cmp.Compare(month(a), month(b))
	default:
		order = strings.Compare(sortText(a, flags), sortText(b, flags))
	}
	if strings.Contains(flags, "r") {
		order = -order
	}
	return order
}

func sortText(s, flags string) string {
	if strings.Contains(flags, "b") {
		s = strings.TrimLeft(s, " \t")
	}
	if strings.Contains(flags, "f") {
		s = strings.ToUpper(s)
	}
	keep := func(fits func(r rune) bool) {
		s = strings.Map(func(r rune) rune {
			if fits(r) {
				return r
			}
			return -1
		}, s)
	}
	if strings.Contains(flags, "d") {
		keep(func(r rune) bool { return inClass("alnum", r) || r == ' ' || r == '\t' })
	}
	if strings.Contains(flags, "i") {
		keep(func(r rune) bool { return inClass("print", r) })
	}
	return s
}

func leadingNumber(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("+-.0123456789", r) })
	if end < 0 {
		end = len(s)
	}
	for ; end > 0; end-- {
		if n, err := strconv.ParseFloat(s[:end], 64); err == nil {
			return n
		}
	}
	return 0
}

func humanNumber(s string) float64 {
	n := leadingNumber(s)
	rest := strings.TrimLeft(s, " \t+-.0123456789")
	if rest != "" {
		if i := strings.IndexByte("KMGTPE", rest[0]&^0x20); i >= 0 {
			for range i + 1 {
				n *= 1024
			}
		}
	}
	return n
}

func month(s string) int {
	s = strings.ToUpper(strings.TrimLeft(s, " \t"))
	if len(s) < 3 {
		return 0
	}
	return strings.Index("   JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", s[:3]) / 3
}

// compareVersions compares runs of digits as numbers.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		if unicode.IsDigit(rune(a[0])) && unicode.IsDigit(rune(b[0])) {
			var x, y string
			x, a = cutDigits(a)
			y, b = cutDigits(b)
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if order := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); order != 0 {
				return order
			}
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func cutDigits(s string) (digits, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) })
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}
