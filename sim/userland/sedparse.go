package userland

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sedParser parses a sed script.
type sedParser struct {
	s        string
	extended bool
	quiet    bool // the script begins with #n
	code     []sedCmd
	labels   map[string]int
	open     []int
	lastRE   *pattern
}

func (p *sedParser) parse() error {
	if strings.HasPrefix(p.s, "#n\n") || p.s == "#n" {
		p.quiet = true
	}
	for {
		p.s = strings.TrimLeft(p.s, " \t\n;")
		if p.s == "" {
			break
		}
		if err := p.command(); err != nil {
			return err
		}
	}
	for _, open := range p.open { // busybox closes them at the end
		p.code[open].close = len(p.code)
	}
	return p.checkLabels()
}

func (p *sedParser) checkLabels() error {
	for _, c := range p.code {
		if strings.IndexByte("btT", c.name) >= 0 && c.text != "" {
			if _, ok := p.labels[c.text]; !ok {
				return fmt.Errorf("can't find label for jump to '%s'", c.text)
			}
		}
	}
	return nil
}

func (p *sedParser) command() error {
	var c sedCmd
	var err error
	if c.from, err = p.address(); err != nil {
		return err
	}
	p.blanks()
	if c.from.kind != addrNone && strings.HasPrefix(p.s, ",") {
		p.s = strings.TrimLeft(p.s[1:], " \t")
		if c.to, err = p.address(); err != nil {
			return err
		}
		if c.to.kind == addrNone {
			return errors.New("unexpected ','")
		}
		p.blanks()
	}
	for strings.HasPrefix(p.s, "!") {
		c.not = true
		p.s = strings.TrimLeft(p.s[1:], " \t")
	}
	if p.s == "" {
		return errors.New("missing command")
	}
	c.name, p.s = p.s[0], p.s[1:]
	return p.body(c)
}

func (p *sedParser) blanks() { p.s = strings.TrimLeft(p.s, " \t") }

func (p *sedParser) address() (a address, err error) {
	switch {
	case p.s == "":
	case p.s[0] == '$':
		p.s = p.s[1:]
		a.kind = addrLast
	case p.s[0] == '/' || p.s[0] == '\\' && len(p.s) > 1:
		return p.addressRE()
	case p.s[0] == '+':
		p.s = p.s[1:]
		a.kind, a.n = addrPlus, p.number()
	case p.s[0] >= '0' && p.s[0] <= '9':
		a.kind, a.n = addrLine, p.number()
		if strings.HasPrefix(p.s, "~") {
			p.s = p.s[1:]
			a.kind, a.step = addrStep, p.number()
		}
	}
	return a, nil
}

func (p *sedParser) number() int {
	digits, rest := cutDigits(p.s)
	p.s = rest
	n, _ := strconv.Atoi(digits)
	return n
}

func (p *sedParser) addressRE() (a address, err error) {
	if p.s[0] == '\\' {
		p.s = p.s[1:]
	}
	pat, ok := p.delimited(p.s[0], true)
	if !ok {
		return a, errors.New("unmatched '" + p.s[:1] + "'")
	}
	fold := strings.HasPrefix(p.s, "I")
	if fold {
		p.s = p.s[1:]
	}
	a.kind = addrRE
	a.re, err = p.regexp(pat, fold)
	return a, err
}

// regexp compiles pat; the empty one is the last one again.
func (p *sedParser) regexp(pat string, fold bool) (*pattern, error) {
	if pat == "" && p.lastRE != nil {
		return p.lastRE, nil
	}
	re, err := compileRE(pat, p.extended, fold)
	p.lastRE = re
	return re, err
}

// delimited reads up to the delimiter that p.s begins with, and past it.
func (p *sedParser) delimited(delim byte, isRE bool) (string, bool) {
	var b strings.Builder
	class := false
	for i := 1; i < len(p.s); i++ {
		c := p.s[i]
		switch {
		case c == '\\' && i+1 < len(p.s):
			i++
			if p.s[i] == delim && !(isRE && strings.IndexByte("(){}|+?", delim) >= 0) {
				b.WriteByte(delim)
				continue
			}
			if p.s[i] == '\n' {
				b.WriteByte('\n')
				continue
			}
			b.WriteByte('\\')
			b.WriteByte(p.s[i])
			continue
		case isRE && c == '[' && !class:
			class = true
			b.WriteByte(c)
			for i+1 < len(p.s) && (p.s[i+1] == ']' || p.s[i+1] == '^' && b.String()[b.Len()-1] == '[') {
				i++
				b.WriteByte(p.s[i])
			}
			continue
		case class && c == ']':
			class = false
		case c == delim && !class:
			p.s = p.s[i+1:]
			return b.String(), true
		}
		b.WriteByte(c)
	}
	return "", false
}

