package userland

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// lookup is the value of a variable or special parameter other than $@, $*.
func (in *interp) lookup(name string) (value string, set bool) {
	switch name {
	case "$":
		return strconv.Itoa(in.p.PID), true
	case "?":
		return strconv.Itoa(in.status), true
	case "#":
		return strconv.Itoa(len(in.params)), true
	case "-":
		return in.flags(), true
	case "!":
		id := in.lastJobID()
		return strconv.Itoa(id), id != 0
	case "0":
		return in.name, true
	case "@", "*":
		return strings.Join(in.params, " "), len(in.params) > 0
	case "RANDOM":
		return strconv.Itoa(int(in.random() % 32768)), true
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n > len(in.params) {
			return "", false
		}
		return in.params[n-1], true
	}
	v := in.vars[name]
	return v.value, v.set
}

func (in *interp) random() uint64 {
	if in.p.Rand == nil {
		return rand.Uint64()
	}
	return in.p.Rand()
}

// assign sets a variable; a read-only one ends the script.
func (in *interp) assign(name, value string) bool {
	v := in.vars[name]
	if v.readonly {
		in.abort("%s: is read only", name)
		return false
	}
	if !in.holds(len(name) + len(value)) {
		in.exhausted()
		return false
	}
	v.value, v.set = value, true
	v.exported = v.exported || in.opts['a']
	in.vars[name] = v
	return true
}

func (e *expansion) param(p *syntax.ParamExp, quoted bool) {
	name := p.Param.Value
	if name == "LINENO" {
		e.result(strconv.Itoa(int(p.Pos().Line())), quoted)
		return
	}
	if (name == "@" || name == "*") && p.Exp == nil && p.Repl == nil && p.Slice == nil && !p.Length {
		e.positional(e.in.params, name, quoted)
		return
	}
	value, set := e.in.lookup(name)
	if e.in.opts['u'] && !set && !isDefault(p) && name != "@" && name != "*" {
		e.fail("%s: parameter not set", name)
		return
	}
	switch {
	case p.Length && (name == "@" || name == "*"):
		e.result(strconv.Itoa(len(e.in.params)), quoted)
	case p.Length:
		e.result(strconv.Itoa(utf8.RuneCountInString(value)), quoted)
	case p.Slice != nil && (name == "@" || name == "*"):
		e.positionalSlice(p.Slice, name, quoted)
	case p.Slice != nil:
		e.slice(p.Slice, value, quoted)
	case p.Repl != nil:
		e.replace(p.Repl, value, quoted)
	case p.Exp != nil:
		e.operator(p, value, set, quoted)
	default:
		e.result(value, quoted)
	}
}

func isDefault(p *syntax.ParamExp) bool {
	if p.Exp == nil {
		return false
	}
	switch p.Exp.Op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull,
		syntax.ErrorUnset, syntax.ErrorUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return true
	}
	return false
}

// positional is $@ or $*: quoted "$@" is one field for each element.
func (e *expansion) positional(params []string, name string, quoted bool) {
	if quoted && (name == "*" || !e.split) || !e.split {
		sep := " "
		if v := e.in.vars["IFS"]; v.set && name == "*" {
			sep = v.value[:min(1, len(v.value))]
		}
		e.add(strings.Join(params, sep), quoted)
		return
	}
	for i, param := range params {
		if i > 0 {
			e.end()
		}
		e.result(param, quoted)
	}
}

func (e *expansion) positionalSlice(s *syntax.Slice, name string, quoted bool) {
	all := append([]string{e.in.name}, e.in.params...)
	from, to, ok := e.bounds(s, len(all))
	if ok {
		e.positional(slices.Clone(all[from:to]), name, quoted)
	}
}

func (e *expansion) slice(s *syntax.Slice, value string, quoted bool) {
	runes := []rune(asRunes(value))
	from, to, ok := e.bounds(s, len(runes))
	if ok {
		e.result(asBytes(string(runes[from:to])), quoted)
	}
}

// bounds are where ${x:offset:length} begins and ends in n elements.
func (e *expansion) bounds(s *syntax.Slice, n int) (from, to int, ok bool) {
	to = n
	offset, err := e.in.arith(s.Offset)
	if err == nil {
		from = int(offset)
		if from < 0 {
			from = max(0, n+from)
		}
		from = min(from, n)
		if s.Length != nil {
			var length int64
			if length, err = e.in.arith(s.Length); length < 0 {
				to = max(from, n+int(length))
			} else {
				to = min(n, from+int(length))
			}
		}
	}
	if err != nil {
		e.failed(err)
	}
	return from, to, err == nil
}

