package fs

import (
	"fmt"
	"slices"
	"sync"
)

// Phrase is something said to a learner: the key of a text that the catalogs
// of package say have in each language, and what fills the text's blanks. The
// zero Phrase says nothing.
//
// A phrase is declared once, as a variable of its package, by the function of
// as many blanks as it has: [P0] is a phrase, [P1] to [P5] make one of what
// they are given.
//
//	var sayCopiedUp = fs.P3("union.copied-up")
//	... sayCopiedUp(what, layer, why) ...
//
// So the compiler counts the blanks, and a test finds every phrase that has
// no text.
type Phrase struct {
	Key  string `json:"key"`
	Args []any  `json:"args,omitempty"` // strings, ints, and Phrases: those are told in the same language
}

// Empty says whether the phrase says nothing.
func (p Phrase) Empty() bool { return p.Key == "" }

// Or is the phrase or, where it says nothing, another.
func (p Phrase) Or(other Phrase) Phrase {
	if p.Empty() {
		return other
	}
	return p
}

// Map is the phrase with every string that fills a blank changed by f.
func (p Phrase) Map(f func(string) string) Phrase {
	args := slices.Clone(p.Args)
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = f(a)
		case Phrase:
			args[i] = a.Map(f)
		}
	}
	return Phrase{p.Key, args}
}

// Equal says whether both say the same.
func (p Phrase) Equal(o Phrase) bool {
	return p.Key == o.Key && slices.EqualFunc(p.Args, o.Args, sameArg)
}

func sameArg(a, b any) bool {
	p, inner := a.(Phrase)
	q, too := b.(Phrase)
	if inner && too {
		return p.Equal(q)
	}
	return !inner && !too && fmt.Sprint(a) == fmt.Sprint(b) // whatever kind of int
}

// P0 declares a phrase without blanks.
func P0(key string) Phrase { return declare(key, 0)() }

// P1 declares a phrase with one blank.
func P1(key string) func(a any) Phrase {
	p := declare(key, 1)
	return func(a any) Phrase { return p(a) }
}

// P2 declares a phrase with two blanks.
func P2(key string) func(a, b any) Phrase {
	p := declare(key, 2)
	return func(a, b any) Phrase { return p(a, b) }
}

// P3 declares a phrase with three blanks.
func P3(key string) func(a, b, c any) Phrase {
	p := declare(key, 3)
	return func(a, b, c any) Phrase { return p(a, b, c) }
}

// P4 declares a phrase with four blanks.
func P4(key string) func(a, b, c, d any) Phrase {
	p := declare(key, 4)
	return func(a, b, c, d any) Phrase { return p(a, b, c, d) }
}

// P5 declares a phrase with five blanks.
func P5(key string) func(a, b, c, d, e any) Phrase {
	p := declare(key, 5)
	return func(a, b, c, d, e any) Phrase { return p(a, b, c, d, e) }
}

// Declaration is a phrase that a package of the program can say.
type Declaration struct {
	Key    string
	Blanks int
}

var declared struct {
	sync.Mutex
	all []Declaration
}

func declare(key string, blanks int) func(args ...any) Phrase {
	declared.Lock()
	defer declared.Unlock()
	declared.all = append(declared.all, Declaration{key, blanks})
	return func(args ...any) Phrase { return Phrase{key, args} }
}

// Declared are all phrases that the program can say.
func Declared() []Declaration {
	declared.Lock()
	defer declared.Unlock()
	return slices.Clone(declared.all)
}
