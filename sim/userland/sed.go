package userland

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/afero"

	"twinlayer/fs"
)

// sed edits a stream of lines.
func sed(t *tool) int {
	script, ok := t.sedScript()
	if !ok {
		return 1
	}
	if script == nil {
		return badUsage
	}
	p := sedParser{s: strings.Join(script, "\n"), extended: t.last("Er") != 0, labels: map[string]int{}}
	if err := p.parse(); err != nil {
		return t.errorf("%s", err)
	}
	e := &editor{tool: t, code: p.code, labels: p.labels, quiet: t.has('n') || p.quiet, files: map[string]afero.File{}}
	defer e.closeFiles()
	if t.has('i') {
		return e.inPlace()
	}
	e.names = t.args
	if len(e.names) == 0 {
		e.names = []string{"-"}
	}
	e.run()
	return e.exit
}

func (t *tool) sedScript() (script []string, ok bool) {
	script = append(script, t.values['e']...)
	for _, name := range t.values['f'] {
		r, ok := t.input(name)
		if !ok {
			return nil, false
		}
		text, _ := readAll(r)
		r.Close()
		script = append(script, strings.TrimSuffix(string(text), "\n"))
	}
	if len(script) == 0 {
		if len(t.args) == 0 {
			return nil, true
		}
		script, t.args = t.args[:1], t.args[1:]
	}
	return script, true
}

// editor is a running sed. It reads one line ahead, to know the last one.
type editor struct {
	*tool
	code   []sedCmd
	labels map[string]int
	quiet  bool

	names    []string // files still to be read
	cur      io.ReadCloser
	lines    *bufio.Reader
	ahead    string
	hasAhead bool

	pattern, hold string
	newline       bool // the current line had one
	number        int
	replaced      bool // since the last line or t
	after         []string
	restart       bool // D: begin again without a new line
	quit          bool
	exit          int
	files         map[string]afero.File
}

func (e *editor) closeFiles() {
	for _, f := range e.files {
		f.Close()
	}
}

// read takes the next line of the input; ok is false at its end.
func (e *editor) read() (line string, ok bool) {
	for {
		if e.lines == nil {
			if len(e.names) == 0 {
				return "", false
			}
			name := e.names[0]
			e.names = e.names[1:]
			if e.cur, ok = e.input(name); !ok {
				continue
			}
			e.lines = bufio.NewReader(e.cur)
		}
		line, err := readRecord(e.lines, '\n')
		if line != "" {
			return line, true
		}
		if err != io.EOF {
			e.readFailed(err)
		}
		e.cur.Close()
		e.lines = nil
	}
}

func (e *editor) next() (string, bool) {
	if e.hasAhead {
		e.hasAhead = false
		return e.ahead, true
	}
	return e.read()
}

func (e *editor) last() bool {
	if !e.hasAhead {
		e.ahead, e.hasAhead = e.read()
	}
	return !e.hasAhead
}

func (e *editor) run() {
	for !e.quit && !e.done() {
		if !e.restart {
			line, ok := e.next()
			if !ok {
				return
			}
			e.load(line)
		}
		e.restart = false
		e.cycle()
	}
}

func (e *editor) load(line string) {
	e.pattern, e.newline = strings.CutSuffix(line, "\n")
	e.number++
	e.replaced = false
}

// cycle runs the commands over the pattern space.
func (e *editor) cycle() {
	for pc := 0; pc < len(e.code) && e.ctx.Err() == nil; {
		if !e.holds() {
			return
		}
		c := &e.code[pc]
		if !e.selects(c) {
			pc = c.skip(pc)
			continue
		}
		switch next := e.do(c); next {
		case sedNext:
			pc++
		case sedEnd:
			e.finishCycle(true)
			return
		case sedDelete:
			e.finishCycle(false)
			return
		default:
			pc = next
		}
	}
	e.finishCycle(true)
}

// What a command leads to, beside a label's position.
const (
	sedNext = -1 - iota
	sedEnd
	sedDelete
)

func (e *editor) finishCycle(print bool) {
	if print && !e.quiet {
		e.put(e.pattern)
	}
	for _, text := range e.after {
		e.out.WriteString(text)
	}
	e.after = nil
}

