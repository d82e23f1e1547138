package userland

import (
	"errors"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

var (
	errDivide = errors.New("divide by zero")
	errArith  = errors.New("arithmetic syntax error")
)

const arithDepth = 100

// arith evaluates the expression of $(( … )).
func (in *interp) arith(x syntax.ArithmExpr) (int64, error) {
	a := arithmetic{in: in}
	if text, ok := expandedText(x); ok {
		doc, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Document(strings.NewReader(text))
		if err != nil {
			return 0, errArith
		}
		text, ok = in.document(doc, false, false)
		if !ok {
			return 0, errAborted
		}
		n := a.text(text)
		return n, a.err
	}
	n := a.eval(x)
	return n, a.err
}

// expandedText is the text of an expression in which something is expanded
// before it is parsed, as POSIX has it: "$x * 2" where x is "1 + 1".
func expandedText(x syntax.ArithmExpr) (string, bool) {
	if x == nil {
		return "", false
	}
	found := false
	syntax.Walk(x, func(node syntax.Node) bool {
		switch node.(type) {
		case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp:
			found = true
		}
		return !found
	})
	if !found {
		return "", false
	}
	var b strings.Builder
	syntax.NewPrinter().Print(&b, &syntax.Word{Parts: []syntax.WordPart{&syntax.ArithmExp{X: x}}})
	text := strings.TrimSuffix(strings.TrimPrefix(b.String(), "$(("), "))")
	return strings.ReplaceAll(text, `"`, ""), true
}

type arithmetic struct {
	in    *interp
	depth int
	err   error
}

func (a *arithmetic) eval(x syntax.ArithmExpr) int64 {
	if a.err != nil {
		return 0
	}
	switch x := x.(type) {
	case nil:
		return 0
	case *syntax.Word:
		return a.word(x)
	case *syntax.ParenArithm:
		return a.eval(x.X)
	case *syntax.UnaryArithm:
		return a.unary(x)
	case *syntax.BinaryArithm:
		return a.binary(x)
	}
	return a.bad(errArith)
}

func (a *arithmetic) bad(err error) int64 {
	if a.err == nil {
		a.err = err
	}
	return 0
}

// word is a number, a variable's name, or the text of an expansion, which is
// an expression of its own.
func (a *arithmetic) word(w *syntax.Word) int64 {
	if name := w.Lit(); syntax.ValidName(name) {
		value, set := a.in.lookup(name)
		if !set && a.in.opts['u'] {
			return a.bad(errors.New(name + ": parameter not set"))
		}
		return a.text(value)
	}
	s, ok := a.in.literal(w)
	if !ok {
		return a.bad(errAborted)
	}
	return a.text(s)
}

func (a *arithmetic) text(s string) int64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if n, ok := number(s); ok {
		return n
	}
	a.depth++
	defer func() { a.depth-- }()
	if a.depth > arithDepth {
		return a.bad(errors.New("expression recursion loop detected"))
	}
	x, err := syntax.NewParser().Arithmetic(strings.NewReader(s))
	if err != nil {
		return a.bad(errArith)
	}
	if w, ok := x.(*syntax.Word); ok && !syntax.ValidName(w.Lit()) {
		return a.bad(errArith)
	}
	return a.eval(x)
}

// number reads 10, 010, 0x10, 2#10.
func number(s string) (int64, bool) {
	base := 10
	switch digits, rest, hasBase := strings.Cut(s, "#"); {
	case hasBase:
		b, err := strconv.Atoi(digits)
		if err != nil || b < 2 || b > 36 {
			return 0, false
		}
		base, s = b, rest
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X"):
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, s = 8, s[1:]
	}
	if s == "" || s[0] == '+' || s[0] == '-' && base != 10 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		u, uerr := strconv.ParseUint(s, base, 64)
		return int64(u), uerr == nil
	}
	return n, true
}

func (a *arithmetic) unary(x *syntax.UnaryArithm) int64 {
	switch x.Op {
	case syntax.Inc, syntax.Dec:
		return a.step(x)
	case syntax.Not:
		return int64(oneIf(a.eval(x.X) == 0))
	case syntax.BitNegation:
		return ^a.eval(x.X)
	case syntax.Minus:
		return -a.eval(x.X)
	}
	return a.eval(x.X)
}

