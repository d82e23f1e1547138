package lessons

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Retell is what the model, an engine or the program says in English, in
// another language; what docker prints is never retold. A text that no pattern
// of the language's table knows stays as it is.
func Retell(text, lang string) string {
	if lang != Chinese || text == "" {
		return text
	}
	if out, ok := retell(text); ok {
		return out
	}
	return text
}

// Retold says whether Retell knows the text in that language.
func Retold(text, lang string) bool {
	_, ok := retell(text)
	return ok || lang != Chinese
}

// pattern is a text with blanks, and how it is told.
type pattern struct {
	is *regexp.Regexp
	as string // its verbs are numbered, or in the order of the blanks
}

// patterns are the table's: those that begin with a word, and the wordiest,
// first, so that the one that says most of a text tells it.
var patterns = sync.OnceValue(func() []pattern {
	keys := slices.SortedFunc(maps.Keys(retold), func(a, b string) int {
		return cmp.Or(cmp.Compare(begin(a), begin(b)), cmp.Compare(wordy(b), wordy(a)), cmp.Compare(a, b))
	})
	var all []pattern
	for _, key := range keys {
		is := strings.ReplaceAll(regexp.QuoteMeta(key), "%s", "(.*?)")
		all = append(all, pattern{regexp.MustCompile("(?s)^" + is + "$"), retold[key]})
	}
	return all
})

// begin is 1 for a pattern that begins with a blank, and 0 for others.
func begin(key string) int {
	if strings.HasPrefix(key, "%s") {
		return 1
	}
	return 0
}

func wordy(key string) int { return len(strings.ReplaceAll(key, "%s", "")) }

func retell(text string) (string, bool) {
	if out, ok := retold[text]; ok {
		return out, true
	}
	for _, p := range patterns() {
		blanks := p.is.FindStringSubmatch(text)
		if blanks == nil {
			continue
		}
		args := make([]any, len(blanks)-1)
		for i, blank := range blanks[1:] {
			args[i] = retellPart(blank)
		}
		return fmt.Sprintf(p.as, args...), true
	}
	return text, false
}

// retellPart tells what stands in a blank: a clause of its own, or columns of
// them.
func retellPart(part string) string {
	if !strings.Contains(part, " ") {
		return part // a name, a number
	}
	if out, ok := retell(part); ok || !strings.Contains(part, "  ") {
		return out
	}
	columns := strings.Split(part, "  ")
	for i := range columns {
		columns[i], _ = retell(columns[i])
	}
	return strings.Join(columns, "  ")
}
