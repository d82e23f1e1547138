package lessons

import (
	"cmp"
	"slices"
	"strings"

	"twinlayer/sim/say"
)

// Languages are the languages that the program speaks, and that every lesson
// of the course has: those of package say.
var Languages = say.Languages()

// Language is the language to begin with: the one asked for, else the one of
// the environment (LC_ALL, LC_MESSAGES and LANG, in that order, as POSIX has
// it), else English.
func Language(asked string, getenv func(string) string) string {
	locale := cmp.Or(asked, getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))
	lang, _, _ := strings.Cut(strings.ToLower(locale), ".")
	lang, _, _ = strings.Cut(lang, "_")
	lang, _, _ = strings.Cut(lang, "-")
	if slices.Contains(Languages, lang) {
		return lang
	}
	return say.English
}