func (a *arithmetic) step(x *syntax.UnaryArithm) int64 {
	name := nameOf(x.X)
	old := a.eval(x.X)
	n := old + 1
	if x.Op == syntax.Dec {
		n = old - 1
	}
	a.set(name, n)
	if x.Post {
		return old
	}
	return n
}

func nameOf(x syntax.ArithmExpr) string {
	if w, ok := x.(*syntax.Word); ok {
		return w.Lit()
	}
	return ""
}

func (a *arithmetic) set(name string, n int64) int64 {
	switch {
	case a.err != nil:
	case !syntax.ValidName(name):
		a.bad(errArith)
	case !a.in.assign(name, strconv.FormatInt(n, 10)):
		a.bad(errAborted)
	}
	return n
}

func (a *arithmetic) binary(x *syntax.BinaryArithm) int64 {
	switch x.Op {
	case syntax.AndArit:
		return int64(oneIf(a.eval(x.X) != 0 && a.eval(x.Y) != 0))
	case syntax.OrArit:
		return int64(oneIf(a.eval(x.X) != 0 || a.eval(x.Y) != 0))
	case syntax.TernQuest:
		return a.ternary(x)
	case syntax.Assgn:
		return a.set(nameOf(x.X), a.eval(x.Y))
	}
	if op, ok := assignOps[x.Op]; ok {
		return a.set(nameOf(x.X), a.calc(op, a.eval(x.X), a.eval(x.Y)))
	}
	return a.calc(x.Op, a.eval(x.X), a.eval(x.Y))
}

func (a *arithmetic) ternary(x *syntax.BinaryArithm) int64 {
	branches, ok := x.Y.(*syntax.BinaryArithm)
	switch {
	case !ok || branches.Op != syntax.TernColon:
		return a.bad(errArith)
	case a.eval(x.X) != 0:
		return a.eval(branches.X)
	}
	return a.eval(branches.Y)
}

var assignOps = map[syntax.BinAritOperator]syntax.BinAritOperator{
	syntax.AddAssgn: syntax.Add, syntax.SubAssgn: syntax.Sub, syntax.MulAssgn: syntax.Mul,
	syntax.QuoAssgn: syntax.Quo, syntax.RemAssgn: syntax.Rem, syntax.AndAssgn: syntax.And,
	syntax.OrAssgn: syntax.Or, syntax.XorAssgn: syntax.Xor, syntax.ShlAssgn: syntax.Shl,
	syntax.ShrAssgn: syntax.Shr,
}

func (a *arithmetic) calc(op syntax.BinAritOperator, x, y int64) int64 {
	switch op {
	case syntax.Add:
		return x + y
	case syntax.Sub:
		return x - y
	case syntax.Mul:
		return x * y
	case syntax.Quo, syntax.Rem:
		return a.divide(op, x, y)
	case syntax.Pow:
		return a.power(x, y)
	case syntax.And:
		return x & y
	case syntax.Or:
		return x | y
	case syntax.Xor:
		return x ^ y
	case syntax.Shl:
		return x << (uint64(y) & 63)
	case syntax.Shr:
		return x >> (uint64(y) & 63)
	case syntax.Comma:
		return y
	}
	return int64(oneIf(a.compare(op, x, y)))
}

func (a *arithmetic) compare(op syntax.BinAritOperator, x, y int64) bool {
	switch op {
	case syntax.Eql:
		return x == y
	case syntax.Neq:
		return x != y
	case syntax.Lss:
		return x < y
	case syntax.Leq:
		return x <= y
	case syntax.Gtr:
		return x > y
	case syntax.Geq:
		return x >= y
	}
	a.bad(errArith)
	return false
}

func (a *arithmetic) divide(op syntax.BinAritOperator, x, y int64) int64 {
	switch {
	case y == 0:
		return a.bad(errDivide)
	case y == -1 && op == syntax.Quo:
		return -x
	case y == -1:
		return 0
	case op == syntax.Quo:
		return x / y
	}
	return x % y
}

func (a *arithmetic) power(x, y int64) int64 {
	if y < 0 {
		return a.bad(errors.New("exponent less than 0"))
	}
	n := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 != 0 {
			n *= x
		}
		x *= x
	}
	return n
}
