package userland

import (
	"fmt"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// test is test(1) and [ … ].
func test(t *tool) int {
	args := t.args
	if t.Args[0] == "[" || strings.HasSuffix(t.Args[0], "/[") {
		if len(args) == 0 || args[len(args)-1] != "]" {
			t.errorf("missing ]")
			return 2
		}
		args = args[:len(args)-1]
	}
	p := testParser{t: t, args: args}
	ok, err := p.whole()
	if err != nil {
		t.errorf("%s", err)
		return 2
	}
	return oneIf(!ok)
}

// testParser evaluates a test expression. POSIX decides by the number of
// arguments where there are up to four.
type testParser struct {
	t    *tool
	args []string
}

func (p *testParser) whole() (bool, error) {
	switch len(p.args) {
	case 0:
		return false, nil
	case 1:
		return p.args[0] != "", nil
	case 2:
		if p.args[0] == "!" {
			return p.args[1] == "", nil
		}
	case 3:
		if isBinary(p.args[1]) {
			return p.t.testBinary(p.args[0], p.args[1], p.args[2])
		}
	case 4:
		if p.args[0] == "!" && isBinary(p.args[2]) {
			ok, err := p.t.testBinary(p.args[1], p.args[2], p.args[3])
			return !ok, err
		}
	}
	ok, err := p.or()
	if err == nil && len(p.args) > 0 {
		err = fmt.Errorf("%s: unknown operand", p.args[0])
	}
	return ok, err
}

func (p *testParser) peek() string {
	if len(p.args) == 0 {
		return ""
	}
	return p.args[0]
}

func (p *testParser) next() (string, error) {
	if len(p.args) == 0 {
		return "", fmt.Errorf("argument expected")
	}
	arg := p.args[0]
	p.args = p.args[1:]
	return arg, nil
}

func (p *testParser) or() (bool, error) {
	ok, err := p.and()
	for err == nil && p.peek() == "-o" {
		p.args = p.args[1:]
		var right bool
		right, err = p.and()
		ok = ok || right
	}
	return ok, err
}

func (p *testParser) and() (bool, error) {
	ok, err := p.not()
	for err == nil && p.peek() == "-a" {
		p.args = p.args[1:]
		var right bool
		right, err = p.not()
		ok = ok && right
	}
	return ok, err
}

func (p *testParser) not() (bool, error) {
	if p.peek() == "!" && len(p.args) > 1 {
		p.args = p.args[1:]
		ok, err := p.not()
		return !ok, err
	}
	return p.primary()
}

func (p *testParser) primary() (bool, error) {
	arg, err := p.next()
	switch {
	case err != nil:
		return false, err
	case arg == "(" && len(p.args) > 1:
		ok, err := p.or()
		if end, nerr := p.next(); err == nil && (nerr != nil || end != ")") {
			err = fmt.Errorf("closing paren expected")
		}
		return ok, err
	case len(p.args) > 1 && isBinary(p.args[0]):
		op, right := p.args[0], p.args[1]
		p.args = p.args[2:]
		return p.t.testBinary(arg, op, right)
	case isUnary(arg) && len(p.args) > 0:
		operand, _ := p.next()
		return p.t.testUnary(arg, operand)
	}
	return arg != "", nil
}

func isUnary(s string) bool {
	return len(s) == 2 && s[0] == '-' && strings.IndexByte("bcdefghkLnprSstuwxzOGN", s[1]) >= 0
}

func isBinary(s string) bool {
	switch s {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (t *tool) testUnary(op, arg string) (bool, error) {
	switch op[1] {
	case 'n':
		return arg != "", nil
	case 'z':
		return arg == "", nil
	case 't':
		n, err := strconv.Atoi(arg)
		return n == 0 && t.Terminal, numberError(arg, err)
	case 'r', 'w', 'x':
		mode := map[byte]uint32{'r': 4, 'w': 2, 'x': 1}[op[1]]
		return arg != "" && t.FS.Access(t.abs(arg), mode) == nil, nil
	case 'h', 'L':
		st, err := t.lstat(arg)
		return err == nil && st.Mode&fs.S_IFMT == fs.S_IFLNK, nil
	}
	st, err := t.stat(arg)
	if err != nil {
		return false, nil
	}
	return t.testStat(op[1], st), nil
}

func (t *tool) testStat(op byte, st *fs.Stat) bool {
	kind := st.Mode & fs.S_IFMT
	switch op {
	case 'e':
		return true
	case 'f':
		return kind == fs.S_IFREG
	case 'd':
		return kind == fs.S_IFDIR
	case 'b':
		return kind == fs.S_IFBLK
	case 'c':
		return kind == fs.S_IFCHR
	case 'p':
		return kind == fs.S_IFIFO
	case 'S':
		return kind == fs.S_IFSOCK
	case 's':
		return st.Size > 0
	case 'u':
		return st.Mode&fs.S_ISUID != 0
	case 'g':
		return st.Mode&fs.S_ISGID != 0
	case 'k':
		return st.Mode&fs.S_ISVTX != 0
	case 'O':
		return int(st.UID) == t.UID
	case 'G':
		return int(st.GID) == t.GID
	}
	return st.Mtime.After(st.Atime) // N
}

func numberError(arg string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: bad number", arg)
	}
	return nil
}

func (t *tool) testBinary(left, op, right string) (bool, error) {
	switch op {
	case "=", "==":
		return left == right, nil
	case "!=":
		return left != right, nil
	case "<":
		return left < right, nil
	case ">":
		return left > right, nil
	case "-nt", "-ot", "-ef":
		return t.testFiles(left, op, right), nil
	}
	a, err := strconv.ParseInt(strings.TrimSpace(left), 10, 64)
	if err != nil {
		return false, numberError(left, err)
	}
	b, err := strconv.ParseInt(strings.TrimSpace(right), 10, 64)
	if err != nil {
		return false, numberError(right, err)
	}
	switch op {
	case "-eq":
		return a == b, nil
	case "-ne":
		return a != b, nil
	case "-lt":
		return a < b, nil
	case "-le":
		return a <= b, nil
	case "-gt":
		return a > b, nil
	case "-ge":
		return a >= b, nil
	}
	return false, fmt.Errorf("%s: unknown operand", op)
}

func (t *tool) testFiles(left, op, right string) bool {
	a, err1 := t.stat(left)
	b, err2 := t.stat(right)
	if err1 != nil || err2 != nil {
		return false
	}
	switch op {
	case "-nt":
		return a.Mtime.After(b.Mtime)
	case "-ot":
		return b.Mtime.After(a.Mtime)
	}
	return sameFile(a, b)
}
