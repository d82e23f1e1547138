package userland

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

var (
	errExprSyntax  = errors.New("syntax error")
	errNotANumber  = errors.New("non-numeric argument")
	errExprByZero  = errors.New("division by zero")
	exprPrecedence = []map[string]bool{
		{"|": true}, {"&": true},
		{"=": true, "==": true, "!=": true, "<": true, "<=": true, ">": true, ">=": true},
		{"+": true, "-": true}, {"*": true, "/": true, "%": true}, {":": true},
	}
)

// expr evaluates an expression given word by word.
func expr(t *tool) int {
	if len(t.args) == 0 {
		t.errorf("too few arguments")
		return 2
	}
	p := exprParser{args: t.args}
	v, err := p.level(0)
	if err == nil && len(p.args) > 0 {
		err = errExprSyntax
	}
	if err != nil {
		t.errorf("%s", err)
		return 2
	}
	t.println(v)
	return oneIf(isNull(v))
}

func isNull(v string) bool {
	n, err := strconv.ParseInt(v, 10, 64)
	return v == "" || err == nil && n == 0
}

type exprParser struct{ args []string }

// level parses what binds at least as tightly as exprPrecedence[n].
func (p *exprParser) level(n int) (string, error) {
	if n == len(exprPrecedence) {
		return p.operand()
	}
	left, err := p.level(n + 1)
	for err == nil && len(p.args) > 0 && exprPrecedence[n][p.args[0]] {
		op := p.args[0]
		p.args = p.args[1:]
		var right string
		if right, err = p.level(n + 1); err == nil {
			left, err = exprApply(left, op, right)
		}
	}
	return left, err
}

func (p *exprParser) next() (string, error) {
	if len(p.args) == 0 {
		return "", errExprSyntax
	}
	arg := p.args[0]
	p.args = p.args[1:]
	return arg, nil
}

func (p *exprParser) operand() (string, error) {
	arg, err := p.next()
	if err != nil {
		return "", err
	}
	switch arg {
	case "(":
		v, err := p.level(0)
		if end, nerr := p.next(); err == nil && (nerr != nil || end != ")") {
			err = errExprSyntax
		}
		return v, err
	case "length":
		s, err := p.operand()
		return strconv.Itoa(utf8.RuneCountInString(s)), err
	case "quote":
		return p.next()
	case "match", "index", "substr":
		return p.function(arg)
	}
	return arg, nil
}

func (p *exprParser) function(name string) (string, error) {
	s, err1 := p.operand()
	a, err2 := p.operand()
	if err := errors.Join(err1, err2); err != nil {
		return "", errExprSyntax
	}
	switch name {
	case "match":
		return exprMatch(s, a)
	case "index":
		for i := range len(s) {
			if containsByte(a, s[i]) {
				return strconv.Itoa(i + 1), nil
			}
		}
		return "0", nil
	}
	b, err := p.operand()
	from, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if err != nil || err1 != nil || err2 != nil || from < 1 || n < 1 || from > len(s) {
		return "", err
	}
	return s[from-1 : min(len(s), from-1+n)], nil
}

func containsByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

func exprApply(left, op, right string) (string, error) {
	switch op {
	case "|":
		if isNull(left) {
			return right, nil
		}
		return left, nil
	case "&":
		if isNull(left) || isNull(right) {
			return "0", nil
		}
		return left, nil
	case ":":
		return exprMatch(left, right)
	}
	a, err1 := strconv.ParseInt(left, 10, 64)
	b, err2 := strconv.ParseInt(right, 10, 64)
	if exprPrecedence[2][op] {
		return exprCompare(left, op, right, a, b, err1 == nil && err2 == nil), nil
	}
	if err1 != nil || err2 != nil {
		return "", errNotANumber
	}
	return exprCalc(a, op, b)
}

func exprCompare(left, op, right string, a, b int64, numbers bool) string {
	less, equal := left < right, left == right
	if numbers {
		less, equal = a < b, a == b
	}
	ok := map[string]bool{
		"=": equal, "==": equal, "!=": !equal, "<": less, "<=": less || equal, ">": !less && !equal, ">=": !less,
	}[op]
	return strconv.Itoa(oneIf(ok))
}

func exprCalc(a int64, op string, b int64) (string, error) {
	n := a
	switch op {
	case "+":
		n = a + b
	case "-":
		n = a - b
	case "*":
		n = a * b
	default:
		if b == 0 {
			return "", errExprByZero
		}
		if b == -1 {
			n = map[string]int64{"/": -a, "%": 0}[op]
		} else {
			n = map[string]int64{"/": a / b, "%": a % b}[op]
		}
	}
	return strconv.FormatInt(n, 10), nil
}

// exprMatch is the length of what pat matches at the start of s, or its first
// group.
func exprMatch(s, pat string) (string, error) {
	re, err := compileRE("^"+pat, false, false)
	if err != nil {
		return "", err
	}
	m := re.FindStringSubmatch(s)
	switch {
	case re.groups > 0 && m == nil:
		return "", nil
	case re.groups > 0:
		return m[1], nil
	case m == nil:
		return "0", nil
	}
	return strconv.Itoa(utf8.RuneCountInString(m[0])), nil
}