func (e *editor) put(s string) {
	e.out.WriteString(s)
	if e.newline || !e.last() {
		e.out.WriteByte('\n')
	}
}

// selects says whether c's addresses hold for this line.
func (e *editor) selects(c *sedCmd) bool {
	ok := true
	switch {
	case c.to.kind != addrNone:
		ok = e.inRange(c)
	case c.from.kind != addrNone:
		ok = e.at(&c.from)
	}
	return ok != c.not
}

func (e *editor) at(a *address) bool {
	switch a.kind {
	case addrLine:
		return e.number == a.n
	case addrLast:
		return e.last()
	case addrStep:
		return a.step > 0 && e.number >= a.n && (e.number-a.n)%a.step == 0 || a.step <= 0 && e.number == a.n
	case addrRE:
		return a.re.MatchString(e.pattern)
	}
	return false
}

func (e *editor) inRange(c *sedCmd) bool {
	if c.active {
		switch {
		case c.to.kind == addrRE:
			c.active = !e.at(&c.to)
		case c.end > 0:
			c.active = e.number < c.end
			if e.number > c.end {
				return e.begins(c)
			}
		default:
			c.active = !e.at(&c.to)
		}
		return true
	}
	return e.begins(c)
}

func (e *editor) begins(c *sedCmd) bool {
	if c.from.kind == addrLine && c.from.n == 0 {
		if e.number != 1 {
			return false
		}
		c.active = !e.at(&c.to)
		return true
	}
	if !e.at(&c.from) {
		return false
	}
	c.active, c.end = true, 0
	switch c.to.kind {
	case addrLine:
		c.end = c.to.n
		c.active = e.number < c.end
	case addrPlus:
		c.end = e.number + c.to.n
		c.active = c.to.n > 0
	case addrLast:
		c.active = !e.last()
	}
	return true
}

// inPlace edits each file into a new one beside it, which then takes its
// name.
func (e *editor) inPlace() int {
	names := e.args
	for _, name := range names {
		e.editFile(name)
		if e.quit {
			break
		}
	}
	return e.exit
}

func (e *editor) editFile(name string) {
	st, err := e.stat(name)
	if err != nil {
		e.fail(name, err)
		return
	}
	tmp := name + "XXXXXX"
	f, err := e.FS.OpenFile(e.abs(tmp), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		e.errorf("%s: %s", tmp, reason(err))
		return
	}
	stdout := e.out
	e.out = bufio.NewWriter(f)
	e.names, e.number, e.hasAhead, e.quit = []string{name}, 0, false, false
	e.run()
	err = errors.Join(e.out.Flush(), f.Close())
	e.out = stdout
	e.FS.Chmod(e.abs(tmp), fs.FileMode(st.Mode&0o7777))
	e.FS.Chown(e.abs(tmp), int(st.UID), int(st.GID))
	if suffix := e.val('i'); suffix != "" {
		e.FS.Rename(e.abs(name), e.abs(name+suffix))
	}
	if err == nil {
		err = e.FS.Rename(e.abs(tmp), e.abs(name))
	}
	if err != nil {
		e.fail(name, err)
	}
}

// sedTool is sed with -i and its optional suffix.
func sedTool(t *tool) int {
	suffix, inPlace := "", false
	var args []string
	for i, arg := range t.args {
		if arg == "--" {
			args = append(args, t.args[i:]...)
			break
		}
		flags, rest, found := strings.Cut(arg, "i")
		if found && len(flags) > 0 && flags[0] == '-' && strings.Trim(flags[1:], "nrEs") == "" {
			suffix, inPlace = rest, true
			arg = flags
			if arg == "-" {
				continue
			}
		}
		args = append(args, arg)
	}
	var problem string
	t.options, t.args, problem = getopt("nrEse:f:i:", "quiet=n regexp-extended=E expression=e file=f", args)
	if problem != "" {
		t.errorf("%s", problem)
		return badUsage
	}
	if inPlace {
		t.options.order = append(t.options.order, 'i')
		t.options.values['i'] = []string{suffix}
	}
	return sed(t)
}