func (e *expansion) replace(r *syntax.Replace, value string, quoted bool) {
	pat, ok1 := e.in.pattern(r.Orig)
	with, ok2 := "", true
	if r.With != nil {
		with, ok2 = e.in.literal(r.With)
	}
	if !ok1 || !ok2 {
		e.err = errAborted
		return
	}
	replaced, ok := replacePattern(value, pat, with, r.All)
	if !ok {
		e.err = errAborted
		e.in.exhausted()
		return
	}
	e.result(replaced, quoted)
}

// replacePattern says too whether there is room for what comes out.
func replacePattern(s, pat, with string, all bool) (string, bool) {
	anchor := byte(0)
	if pat != "" && (pat[0] == '#' || pat[0] == '%') {
		anchor, pat = pat[0], pat[1:]
	}
	if pat == "" {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() <= memoryMax; {
		n := longest(pat, s[i:], anchor == '%')
		if n <= 0 {
			if anchor == '#' {
				return s, true
			}
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(with)
		i += n
		if !all {
			b.WriteString(s[i:])
			break
		}
	}
	return b.String(), b.Len() <= memoryMax
}

// longest is the length of the longest start of s that fits pat; with whole,
// only all of s counts.
func longest(pat, s string, whole bool) int {
	for n := len(s); n > 0; n-- {
		if match(pat, s[:n]) {
			return n
		}
		if whole {
			break
		}
	}
	return 0
}

func (e *expansion) operator(p *syntax.ParamExp, value string, set, quoted bool) {
	name, word := p.Param.Value, p.Exp.Word
	switch p.Exp.Op {
	case syntax.AlternateUnsetOrNull, syntax.DefaultUnsetOrNull, syntax.ErrorUnsetOrNull, syntax.AssignUnsetOrNull:
		set = set && value != ""
	}
	switch p.Exp.Op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		if set {
			e.nested(word, quoted)
		}
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		if set {
			e.value(name, value, quoted)
		} else {
			e.nested(word, quoted)
		}
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		if set {
			e.value(name, value, quoted)
		} else {
			e.unset(name, word, p.Exp.Op == syntax.ErrorUnsetOrNull)
		}
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		e.assignDefault(name, value, word, set, quoted)
	default:
		e.trim(p.Exp.Op, value, word, quoted)
	}
}

func (e *expansion) value(name, value string, quoted bool) {
	if name == "@" || name == "*" {
		e.positional(e.in.params, name, quoted)
		return
	}
	e.result(value, quoted)
}

// nested expands the word of ${x-word} in place.
func (e *expansion) nested(word *syntax.Word, quoted bool) {
	if word == nil {
		return
	}
	parts := word.Parts
	if lit, ok := parts[0].(*syntax.Lit); ok && !quoted {
		if home, rest, ok := e.in.tilde(lit.Value, len(parts) == 1); ok {
			e.add(home, true)
			parts = append([]syntax.WordPart{&syntax.Lit{Value: rest}}, parts[1:]...)
		}
	}
	e.parts(parts, quoted, e.split)
}

func (e *expansion) unset(name string, word *syntax.Word, null bool) {
	text, ok := e.in.literal(word)
	switch {
	case !ok:
		e.err = errAborted
	case text == "" && null:
		e.fail("%s: parameter not set or null", name)
	case text == "":
		e.fail("%s: parameter not set", name)
	default:
		e.fail("%s: %s", name, text)
	}
}

func (e *expansion) assignDefault(name, value string, word *syntax.Word, set, quoted bool) {
	if !set {
		var ok bool
		if !syntax.ValidName(name) {
			e.fail("%s: bad variable name", name)
			return
		}
		if value, ok = e.in.literal(word); !ok || !e.in.assign(name, value) {
			e.err = errAborted
			return
		}
	}
	e.result(value, quoted)
}

// trim is ${x#pat}, ${x##pat}, ${x%pat} and ${x%%pat}.
func (e *expansion) trim(op syntax.ParExpOperator, value string, word *syntax.Word, quoted bool) {
	pat, ok := e.in.pattern(word)
	if !ok {
		e.err = errAborted
		return
	}
	switch op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix:
		value = trimPrefix(value, pat, op == syntax.RemLargePrefix)
	case syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		value = trimSuffix(value, pat, op == syntax.RemLargeSuffix)
	default:
		e.fail("bad substitution")
		return
	}
	e.result(value, quoted)
}

func trimPrefix(s, pat string, large bool) string {
	for i := range len(s) + 1 {
		n := i
		if large {
			n = len(s) - i
		}
		if match(pat, s[:n]) {
			return s[n:]
		}
	}
	return s
}

func trimSuffix(s, pat string, large bool) string {
	for i := range len(s) + 1 {
		n := len(s) - i
		if large {
			n = i
		}
		if match(pat, s[n:]) {
			return s[:n]
		}
	}
	return s
}
