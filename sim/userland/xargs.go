package userland

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// xargs runs a command with operands read from standard input.
func xargs(t *tool) int {
	command := t.args
	if len(command) == 0 {
		command = []string{"echo"}
	}
	x := &xargsRun{tool: t, command: command}
	if t.has('I') || t.has('i') {
		return x.replace()
	}
	limit := 1000
	if t.has('n') {
		n, err := strconv.Atoi(t.val('n'))
		if err != nil || n < 1 {
			return t.errorf("invalid number '%s'", t.val('n'))
		}
		limit = n
	}
	var batch []string
	ran := false
	for word, ok := x.next(); ok && !x.stop; word, ok = x.next() {
		if batch = append(batch, word); len(batch) >= limit {
			x.run(append(append([]string{}, command...), batch...))
			batch, ran = nil, true
		}
	}
	if !x.stop && (len(batch) > 0 || !ran && !t.has('r')) {
		x.run(append(append([]string{}, command...), batch...))
	}
	return x.status
}

type xargsRun struct {
	*tool
	command []string
	words   *bufio.Reader
	status  int
	stop    bool
}

func (x *xargsRun) run(args []string) {
	if x.has('t') {
		x.Stderr.Write([]byte(strings.Join(args, " ") + "\n"))
	}
	x.out.Flush()
	child := x.child(args)
	child.Stdin = strings.NewReader("")
	status, err := x.spawn(x.ctx, child)
	switch {
	case err != nil:
		x.fail(args[0], err)
		x.status, x.stop = cannotStatus(err), true
	case status == 255:
		x.errorf("%s: exited with status 255; aborting", args[0])
		x.status, x.stop = 124, true
	case status != 0:
		x.status = 123
	}
	if x.ctx.Err() != nil {
		x.stop = true
	}
}

// replace runs the command once for each line, put in the place of -I's text.
func (x *xargsRun) replace() int {
	mark := x.val('I')
	if mark == "" {
		mark = "{}"
	}
	end := byte('\n')
	if x.has('0') {
		end = 0
	}
	eachRecord(x.in, end, func(line string, _ bool) bool {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return true
		}
		var args []string
		for _, arg := range x.command {
			args = append(args, strings.ReplaceAll(arg, mark, line))
		}
		x.run(args)
		return !x.stop
	})
	return x.status
}

// next is the next word of the input, by NUL or by blanks with quotes.
func (x *xargsRun) next() (string, bool) {
	if x.words == nil {
		x.words = bufio.NewReader(x.in)
	}
	if x.has('0') {
		s, err := readRecord(x.words, 0)
		return strings.TrimSuffix(s, "\x00"), err == nil || s != ""
	}
	var b strings.Builder
	inWord := false
	var quote byte
	for {
		c, err := x.words.ReadByte()
		switch {
		case err == io.EOF || err != nil:
			return b.String(), inWord
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == '\\':
			c, _ = x.words.ReadByte()
			b.WriteByte(c)
			inWord = true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				return b.String(), true
			}
		default:
			b.WriteByte(c)
			inWord = true
		}
	}
}
