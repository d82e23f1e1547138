package userland

import (
	"io"
	"strconv"
	"strings"
)

// do runs one command and tells what comes next.
func (e *editor) do(c *sedCmd) int {
	switch c.name {
	case '{', '}', ':', '#':
	case 'p':
		e.put(e.pattern)
	case 'P':
		first, _, _ := strings.Cut(e.pattern, "\n")
		e.println(first)
	case 'd':
		return sedDelete
	case 'D':
		return e.deleteFirst()
	case 's':
		e.substitute(c)
	case 'y':
		e.transliterate(c)
	case 'a':
		e.after = append(e.after, c.text+"\n")
	case 'i':
		e.println(c.text)
	case 'c':
		return e.change(c)
	case '=':
		e.printf("%d\n", e.number)
	case 'l':
		e.println(visible(e.pattern) + "$")
	case 'r':
		e.appendFile(c.text)
	case 'w':
		e.writeTo(c.text)
	default:
		return e.flow(c)
	}
	return sedNext
}

// holds says whether there is room for the two spaces.
func (e *editor) holds() bool {
	if len(e.pattern)+len(e.hold) <= memoryMax {
		return true
	}
	e.pattern, e.hold, e.quit = "", "", true
	e.exit = e.fail("", errMemory)
	return false
}

// flow are the commands about lines and where to go on.
func (e *editor) flow(c *sedCmd) int {
	switch c.name {
	case 'n':
		return e.nextLine()
	case 'N':
		return e.appendLine()
	case 'h':
		e.hold = e.pattern
	case 'H':
		e.hold += "\n" + e.pattern
	case 'g':
		e.pattern = e.hold
	case 'G':
		e.pattern += "\n" + e.hold
	case 'x':
		e.pattern, e.hold = e.hold, e.pattern
	case 'q', 'Q':
		e.quit, e.exit = true, c.n
		if c.name == 'Q' {
			return sedDelete
		}
		return sedEnd
	case 'b':
		return e.jump(c.text)
	case 't', 'T':
		was := e.replaced
		e.replaced = false
		if was == (c.name == 't') {
			return e.jump(c.text)
		}
	}
	return sedNext
}

func (e *editor) jump(label string) int {
	if label == "" {
		return sedEnd
	}
	return e.labels[label]
}

func (e *editor) deleteFirst() int {
	_, rest, ok := strings.Cut(e.pattern, "\n")
	if ok {
		e.pattern, e.restart = rest, true
	}
	return sedDelete
}

func (e *editor) change(c *sedCmd) int {
	if c.to.kind == addrNone || !c.active || c.not {
		e.println(c.text)
	}
	return sedDelete
}

func (e *editor) nextLine() int {
	if e.last() {
		e.quit = true
		return sedEnd
	}
	e.finishCycle(true)
	line, _ := e.next()
	was := e.replaced
	e.load(line)
	e.replaced = was
	return sedNext
}

func (e *editor) appendLine() int {
	if e.last() {
		e.quit = true
		return sedEnd
	}
	for _, text := range e.after {
		e.out.WriteString(text)
	}
	e.after = nil
	line, _ := e.next()
	old, was := e.pattern, e.replaced
	e.load(line)
	e.pattern, e.replaced = old+"\n"+e.pattern, was
	return sedNext
}

func (e *editor) appendFile(name string) {
	if text, err := readFile(e.FS, e.abs(name)); err == nil {
		e.after = append(e.after, text)
	}
}

func (e *editor) writeTo(name string) {
	if name == "/dev/stdout" {
		e.println(e.pattern)
		return
	}
	f, ok := e.files[name]
	if !ok {
		var err error
		if f, err = e.create(name); err != nil {
			e.fail(name, err)
			return
		}
		e.files[name] = f
	}
	io.WriteString(f, e.pattern+"\n")
}

func (e *editor) transliterate(c *sedCmd) {
	e.pattern = strings.Map(func(r rune) rune {
		if to, ok := c.table[r]; ok {
			return to
		}
		return r
	}, e.pattern)
}

func (e *editor) substitute(c *sedCmd) {
	locs := c.re.FindAllStringSubmatchIndex(e.pattern)
	var b strings.Builder
	at, hits := 0, 0
	for i, loc := range locs {
		if i+1 < c.n || !c.global && hits > 0 {
			continue
		}
		hits++
		b.WriteString(e.pattern[at:loc[0]])
		expandReplacement(&b, c.text, e.pattern, loc)
		at = loc[1]
	}
	if hits == 0 {
		return
	}
	b.WriteString(e.pattern[at:])
	e.pattern, e.replaced = b.String(), true
	if c.print {
		e.put(e.pattern)
	}
	if c.file != "" {
		e.writeTo(c.file)
	}
}

// expandReplacement writes the right side of s///: & and \1 are what was
// matched; \u \l \U \L \E change case.
func expandReplacement(b *strings.Builder, with, s string, loc []int) {
	group := func(n int) string {
		if 2*n+1 >= len(loc) || loc[2*n] < 0 {
			return ""
		}
		return s[loc[2*n]:loc[2*n+1]]
	}
	for i := 0; i < len(with); i++ {
		switch c := with[i]; {
		case c == '&':
			b.WriteString(group(0))
		case c == '\\' && i+1 < len(with):
			i++
			switch c := with[i]; {
			case c >= '0' && c <= '9':
				b.WriteString(group(int(c - '0')))
			case c == 'n':
				b.WriteByte('\n')
			case c == 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
}

// visible is the form of the command l.
func visible(s string) string {
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// sedCmd is one parsed command.
type sedCmd struct {
	from, to address
	not      bool
	name     byte
	text     string // label, text, file, replacement
	re       *pattern
	n        int // of s: which match; of q: the status
	global   bool
	print    bool
	file     string
	table    map[rune]rune
	close    int // of {: the position after its }
	active   bool
	end      int
}

// skip is where to go on if c is not selected.
func (c *sedCmd) skip(pc int) int {
	if c.name == '{' {
		return c.close
	}
	return pc + 1
}

type addrKind int

const (
	addrNone addrKind = iota
	addrLine
	addrLast
	addrRE
	addrStep
	addrPlus
)

type address struct {
	kind    addrKind
	n, step int
	re      *pattern
}
