// Package say has the texts that the program says to a learner, in every
// language.
//
// What is said is a [Phrase]: a key, and what fills the blanks of its text.
// It becomes text only where a person reads it, by [In]; until then nothing
// depends on how it is worded. What docker prints is docker's, in English, and
// no phrase.
//
// A language is a directory beside this file, with files of lines
//
//	# a comment
//	union.copied-up = %s is in %s, which is read-only: %s
//
// A blank is %s, or %[2]s where the order is not that of English; a percent
// sign is %%. A text that begins or ends with a space is quoted as in Go.
// English (en) has every key; a test holds the other languages to it, and
// every phrase of the program to a text.
package say

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	layers "twinlayer/fs"
)

// Phrase is something said to a learner; see [layers.Phrase].
type Phrase = layers.Phrase

// P0 to P5 declare a phrase with so many blanks, as a variable of the package
// that says it; see [layers.Phrase].
var (
	P0 = layers.P0
	P1 = layers.P1
	P2 = layers.P2
	P3 = layers.P3
	P4 = layers.P4
	P5 = layers.P5
)

// Verbatim is a text that is the same in every language: a name, or what
// another program says.
var Verbatim = P1("verbatim")

// English is the language that every phrase has.
const English = "en"

//go:embed */*.txt
var files embed.FS

// catalog is a language's texts by their keys.
type catalog map[string]string

var catalogs = sync.OnceValue(func() map[string]catalog {
	all, err := read(files)
	if err != nil {
		panic(err) // a test reads the same files
	}
	return all
})

// Languages are the languages that the program speaks, English first.
func Languages() []string {
	dirs, err := files.ReadDir(".")
	if err != nil {
		panic(err) // they are part of the program
	}
	out := []string{English}
	for _, d := range dirs {
		if d.Name() != English {
			out = append(out, d.Name())
		}
	}
	return out
}

// In is the phrase as text in a language; a language that is none of
// [Languages] is English.
func In(lang string, p Phrase) string {
	if p.Empty() {
		return ""
	}
	text, ok := catalogs()[lang][p.Key]
	if !ok {
		text, ok = catalogs()[English][p.Key]
	}
	args := make([]any, len(p.Args))
	for i, a := range p.Args {
		args[i] = a
		if inner, ok := a.(Phrase); ok {
			args[i] = In(lang, inner)
		}
	}
	if !ok {
		return strings.TrimSpace(p.Key + " " + strings.Trim(fmt.Sprint(args), "[]"))
	}
	return fill(text, args)
}

// fill puts args into the blanks of a text.
func fill(text string, args []any) string {
	for i, a := range args {
		args[i] = fmt.Sprint(a)
	}
	return fmt.Sprintf(text, args...)
}

// Text is the phrase in English.
func Text(p Phrase) string { return In(English, p) }

// Decoded is a phrase that encoding/json has read, as it was when it was
// written: a phrase in a blank comes as a map, and an int as a float64.
func Decoded(p Phrase) Phrase {
	out := Phrase{Key: p.Key}
	for _, a := range p.Args {
		switch v := a.(type) {
		case map[string]any:
			key, _ := v["key"].(string)
			args, _ := v["args"].([]any)
			a = Decoded(Phrase{Key: key, Args: args})
		case float64:
			a = int64(v)
		}
		out.Args = append(out.Args, a)
	}
	return out
}

// Error is an error that has its text in every language.
type Error struct{ Phrase Phrase }

func (e *Error) Error() string { return Text(e.Phrase) }

// read reads the catalogs of all languages.
func read(files fs.FS) (map[string]catalog, error) {
	names, err := fs.Glob(files, "*/*.txt")
	if err != nil {
		return nil, err
	}
	all := map[string]catalog{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		lang := path.Dir(name)
		if all[lang] == nil {
			all[lang] = catalog{}
		}
		if err := all[lang].add(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// add adds the lines of a file.
func (c catalog) add(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, text, err := parse(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if _, known := c[key]; known {
			return fmt.Errorf("line %d: a second text for %s", n, key)
		}
		c[key] = text
	}
	return nil
}

// parse reads a line "key = text".
func parse(line string) (key, text string, err error) {
	key, text, ok := strings.Cut(line, "=")
	key, text = strings.TrimSpace(key), strings.TrimSpace(text)
	if !ok || key == "" || text == "" || strings.ContainsAny(key, " \t") {
		return "", "", fmt.Errorf("%q is not: key = text", line)
	}
	if len(text) > 1 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
		if text, err = strconv.Unquote(text); err != nil {
			return "", "", fmt.Errorf("%s: the text is not quoted as in Go", key)
		}
	}
	_, err = blanks(text)
	return key, text, err
}

// blanks are the numbers of the arguments that a text's blanks take, in order
// of the numbers.
func blanks(text string) ([]int, error) {
	var out []int
	rest := strings.ReplaceAll(text, "%%", "")
	for next := 1; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			slices.Sort(out)
			return out, nil
		}
		n := next
		if number, tail, numbered := strings.Cut(after, "]"); numbered && strings.HasPrefix(number, "[") {
			if at, err := strconv.Atoi(number[1:]); err == nil {
				n, after = at, tail
			}
		}
		if !strings.HasPrefix(after, "s") {
			return nil, fmt.Errorf("%q: a blank is %%s or %%[2]s", text)
		}
		out, next, rest = append(out, n), n+1, after[1:]
	}
}
