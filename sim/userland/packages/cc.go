package packages

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"twinlayer/fs/platform"
	"twinlayer/sim/userland/say"
)

// cc is the teaching compiler: it turns a C program that prints texts into a
// real executable, small and static, which needs nothing else to run.
func cc(j *job, args []string) int {
	output, sources := "a.out", []string{}
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-o" && i+1 < len(args):
			i++
			output = args[i]
		case arg == "--version":
			j.printf("%s (twinlayer's teaching compiler)\n", j.name)
			return 0
		case arg == "-c" || arg == "-S" || arg == "-E" || arg == "-shared":
			j.errorf("%s: error: twinlayer's teaching compiler makes whole programs only, so it has no %s", j.name, arg)
			return 1
		case strings.HasPrefix(arg, "-"): // of warnings, optimization and the like
		default:
			sources = append(sources, arg)
		}
	}
	if len(sources) == 0 {
		j.errorf("%s: fatal error: no input files\ncompilation terminated.", j.name)
		return 1
	}
	return j.compile(sources, output)
}

// compile compiles the one of sources that has main.
func (j *job) compile(sources []string, output string) int {
	for _, name := range sources {
		if !j.exists(j.abs(name)) {
			j.errorf("cc1: fatal error: %s: No such file or directory\ncompilation terminated.", name)
			return 1
		}
	}
	for _, name := range sources {
		c := compiler{text: j.read(j.abs(name)), line: 1}
		err := c.program()
		if errors.Is(err, errNoMain) {
			continue
		}
		if err != nil {
			j.errorf("%s:%d: error: %v", name, c.line, err)
			return 1
		}
		return j.link(output, c)
	}
	j.errorf("/usr/bin/ld: undefined reference to `main'\ncollect2: error: ld returned 1 exit status")
	return 1
}

func (j *job) link(output string, c compiler) int {
	program := say.Program(platform.Host(), c.out.String(), c.status)
	if program == nil {
		j.errorf("%s: error: twinlayer's teaching compiler writes texts of at most %d bytes, for amd64 and arm64", j.name, say.Max)
		return 1
	}
	name := j.abs(output)
	j.FS.Remove(name) // it may be running
	if err := j.write(name, ".o", 0o755, program); err != nil {
		j.errorf("/usr/bin/ld: cannot open output file %s: %s\ncollect2: error: ld returned 1 exit status", output, reason(err))
		return 1
	}
	return 0
}

// abs is a name as seen from the process's directory.
func (j *job) abs(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(j.Dir, name)
}

// compiler reads a C program and does at once what it would do.
type compiler struct {
	text   string // what is left of the source
	line   int
	out    strings.Builder
	status int
}

var (
	errNoMain = errors.New("no main")
	errStray  = errors.New("twinlayer's teaching compiler knows main with puts, printf, exit and return, of texts and numbers, and nothing else")
)

// program finds main and compiles its statements.
func (c *compiler) program() error {
	for {
		c.space()
		switch {
		case c.text == "":
			return errNoMain
		case c.word("main"):
			return c.main()
		case c.text[0] == '"':
			return errStray
		}
		c.skip(1)
		for c.text != "" && letter(c.text[0]) {
			c.skip(1)
		}
	}
}

func (c *compiler) main() error {
	i := strings.IndexByte(c.text, '{')
	if i < 0 {
		return errNoMain // a declaration
	}
	c.skip(i + 1)
	for {
		c.space()
		ended, err := c.statement()
		if err != nil || ended {
			return err
		}
	}
}

// statement compiles one statement; ended says that main returns there.
func (c *compiler) statement() (ended bool, err error) {
	switch {
	case c.symbol("}"):
		return true, nil
	case c.symbol(";"):
		return false, nil
	case c.word("puts"):
		text, err := c.call(c.texts)
		c.out.WriteString(text + "\n")
		return false, err
	case c.word("printf"):
		text, err := c.call(c.formatted)
		c.out.WriteString(text)
		return false, err
	case c.word("return"):
		n, err := c.number()
		c.status = n & 0xff
		return true, errors.Join(err, c.must(";"))
	case c.word("exit"):
		_, err := c.call(func() (string, error) {
			n, err := c.number()
			c.status = n & 0xff
			return "", err
		})
		return true, err
	}
	return false, errStray
}

