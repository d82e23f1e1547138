package lessons

import "fmt"

// Phrase is something that the program itself says of a lesson, which can be
// told in each language. The zero value says nothing.
type Phrase struct {
	Format string // in English, as fmt has it; the key to its translations
	Args   []any  // a Phrase among them is told in the same language
}

// Say is a phrase.
func Say(format string, args ...any) Phrase { return Phrase{format, args} }

// Empty says whether the phrase says nothing.
func (p Phrase) Empty() bool { return p.Format == "" }

// String is the phrase in English.
func (p Phrase) String() string { return p.In(English) }

// In is the phrase in a language; what has no translation stays English.
func (p Phrase) In(lang string) string {
	format := p.Format
	if lang == Chinese {
		if zh, ok := chinese[format]; ok {
			format = zh
		}
	}
	args := make([]any, len(p.Args))
	for i, a := range p.Args {
		args[i] = a
		if inner, ok := a.(Phrase); ok {
			args[i] = inner.In(lang)
		}
	}
	return fmt.Sprintf(format, args...)
}

// layersOf is "1 layer", "2 layers".
func layersOf(n int) Phrase {
	if n == 1 {
		return Say("1 layer")
	}
	return Say("%d layers", n)
}

// some is the first few of all, or none.
func some(all []string, none Phrase) Phrase {
	const most = 5
	if len(all) == 0 {
		return none
	}
	text, rest := "", ""
	for i, s := range all {
		if i == most {
			rest = ", …"
			break
		}
		if i > 0 {
			text += ", "
		}
		text += s
	}
	return Say("%s", text+rest)
}