func (p *sedParser) body(c sedCmd) error {
	var err error
	switch c.name {
	case '{':
		p.open = append(p.open, len(p.code))
	case '}':
		if len(p.open) == 0 {
			return errors.New("unexpected '}'")
		}
		p.code[p.open[len(p.open)-1]].close = len(p.code) + 1
		p.open = p.open[:len(p.open)-1]
	case '#':
		p.line()
		return nil
	case ':':
		p.labels[p.word("\n;")] = len(p.code)
	case 'b', 't', 'T':
		c.text = p.word("\n;}")
	case 'a', 'i', 'c':
		c.text = p.text()
	case 'r', 'w':
		c.text = strings.TrimSpace(p.line())
	case 's':
		err = p.substitution(&c)
	case 'y':
		err = p.transliteration(&c)
	case 'q', 'Q':
		p.blanks()
		c.n = p.number()
	case 'p', 'P', 'd', 'D', '=', 'l', 'n', 'N', 'h', 'H', 'g', 'G', 'x':
	default:
		return fmt.Errorf("unsupported command %c", c.name)
	}
	if err != nil {
		return err
	}
	p.code = append(p.code, c)
	return p.ended(c.name)
}

// ended checks that nothing but a separator follows a command.
func (p *sedParser) ended(name byte) error {
	if strings.IndexByte("{aicrw", name) >= 0 {
		return nil
	}
	p.blanks()
	if p.s != "" && strings.IndexByte("\n;}#", p.s[0]) < 0 {
		return errors.New("garbage after command")
	}
	return nil
}

func (p *sedParser) line() string {
	line, rest, _ := strings.Cut(p.s, "\n")
	p.s = rest
	return line
}

func (p *sedParser) word(ends string) string {
	p.blanks()
	i := strings.IndexAny(p.s, ends)
	if i < 0 {
		i = len(p.s)
	}
	word := strings.TrimSpace(p.s[:i])
	p.s = p.s[i:]
	return word
}

// text is the operand of a, i and c: "a\" and lines, or all on one line.
func (p *sedParser) text() string {
	p.blanks()
	if strings.HasPrefix(p.s, "\\") {
		p.s = p.s[1:]
		if line := strings.TrimLeft(p.s, " \t"); strings.HasPrefix(line, "\n") {
			p.s = line[1:]
		}
	}
	var b strings.Builder
	for p.s != "" && p.s[0] != '\n' {
		if p.s[0] == '\\' && len(p.s) > 1 {
			p.s = p.s[1:]
		}
		b.WriteByte(p.s[0])
		p.s = p.s[1:]
	}
	return b.String()
}

func (p *sedParser) substitution(c *sedCmd) error {
	if p.s == "" {
		return errors.New("bad substitution")
	}
	delim := p.s[0]
	pat, ok := p.delimited(delim, true)
	if !ok {
		return fmt.Errorf("unmatched '%c'", delim)
	}
	p.s = string(delim) + p.s
	c.text, ok = p.delimited(delim, false)
	if !ok {
		return fmt.Errorf("unmatched '%c'", delim)
	}
	fold, err := p.substFlags(c)
	if err != nil {
		return err
	}
	c.re, err = p.regexp(pat, fold)
	return err
}

func (p *sedParser) substFlags(c *sedCmd) (fold bool, err error) {
	for p.s != "" {
		switch f := p.s[0]; {
		case f == 'g':
			c.global = true
		case f == 'p':
			c.print = true
		case f == 'i' || f == 'I':
			fold = true
		case f == 'w':
			p.s = p.s[1:]
			c.file = strings.TrimSpace(p.line())
			return fold, nil
		case f >= '1' && f <= '9':
			c.n = p.number()
			continue
		case strings.IndexByte("\n;} \t#", f) >= 0:
			return fold, nil
		default:
			return fold, errors.New("unknown option to s command")
		}
		p.s = p.s[1:]
	}
	return fold, nil
}

func (p *sedParser) transliteration(c *sedCmd) error {
	if p.s == "" {
		return errors.New("bad y command")
	}
	delim := p.s[0]
	from, ok := p.delimited(delim, false)
	if !ok {
		return fmt.Errorf("unmatched '%c'", delim)
	}
	p.s = string(delim) + p.s
	to, ok := p.delimited(delim, false)
	if !ok {
		return fmt.Errorf("unmatched '%c'", delim)
	}
	a, _ := unescapeC(from, true)
	b, _ := unescapeC(to, true)
	x, y := []rune(a), []rune(b)
	if len(x) != len(y) {
		return errors.New("strings for 'y' command are different lengths")
	}
	c.table = map[rune]rune{}
	for i, r := range x {
		c.table[r] = y[i]
	}
	return nil
}