// call compiles what stands in brackets, and the semicolon.
func (c *compiler) call(argument func() (string, error)) (string, error) {
	if err := c.must("("); err != nil {
		return "", err
	}
	text, err := argument()
	if err != nil {
		return "", err
	}
	if err := c.must(")"); err != nil {
		return "", err
	}
	return text, c.must(";")
}

// formatted is what printf makes of a format and its arguments.
func (c *compiler) formatted() (string, error) {
	format, err := c.texts()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for {
		text, verb, more := strings.Cut(format, "%")
		b.WriteString(text)
		if !more {
			return b.String(), nil
		}
		if verb == "" {
			return "", errors.New("spurious trailing '%' in format")
		}
		format = verb[1:]
		value, err := c.argument(verb[0])
		if err != nil {
			return "", err
		}
		b.WriteString(value)
	}
}

// argument is the value for one verb of a format.
func (c *compiler) argument(verb byte) (string, error) {
	if verb == '%' {
		return "%", nil
	}
	if verb != 's' && verb != 'd' {
		return "", errStray
	}
	if err := c.must(","); err != nil {
		return "", err
	}
	c.space()
	if verb == 's' {
		return c.texts()
	}
	n, err := c.number()
	return fmt.Sprint(n), err
}

// texts is one or more string literals, which C joins.
func (c *compiler) texts() (string, error) {
	var b strings.Builder
	for n := 0; ; n++ {
		c.space()
		if !strings.HasPrefix(c.text, `"`) {
			if n == 0 {
				return "", errStray
			}
			return b.String(), nil
		}
		c.skip(1)
		for !strings.HasPrefix(c.text, `"`) {
			if c.text == "" || c.text[0] == '\n' {
				return "", errors.New(`missing terminating " character`)
			}
			b.WriteByte(c.char())
		}
		c.skip(1)
	}
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': 7, 'b': 8, 'e': 27, 'f': 12, 'v': 11}

// char is the next character of a string literal.
func (c *compiler) char() byte {
	b := c.text[0]
	c.skip(1)
	if b != '\\' || c.text == "" {
		return b
	}
	b = c.text[0]
	c.skip(1)
	if e, ok := escapes[b]; ok {
		return e
	}
	return b
}

func (c *compiler) number() (int, error) {
	c.space()
	n, digits := 0, 0
	for c.text != "" && c.text[0] >= '0' && c.text[0] <= '9' && digits < 9 {
		n = n*10 + int(c.text[0]-'0')
		digits++
		c.skip(1)
	}
	if digits == 0 {
		return 0, errStray
	}
	return n, nil
}

// space skips white space, comments and preprocessor lines.
func (c *compiler) space() {
	for c.text != "" {
		switch {
		case strings.IndexByte(" \t\r\n", c.text[0]) >= 0:
			c.skip(1)
		case strings.HasPrefix(c.text, "//") || c.text[0] == '#':
			c.skip(len(c.text) - len(cutAt(c.text, "\n")))
		case strings.HasPrefix(c.text, "/*"):
			c.skip(2)
			c.skip(len(c.text) - len(cutAt(c.text, "*/")))
			c.skip(min(2, len(c.text)))
		default:
			return
		}
	}
}

// cutAt is text from the first end on; "" where there is none.
func cutAt(text, end string) string {
	if i := strings.Index(text, end); i >= 0 {
		return text[i:]
	}
	return ""
}

func (c *compiler) skip(n int) {
	c.line += strings.Count(c.text[:n], "\n")
	c.text = c.text[n:]
}

// word takes a name, if it is the next one.
func (c *compiler) word(name string) bool {
	rest, ok := strings.CutPrefix(c.text, name)
	if !ok || rest != "" && letter(rest[0]) {
		return false
	}
	c.skip(len(name))
	return true
}

func letter(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

func (c *compiler) symbol(s string) bool {
	c.space()
	if !strings.HasPrefix(c.text, s) {
		return false
	}
	c.skip(len(s))
	return true
}

func (c *compiler) must(s string) error {
	if c.symbol(s) {
		return nil
	}
	return fmt.Errorf("expected '%s'", s)
}
